//===- Observer.h - from a tensor's values to its range ---------*- C++ -*-===//
#ifndef DYADIC_CALIBRATE_OBSERVER_H
#define DYADIC_CALIBRATE_OBSERVER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>

namespace dyadic {

/// The interval of real values that quantization shall represent.
struct Range {
  double min = 0, max = 0;
};

/// Sees one tensor on every calibration sample, in constant memory, and says at
/// the end which range its type should cover.
class Observer {
public:
  virtual ~Observer();
  /// The tensor's elements on one more sample; not all need be finite.
  virtual void observe(llvm::ArrayRef<float> values) = 0;
  /// None when no finite value was seen.
  virtual std::optional<Range> range() const = 0;
};

struct ObserverOptions {
  enum class Kind { MinMax, MovingAverage, Percentile };
  Kind kind = Kind::Percentile;
  /// Moving average: the weight of what was seen before, in [0, 1).
  double momentum = 0.9;
  /// Percentile: how much of the values the range covers at either end, in
  /// (50, 100]. The default leaves out only what one value in 100,000 reaches,
  /// nothing in small tensors.
  double percentile = 99.999;
};

/// Parses "minmax", "moving-average[=momentum]" or "percentile[=percent]".
llvm::Expected<ObserverOptions> parseObserver(llvm::StringRef text);

std::unique_ptr<Observer> makeObserver(const ObserverOptions &options);

} // namespace dyadic

#endif
