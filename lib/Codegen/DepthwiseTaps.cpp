//===- DepthwiseTaps.cpp --------------------------------------------------===//
#include "DepthwiseTaps.h"

#include <algorithm>

using namespace dyadic::codegen;

namespace {
class Planner {
public:
  Planner(int64_t columns, int64_t rowDilation, int64_t columnDilation)
      : columns(columns), rowDilation(rowDilation),
        columnDilation(columnDilation) {}

  /// Rows [row, row + height) in groups of `width` columns.
  void add(int64_t row, int64_t height, int64_t width) {
    width = std::min(width, columns);
    DepthwiseTaps::Group group;
    for (int64_t j = 0; j < width; ++j)
      for (int64_t i = 0; i < height; ++i)
        group.push_back({(row + i) * rowDilation, j * columnDilation});
    plan.groups.push_back(group);
    for (int64_t done = 0; done < columns; done += width) {
      // The last one overlaps the one before instead of reading beyond.
      int64_t first = std::min(done, columns - width);
      DepthwiseTaps::Use use{static_cast<unsigned>(plan.groups.size() - 1),
                             first * columnDilation,
                             {}};
      for (int64_t j = first; j < first + width; ++j)
        for (int64_t i = row; i < row + height; ++i)
          use.weights.push_back(j < done ? -1 : i * columns + j);
      plan.uses.push_back(use);
    }
  }

  DepthwiseTaps plan;

private:
  int64_t columns, rowDilation, columnDilation;
};
} // namespace

DepthwiseTaps DepthwiseTaps::plan(int64_t rows, int64_t columns,
                                  int64_t rowDilation, int64_t columnDilation,
                                  int64_t together) {
  Planner planner(columns, rowDilation, columnDilation);
  int64_t left = rows % together;
  for (int64_t row = 0; row + together <= rows; row += together)
    planner.add(row, together, 1);
  if (left)
    planner.add(rows - left, left, std::max<int64_t>(together / left, 1));
  return planner.plan;
}
