//===- Scores.h - what accuracy is measured on ------------------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_SCORES_H
#define DYADIC_LIB_EXPLAIN_SCORES_H

#include "dyadic/Calibrate/SampleStream.h"
#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace dyadic {

/// Samples, and the f32 outputs that a float network makes of them, in front of a
/// closing softmax.
class Scores {
public:
  /// Runs `calibrated`, a module at level 1, on the first `count` samples.
  static mlir::FailureOr<Scores> create(mlir::ModuleOp calibrated, SampleStream &samples,
                                        int64_t count);

  /// Mean relative noise of the scores of `quantized`, a module at level 2 whose
  /// sums are rounded by `rounding`.
  mlir::FailureOr<double> noiseOf(mlir::ModuleOp quantized, llvm::StringRef rounding) const;

  /// Whether there is anything to measure.
  bool empty() const { return exact.empty() || exact.front().empty(); }

private:
  std::vector<llvm::SmallVector<HostTensor>> samples;
  std::vector<std::vector<HostTensor>> exact;
};

} // namespace dyadic

#endif
