//===- RangeSearch.cpp ----------------------------------------------------===//
#include "RangeSearch.h"

#include "dyadic/Support/FixedPoint.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace dyadic;

static constexpr int64_t kSteps = 256;

/// Tries ranges that cut off more and more of the values at one end, then at the
/// other beside the best there, then the first once more: ends are nearly
/// independent, as what one cuts off the other doesn't see.
static Range searchRange(Range all, function_ref<double(Range)> errorOf) {
  constexpr int candidates = 128, least = 8;
  all = {std::min(all.min, 0.0), std::max(all.max, 0.0)};
  Range best = all;
  double leastError = errorOf(all);
  for (double Range::*end : {&Range::max, &Range::min, &Range::max})
    for (int i = least; i <= candidates; ++i) {
      Range range = best;
      range.*end = all.*end * i / candidates;
      double error = all.*end == 0 ? leastError : errorOf(range);
      if (error < leastError) {
        leastError = error;
        best = range;
      }
    }
  return best;
}

Range dyadic::leastSquaredError(const Histogram &histogram) {
  double width = histogram.binWidth();
  return searchRange(histogram.extremes(), [&](Range range) {
    QuantParams params = chooseQuantParams(range.min, range.max, 0, kSteps - 1);
    double error = 0;
    for (auto [i, n] : enumerate(histogram.bins())) {
      if (!n)
        continue;
      double x = histogram.edge(i) + width / 2;
      double q = std::clamp<double>(std::nearbyint(x / params.scale) + params.zeroPoint,
                                    params.qmin, params.qmax);
      double difference = x - (q - params.zeroPoint) * params.scale;
      error += n * difference * difference;
    }
    return error;
  });
}

/// Takes a little of every mass for those that are zero; false if there is too
/// little to take.
static bool smooth(MutableArrayRef<double> masses) {
  constexpr double share = 1e-4;
  double sum = 0, empty = 0;
  for (double mass : masses) {
    sum += mass;
    empty += mass == 0;
  }
  double filled = masses.size() - empty;
  if (!filled)
    return false;
  for (double &mass : masses) {
    mass = mass == 0 ? share : mass / sum - share * empty / filled;
    if (mass <= 0)
      return false;
  }
  return true;
}

Range dyadic::leastDivergence(const Histogram &histogram) {
  ArrayRef<uint64_t> bins = histogram.bins();
  std::vector<double> counts(bins.begin(), bins.end());
  int64_t size = counts.size();
  double width = histogram.binWidth();
  int64_t zero = std::llround(-histogram.edge(0) / width);
  if (zero >= 0 && zero < size)
    counts[zero] -= histogram.zeros();

  return searchRange(histogram.extremes(), [&](Range range) {
    constexpr double never = std::numeric_limits<double>::infinity();
    QuantParams params = chooseQuantParams(range.min, range.max, 0, kSteps - 1);
    auto binOf = [&](double x) {
      return std::clamp<int64_t>((x - histogram.edge(0)) / width, 0, size - 1);
    };
    int64_t first = binOf(range.min), last = binOf(range.max);
    // With a bin to a step there is nothing to compare.
    if (last - first + 1 < 2 * kSteps)
      return size < 2 * kSteps && last - first + 1 == size ? 0.0 : never;
    std::vector<double> before(counts.begin() + first, counts.begin() + last + 1);
    // What is rounded to one step is spread over those of its bins that had any.
    std::vector<double> after(before.size());
    for (size_t i = 0; i < before.size();) {
      auto step = [&](size_t bin) {
        return std::nearbyint((histogram.edge(first + bin) + width / 2) / params.scale);
      };
      size_t end = i;
      double sum = 0, filled = 0;
      for (double at = step(i); end < before.size() && step(end) == at; ++end) {
        sum += before[end];
        filled += before[end] > 0;
      }
      for (; i < end; ++i)
        after[i] = before[i] > 0 ? sum / filled : 0;
    }
    for (int64_t i = 0; i < first; ++i)
      before.front() += counts[i];
    for (int64_t i = last + 1; i < size; ++i)
      before.back() += counts[i];
    if (!smooth(before) || !smooth(after))
      return never;
    double divergence = 0;
    for (auto [p, q] : zip(before, after))
      divergence += p * std::log(p / q);
    return divergence;
  });
}
