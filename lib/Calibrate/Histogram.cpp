//===- Histogram.cpp ------------------------------------------------------===//
#include "dyadic/Calibrate/Histogram.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

using namespace llvm;

namespace dyadic {

/// The least and greatest finite value.
static std::optional<Range> finiteRange(ArrayRef<float> values) {
  constexpr float big = std::numeric_limits<float>::max();
  constexpr float inf = std::numeric_limits<float>::infinity();
  // Independent lanes, so that the loop becomes vector code.
  constexpr size_t lanes = 16;
  std::array<float, lanes> lo, hi;
  lo.fill(inf);
  hi.fill(-inf);
  auto step = [&](size_t lane, float value) {
    // Comparisons with NaN are false: it never enters.
    lo[lane] = value < lo[lane] && value >= -big ? value : lo[lane];
    hi[lane] = value > hi[lane] && value <= big ? value : hi[lane];
  };
  size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      step(lane, values[i + lane]);
  for (; i < values.size(); ++i)
    step(0, values[i]);
  Range range{*llvm::min_element(lo), *llvm::max_element(hi)};
  if (range.min > range.max)
    return std::nullopt;
  return range;
}

static int64_t binOf(double value, int exponent) {
  return static_cast<int64_t>(std::floor(std::ldexp(value, -exponent)));
}

/// The finest grid with at most kBins bins from end to end. Its bins are no
/// finer than f32, so their numbers stay small.
static int exponentFor(Range range) {
  double magnitude = std::max(std::abs(range.min), std::abs(range.max));
  constexpr int finest = -149;
  int exponent = magnitude == 0 ? finest : std::max(finest, std::ilogb(magnitude) - 23);
  while (binOf(range.max, exponent) - binOf(range.min, exponent) >= Histogram::kBins)
    ++exponent;
  return exponent;
}

double Histogram::binWidth() const { return std::ldexp(1.0, exponent); }

/// Chooses the grid that values in `range` need besides those seen, and moves
/// what was counted to it.
void Histogram::cover(Range range) {
  bool isFirst = counts.empty();
  Range wanted = isFirst ? range
                         : Range{std::min(seen.min, range.min),
                                 std::max(seen.max, range.max)};
  seen = wanted;
  int newExponent = exponentFor(wanted);
  int64_t newFirst = binOf(wanted.min, newExponent);
  if (isFirst)
    counts.resize(kBins);
  else if (newExponent != exponent || newFirst != first) {
    std::vector<uint64_t> moved(kBins);
    int shift = std::min(newExponent - exponent, 63);
    for (auto [i, n] : llvm::enumerate(counts))
      if (n) // bins without values may lie outside the new ones
        moved[((first + static_cast<int64_t>(i)) >> shift) - newFirst] += n;
    counts = std::move(moved);
  }
  first = newFirst;
  exponent = newExponent;
}

std::optional<Range> Histogram::observe(ArrayRef<float> values) {
  auto range = finiteRange(values);
  if (!range)
    return std::nullopt;
  cover(*range);
  double scale = std::ldexp(1.0, -exponent);
  // Not in members, which the compiler would store for each value.
  uint64_t *bins = counts.data(), finite = 0, zeros = 0;
  for (float value : values) {
    if (!std::isfinite(value))
      continue;
    // Rounded down without a call; all bins' numbers are below 2^24.
    double at = value * scale;
    int64_t bin = static_cast<int32_t>(at);
    bin -= at < bin;
    ++bins[bin - first];
    ++finite;
    zeros += value == 0;
  }
  count += finite;
  zeroCount += zeros;
  return range;
}

void Histogram::merge(const Histogram &other) {
  if (!other.count)
    return;
  cover(other.seen);
  int shift = std::min(exponent - other.exponent, 63);
  for (auto [i, n] : llvm::enumerate(other.counts))
    if (n)
      counts[((other.first + static_cast<int64_t>(i)) >> shift) - first] += n;
  count += other.count;
  zeroCount += other.zeroCount;
}

ArrayRef<uint64_t> Histogram::bins() const {
  // The first bin has the least value.
  return ArrayRef<uint64_t>(counts)
      .take_front(counts.empty() ? 0 : binOf(seen.max, exponent) - first + 1);
}

json::Value Histogram::toJSON() const {
  json::Array bins;
  for (uint64_t n : this->bins())
    bins.push_back(n);
  return json::Object{{"min", seen.min},
                      {"max", seen.max},
                      {"zeros", zeroCount},
                      {"bins", std::move(bins)}};
}

Expected<Histogram> Histogram::fromJSON(const json::Value &value) {
  auto fault = [](const char *expected) {
    return createStringError(inconvertibleErrorCode(), "expected a histogram: %s", expected);
  };
  const json::Object *object = value.getAsObject();
  const json::Array *bins = object ? object->getArray("bins") : nullptr;
  auto min = object ? object->getNumber("min") : std::nullopt;
  auto max = object ? object->getNumber("max") : std::nullopt;
  auto zeros = object ? object->getInteger("zeros") : std::nullopt;
  if (!bins || !min || !max || !zeros)
    return fault("an object with min, max, zeros and bins");
  constexpr double big = std::numeric_limits<float>::max();
  if (!(*min >= -big && *min <= *max && *max <= big))
    return fault("min and max that are f32 values, in this order");
  Histogram result;
  if (bins->empty())
    return result;
  result.cover({*min, *max});
  if (bins->size() != result.bins().size())
    return fault("as many bins as there are from min to max");
  for (auto [n, bin] : llvm::zip(result.counts, *bins)) {
    auto number = bin.getAsInteger();
    if (!number || *number < 0 || *number > (int64_t(1) << 52))
      return fault("counts from 0 to 2^52 as bins");
    n = *number;
    result.count += n;
  }
  if (!result.counts[0] || !result.counts[bins->size() - 1] || *zeros < 0 ||
      uint64_t(*zeros) > result.count)
    return fault("values in the first and last bin, and no more zeros than values");
  result.zeroCount = *zeros;
  return result;
}

} // namespace dyadic
