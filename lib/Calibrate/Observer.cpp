//===- Observer.cpp -------------------------------------------------------===//
#include "dyadic/Calibrate/Observer.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

using namespace llvm;

namespace dyadic {

Observer::~Observer() = default;

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
  Range range{*std::min_element(lo.begin(), lo.end()),
              *std::max_element(hi.begin(), hi.end())};
  if (range.min > range.max)
    return std::nullopt;
  return range;
}

namespace {
class MinMaxObserver : public Observer {
public:
  void observe(ArrayRef<float> values) override {
    auto seen = finiteRange(values);
    if (!seen)
      return;
    if (!total)
      total = seen;
    total->min = std::min(total->min, seen->min);
    total->max = std::max(total->max, seen->max);
  }
  std::optional<Range> range() const override { return total; }

private:
  std::optional<Range> total;
};

/// Averages each sample's extremes, the later ones weighing more, so that one
/// unusual sample doesn't widen the range for good.
class MovingAverageObserver : public Observer {
public:
  explicit MovingAverageObserver(double momentum) : momentum(momentum) {}
  void observe(ArrayRef<float> values) override {
    auto seen = finiteRange(values);
    if (!seen)
      return;
    if (!average)
      average = seen;
    average->min = momentum * average->min + (1 - momentum) * seen->min;
    average->max = momentum * average->max + (1 - momentum) * seen->max;
  }
  std::optional<Range> range() const override { return average; }

private:
  double momentum;
  std::optional<Range> average;
};

/// Counts values in bins of equal width. When a value falls outside, the bins'
/// width doubles (neighbours merge) until it doesn't, so memory is constant
/// and one pass is enough.
class PercentileObserver : public Observer {
public:
  explicit PercentileObserver(double percentile) : percentile(percentile) {}

  void observe(ArrayRef<float> values) override {
    auto seen = finiteRange(values);
    if (!seen)
      return;
    cover(*seen);
    extremes.min = total ? std::min(extremes.min, seen->min) : seen->min;
    extremes.max = total ? std::max(extremes.max, seen->max) : seen->max;
    for (float value : values) {
      if (!std::isfinite(value))
        continue;
      ++bins[std::clamp<int64_t>(std::floor((value - origin) / width), 0,
                                 int64_t(bins.size()) - 1)];
      ++total;
    }
  }

  std::optional<Range> range() const override {
    if (!total)
      return std::nullopt;
    // At most this many values may lie outside at either end.
    double allowed = (1 - percentile / 100) * total;
    size_t first = 0, last = bins.size() - 1;
    double below = 0, above = 0;
    while (first < last && below + bins[first] <= allowed)
      below += bins[first++];
    while (last > first && above + bins[last] <= allowed)
      above += bins[last--];
    return Range{std::max(extremes.min, origin + first * width),
                 std::min(extremes.max, origin + (last + 1) * width)};
  }

private:
  static constexpr size_t kBins = 4096;

  /// Widens the histogram until `seen` fits in it.
  void cover(Range seen) {
    if (bins.empty()) {
      bins.resize(kBins);
      origin = seen.min;
      width = std::max((seen.max - seen.min) / kBins,
                       std::max(std::abs(seen.min), std::abs(seen.max)) * 1e-12);
      if (width == 0)
        width = 1e-30;
    }
    while (seen.max > origin + kBins * width)
      doubleWidth(/*downwards=*/false);
    while (seen.min < origin)
      doubleWidth(/*downwards=*/true);
  }

  /// The old bins become the lower half of the new ones, or the upper.
  void doubleWidth(bool downwards) {
    std::vector<uint64_t> merged(kBins);
    size_t shift = downwards ? kBins / 2 : 0;
    for (size_t i = 0; i < kBins; ++i)
      merged[shift + i / 2] += bins[i];
    if (downwards)
      origin -= kBins * width;
    width *= 2;
    bins = std::move(merged);
  }

  double percentile;
  std::vector<uint64_t> bins;
  double origin = 0, width = 0;
  uint64_t total = 0;
  Range extremes;
};
} // namespace

Expected<ObserverOptions> parseObserver(StringRef text) {
  auto [kind, value] = text.split('=');
  ObserverOptions options;
  double number = 0;
  bool hasNumber = text.contains('=');
  bool ok = !hasNumber || !value.getAsDouble(number);
  if (kind == "minmax" && !hasNumber) {
    options.kind = ObserverOptions::Kind::MinMax;
    return options;
  }
  if (kind == "moving-average" && ok) {
    options.kind = ObserverOptions::Kind::MovingAverage;
    options.momentum = hasNumber ? number : options.momentum;
    if (options.momentum >= 0 && options.momentum < 1)
      return options;
  }
  if (kind == "percentile" && ok) {
    options.kind = ObserverOptions::Kind::Percentile;
    options.percentile = hasNumber ? number : options.percentile;
    if (options.percentile > 50 && options.percentile <= 100)
      return options;
  }
  return createStringError(inconvertibleErrorCode(),
                           "expected minmax, moving-average[=0..1] or "
                           "percentile[=50..100], but got %s",
                           text.str().c_str());
}

std::unique_ptr<Observer> makeObserver(const ObserverOptions &options) {
  switch (options.kind) {
  case ObserverOptions::Kind::MovingAverage:
    return std::make_unique<MovingAverageObserver>(options.momentum);
  case ObserverOptions::Kind::Percentile:
    return std::make_unique<PercentileObserver>(options.percentile);
  case ObserverOptions::Kind::MinMax:
    break;
  }
  return std::make_unique<MinMaxObserver>();
}

} // namespace dyadic
