//===- Observer.h - from a tensor's values to its range ---------*- C++ -*-===//
#ifndef DYADIC_CALIBRATE_OBSERVER_H
#define DYADIC_CALIBRATE_OBSERVER_H

#include "dyadic/Calibrate/Statistics.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace dyadic {

/// How the range that a tensor's type covers follows from its values.
struct ObserverOptions {
  enum class Kind {
    MinMax,        ///< all that was seen
    MovingAverage, ///< the average of each sample's extremes, later ones weigh more
    Percentile,    ///< all but the outermost values
    Entropy,       ///< what keeps the distribution: least Kullback–Leibler divergence
    MeanSquared    ///< what keeps the values: least mean squared error
  };
  Kind kind = Kind::Percentile;
  /// Moving average: the weight of what was seen before, in [0, 1).
  double momentum = 0.9;
  /// Percentile: how much of the values the range covers at either end, in
  /// (50, 100]. The default leaves out only what one value in 100,000 reaches,
  /// nothing in small tensors.
  double percentile = 99.999;
};

/// What `parseObserver` takes, for help texts and messages.
extern const char *const kObserverChoices;

/// Parses "minmax", "moving-average[=momentum]", "percentile[=percent]",
/// "entropy" or "mse".
llvm::Expected<ObserverOptions> parseObserver(llvm::StringRef text);
/// The text that parses as `observer`.
std::string toString(const ObserverOptions &observer);

/// The observer of the tensors whose ops' names match a pattern (NamePattern.h).
struct NamedObserver {
  std::string pattern;
  ObserverOptions observer;
};

/// The range by `options`; none when no finite value was seen.
std::optional<Range> chooseRange(const TensorStatistics &statistics,
                                 const ObserverOptions &options);

/// How much more all values would have to be for `range`'s 256 values of 8 bits, of which
/// 0 is one, to be theirs: images scaled to [−1, 1] lie half a step beside them. In
/// (−½, ½] steps; none unless three quarters of the squared error, and more than a tenth
/// of a step, go with it.
std::optional<double> shiftOntoSteps(const Histogram &histogram, Range range);

} // namespace dyadic

#endif
