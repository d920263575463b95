//===- CodedGrid.cpp -----------------------------------------------------===//
#include "dyadic/Dialect/Coded/CodedGrid.h"

#include <algorithm>

using namespace dyadic;

unsigned CodedGrid::encode(int64_t o, int64_t k, double x) const {
  int64_t at = scaleOf(o, k);
  double value = x / scales[at] + zeroAt(at);
  auto above = std::lower_bound(values.begin(), values.end(), value);
  if (above == values.begin())
    return 0;
  if (above == values.end() || value - above[-1] <= *above - value)
    --above;
  return above - values.begin();
}

std::vector<float> CodedGrid::integers(unsigned bits) {
  std::vector<float> values(size_t(1) << bits);
  float least = -static_cast<float>(values.size() / 2);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = least + static_cast<float>(i);
  return values;
}
