//===- RangeSearch.cpp ----------------------------------------------------===//
#include "RangeSearch.h"

#include "dyadic/Support/FixedPoint.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>
#include <vector>

using namespace llvm;
using namespace dyadic;

static constexpr int64_t kSteps = 256;

namespace {
/// A histogram with fewer bins: as many as a search has time for.
struct Coarse {
  explicit Coarse(const Histogram &histogram) {
    constexpr size_t most = 4096;
    ArrayRef<uint64_t> bins = histogram.bins();
    size_t merged = std::max<size_t>(1, divideCeil(bins.size(), most));
    width = histogram.binWidth() * merged;
    origin = histogram.edge(0);
    counts.resize(divideCeil(bins.size(), merged));
    for (auto [i, n] : enumerate(bins))
      counts[i / merged] += n;
  }
  double centre(int64_t i) const { return origin + (i + 0.5) * width; }

  double origin, width;
  std::vector<double> counts;
};
} // namespace

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
  Coarse coarse(histogram);
  return searchRange(histogram.extremes(), [&](Range range) {
    QuantParams params = chooseQuantParams(range.min, range.max, 0, kSteps - 1);
    double error = 0;
    for (auto [i, n] : enumerate(coarse.counts)) {
      if (!n)
        continue;
      double x = coarse.centre(i);
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
  Coarse coarse(histogram);
  std::vector<double> &counts = coarse.counts;
  int64_t size = counts.size();
  auto zero = static_cast<int64_t>(std::floor(-coarse.origin / coarse.width));
  if (zero >= 0 && zero < size)
    counts[zero] -= histogram.zeros();

  return searchRange(histogram.extremes(), [&](Range range) {
    constexpr double never = std::numeric_limits<double>::infinity();
    QuantParams params = chooseQuantParams(range.min, range.max, 0, kSteps - 1);
    auto binOf = [&](double x) {
      return std::clamp<int64_t>((x - coarse.origin) / coarse.width, 0, size - 1);
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
        return std::nearbyint(coarse.centre(first + bin) / params.scale);
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
