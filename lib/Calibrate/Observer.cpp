//===- Observer.cpp -------------------------------------------------------===//
#include "dyadic/Calibrate/Observer.h"

#include "RangeSearch.h"

#include "dyadic/Support/FixedPoint.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace dyadic {

const char *const kObserverChoices =
    "minmax, moving-average[=0..1], percentile[=50..100], entropy or mse";

using Kind = ObserverOptions::Kind;

/// In the order of Kind.
static constexpr StringLiteral kNames[] = {"minmax", "moving-average", "percentile", "entropy",
                                           "mse"};

Expected<ObserverOptions> parseObserver(StringRef text) {
  auto [name, value] = text.split('=');
  const auto *known = llvm::find(kNames, name);
  ObserverOptions options;
  bool ok = known != std::end(kNames);
  if (ok)
    options.kind = Kind(known - kNames);
  if (ok && text.contains('=')) {
    double number = 0;
    ok = !value.getAsDouble(number);
    if (options.kind == Kind::MovingAverage) {
      ok &= number >= 0 && number < 1;
      options.momentum = number;
    } else {
      ok &= options.kind == Kind::Percentile && number > 50 && number <= 100;
      options.percentile = number;
    }
  }
  if (ok)
    return options;
  return createStringError(inconvertibleErrorCode(), "expected %s, but got %s",
                           kObserverChoices, text.str().c_str());
}

std::string toString(const ObserverOptions &observer) {
  std::string text;
  raw_string_ostream stream(text);
  stream << kNames[size_t(observer.kind)];
  if (observer.kind == Kind::MovingAverage)
    stream << format("=%g", observer.momentum);
  if (observer.kind == Kind::Percentile)
    stream << format("=%g", observer.percentile);
  return text;
}

/// What is left when at most 1 − percentile/100 of the values are cut off at
/// either end.
static Range percentileRange(const Histogram &histogram, double percentile) {
  ArrayRef<uint64_t> bins = histogram.bins();
  double allowed = (1 - percentile / 100) * histogram.total();
  int64_t first = 0, last = bins.size() - 1;
  double below = 0, above = 0;
  while (first < last && below + bins[first] <= allowed)
    below += bins[first++];
  while (last > first && above + bins[last] <= allowed)
    above += bins[last--];
  Range seen = histogram.extremes();
  return {std::max(seen.min, histogram.edge(first)),
          std::min(seen.max, histogram.edge(last + 1))};
}

std::optional<Range> chooseRange(const TensorStatistics &statistics,
                                 const ObserverOptions &options) {
  const Histogram &histogram = statistics.histogram();
  if (!histogram.total())
    return std::nullopt;
  switch (options.kind) {
  case ObserverOptions::Kind::MovingAverage:
    return statistics.average();
  case ObserverOptions::Kind::Percentile:
    return percentileRange(histogram, options.percentile);
  case ObserverOptions::Kind::Entropy:
    return leastDivergence(histogram);
  case ObserverOptions::Kind::MeanSquared:
    return leastSquaredError(histogram);
  case ObserverOptions::Kind::MinMax:
    break;
  }
  return histogram.extremes();
}

std::optional<double> shiftOntoSteps(const Histogram &histogram, Range range) {
  // Nor where there is hardly an error, all of which may be that bins have a width.
  constexpr double kWorthwhile = 0.25, kLeast = 0.1 * 0.1;
  if (!(range.min < range.max))
    return std::nullopt;
  double step = chooseQuantParams(range.min, range.max, 0, 255).scale;
  auto sumOver = [&](auto &&term) {
    double sum = 0;
    for (auto [i, count] : llvm::enumerate(histogram.bins()))
      sum += count * term((histogram.edge(i) + histogram.binWidth() / 2) / step);
    return sum;
  };
  auto errorOf = [&](double shift) {
    return sumOver([&](double x) {
      double error = x + shift - std::nearbyint(x + shift);
      return error * error;
    });
  };
  // Where between two steps values lie is an angle; the mean direction is most values'.
  constexpr double kTurn = 2 * llvm::numbers::pi;
  double shift = -std::atan2(sumOver([&](double x) { return std::sin(kTurn * x); }),
                             sumOver([&](double x) { return std::cos(kTurn * x); })) /
                 kTurn;
  double before = errorOf(0);
  if (before < kLeast * histogram.total() || errorOf(shift) > kWorthwhile * before)
    return std::nullopt;
  return shift * step;
}

} // namespace dyadic
