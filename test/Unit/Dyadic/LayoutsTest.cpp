//===- LayoutsTest.cpp ----------------------------------------------------===//
#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "gtest/gtest.h"

using namespace dyadic;

namespace {
TEST(Layouts, RowMajor) {
  EXPECT_EQ(stridesOf({2, 3, 4}), (Strides{12, 4, 1}));
  EXPECT_EQ(stridesOf({}), Strides{});
  EXPECT_TRUE(isContiguous({2, 3, 4}, {12, 4, 1}));
  EXPECT_FALSE(isContiguous({2, 3, 4}, {15, 5, 1}));
  // What one element's dimension would step by doesn't matter.
  EXPECT_TRUE(isContiguous({1, 3, 4}, {99, 4, 1}));
}

TEST(Layouts, Span) {
  EXPECT_EQ(spanOf({3, 4}, {6, 1}), 2 * 6 + 3 + 1);
  EXPECT_EQ(spanOf({}, {}), 1);
  EXPECT_EQ(spanOf({3, 0}, {6, 1}), 0);
}

TEST(Layouts, ReshapeOfAView) {
  // Rows of 4 pixels of 2 channels, 12 elements apart.
  llvm::SmallVector<int64_t> shape{1, 3, 4, 2}, strides{60, 12, 2, 1};
  EXPECT_EQ(reshapeStrides(shape, strides, {3, 8}), (Strides{12, 1}));
  EXPECT_EQ(reshapeStrides(shape, strides, {3, 2, 4}), (Strides{12, 4, 1}));
  EXPECT_EQ(reshapeStrides(shape, strides, {3, 1, 4, 2, 1}),
            (Strides{12, 1, 2, 1, 1}));
  EXPECT_EQ(reshapeStrides(shape, strides, {12, 2}), std::nullopt);
  EXPECT_EQ(reshapeStrides(shape, strides, {24}), std::nullopt);
  // A slot of a concat: pixels are one row, but apart.
  EXPECT_EQ(reshapeStrides({3, 4, 2}, {40, 10, 1}, {12, 2}), (Strides{10, 1}));
  EXPECT_EQ(reshapeStrides({3, 4, 2}, {40, 10, 1}, {24}), std::nullopt);
  EXPECT_EQ(reshapeStrides({3, 4}, {4, 1}, {2, 6}), (Strides{6, 1}));
}
} // namespace
