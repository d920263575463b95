//===- Metric.h - a user's measure of accuracy ------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_METRIC_H
#define DYADIC_LIB_EXPLAIN_METRIC_H

#include "dyadic/Explain/Escalate.h"
#include "dyadic/Support/HostTensor.h"

#include "llvm/Support/Error.h"

namespace dyadic {

/// The outputs of each sample.
using OutputsOfSamples = std::vector<llvm::SmallVector<HostTensor>>;

/// A metric other than SQNR.
class Metric {
public:
  /// Reads the labels that the goal's metric needs.
  static llvm::Expected<Metric> create(const AccuracyGoal &goal);

  /// The network's accuracy. `exact` is what the float one makes of the samples,
  /// `names` are the outputs'.
  llvm::Expected<double> evaluate(const OutputsOfSamples &got, const OutputsOfSamples &exact,
                                  llvm::ArrayRef<std::string> names) const;

private:
  explicit Metric(const AccuracyGoal &goal) : goal(goal) {}
  llvm::Expected<double> topOne(const OutputsOfSamples &got) const;
  llvm::Expected<double> f1(const OutputsOfSamples &got) const;
  llvm::Expected<double> printed(const OutputsOfSamples &got,
                                 llvm::ArrayRef<std::string> names) const;

  AccuracyGoal goal;
  HostTensor labels;
};

} // namespace dyadic

#endif
