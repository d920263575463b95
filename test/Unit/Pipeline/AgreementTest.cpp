//===- AgreementTest.cpp --------------------------------------------------===//
#include "dyadic/Pipeline/Agreement.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace dyadic;

namespace {
HostTensor make(llvm::ArrayRef<int64_t> shape, std::vector<float> values) {
  HostTensor tensor(ElementKind::F32, shape);
  llvm::copy(values, tensor.as<float>().begin());
  return tensor;
}

TEST(AgreementTest, MeasuresOverAllSamples) {
  Agreement agreement;
  agreement.add(make({1, 2}, {3, 4}), make({1, 2}, {3, 3}));
  agreement.add(make({1, 2}, {0, 5}), make({1, 2}, {0, 5}));
  EXPECT_NEAR(agreement.sqnr(), 10 * std::log10(50 / 1.0), 1e-9);
  EXPECT_NEAR(agreement.cosine(), 46 / (std::sqrt(50.0) * std::sqrt(43.0)), 1e-9);
  EXPECT_EQ(agreement.maxDifference(), 1);
  EXPECT_EQ(agreement.rows(), 2);
  EXPECT_EQ(agreement.argmaxAgreement(), 0.5);
}

TEST(AgreementTest, EqualOutputsAgreeWholly) {
  Agreement agreement;
  agreement.add(make({1, 2}, {0, 0}), make({1, 2}, {0, 0}));
  EXPECT_EQ(agreement.cosine(), 1);
  EXPECT_EQ(agreement.sqnr(), INFINITY);
  EXPECT_EQ(agreement.argmaxAgreement(), 1);
}

TEST(AgreementTest, RowsAreTheLastDimension) {
  EXPECT_EQ(argmaxOfRows(make({1, 2, 3}, {0, 2, 1, 5, 4, 3})), (llvm::SmallVector<int64_t>{1, 0}));
  EXPECT_EQ(argmaxOfRows(make({1, 3, 1, 1}, {0, 1, 2})), (llvm::SmallVector<int64_t>{2}));
  EXPECT_TRUE(argmaxOfRows(make({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7})).empty());
}
} // namespace
