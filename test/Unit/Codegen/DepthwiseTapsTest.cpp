//===- DepthwiseTapsTest.cpp ----------------------------------------------===//
#include "../../../lib/Codegen/DepthwiseTaps.h"
#include "gtest/gtest.h"

#include <map>

using namespace dyadic::codegen;

namespace {

/// Every tap has its weight once, at the activation it belongs to, and nothing
/// beyond the filter is read.
void checkPlan(int64_t rows, int64_t columns, int64_t rowDilation,
               int64_t columnDilation, int64_t together) {
  DepthwiseTaps plan = DepthwiseTaps::plan(rows, columns, rowDilation,
                                           columnDilation, together);
  std::map<int64_t, int> seen;
  for (const DepthwiseTaps::Use &use : plan.uses) {
    const DepthwiseTaps::Group &group = plan.groups[use.group];
    EXPECT_LE(group.size(), size_t(together));
    ASSERT_EQ(use.weights.size(), group.size());
    for (size_t i = 0; i < group.size(); ++i) {
      int64_t row = group[i].row, column = use.column + group[i].column;
      EXPECT_LE(row, (rows - 1) * rowDilation);
      EXPECT_LE(column, (columns - 1) * columnDilation);
      if (use.weights[i] < 0)
        continue;
      ++seen[use.weights[i]];
      EXPECT_EQ(row, use.weights[i] / columns * rowDilation);
      EXPECT_EQ(column, use.weights[i] % columns * columnDilation);
    }
  }
  EXPECT_EQ(seen.size(), size_t(rows * columns));
  for (auto [weight, count] : seen)
    EXPECT_EQ(count, 1) << weight;
}

TEST(DepthwiseTapsTest, CoverEveryTapOnce) {
  for (int64_t together : {2, 4})
    for (int64_t rows = 1; rows <= 9; ++rows)
      for (int64_t columns = 1; columns <= 9; ++columns)
        for (int64_t dilation : {1, 3})
          checkPlan(rows, columns, dilation, 4 - dilation, together);
}

TEST(DepthwiseTapsTest, ProductsOfTheCommonFilters) {
  auto products = [](int64_t size, int64_t together) {
    return DepthwiseTaps::plan(size, size, 1, 1, together).uses.size();
  };
  EXPECT_EQ(products(3, 4), 3u);
  EXPECT_EQ(products(5, 4), 7u); // of 25 taps, 7 at the least
  EXPECT_EQ(products(7, 4), 14u);
  EXPECT_EQ(products(3, 2), 5u);
  EXPECT_EQ(products(5, 2), 13u);
}

} // namespace
