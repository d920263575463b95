//===- Observer.cpp -------------------------------------------------------===//
#include "dyadic/Calibrate/Observer.h"

#include "RangeSearch.h"

#include "llvm/ADT/StringSwitch.h"

#include <algorithm>

using namespace llvm;

namespace dyadic {

const char *const kObserverChoices =
    "minmax, moving-average[=0..1], percentile[=50..100], entropy or mse";

Expected<ObserverOptions> parseObserver(StringRef text) {
  using Kind = ObserverOptions::Kind;
  auto [name, value] = text.split('=');
  auto kind = StringSwitch<std::optional<Kind>>(name)
                  .Case("minmax", Kind::MinMax)
                  .Case("moving-average", Kind::MovingAverage)
                  .Case("percentile", Kind::Percentile)
                  .Case("entropy", Kind::Entropy)
                  .Case("mse", Kind::MeanSquared)
                  .Default(std::nullopt);
  ObserverOptions options;
  bool ok = kind.has_value();
  if (ok)
    options.kind = *kind;
  if (ok && text.contains('=')) {
    double number = 0;
    ok = !value.getAsDouble(number);
    if (*kind == Kind::MovingAverage) {
      ok &= number >= 0 && number < 1;
      options.momentum = number;
    } else {
      ok &= *kind == Kind::Percentile && number > 50 && number <= 100;
      options.percentile = number;
    }
  }
  if (ok)
    return options;
  return createStringError(inconvertibleErrorCode(), "expected %s, but got %s",
                           kObserverChoices, text.str().c_str());
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

} // namespace dyadic
