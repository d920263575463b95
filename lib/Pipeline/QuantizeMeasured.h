//===- QuantizeMeasured.h - the better of several quantizations -*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_QUANTIZEMEASURED_H
#define DYADIC_LIB_PIPELINE_QUANTIZEMEASURED_H

#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Pipeline/Pipelines.h"
#include "dyadic/Quantize/Recover.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>

namespace dyadic {

/// How many samples `func`'s network can be measured on within the time that
/// every compile has for it; 0 if too few for that to mean anything.
int64_t countMeasured(mlir::func::FuncOp func, const QuantizeChoices &choices, int64_t samples);

/// The same network at level 1, as it was quantized, and at level 2.
struct QuantizedPair {
  mlir::OwningOpRef<mlir::ModuleOp> real, quantized;
  /// Whether ranges and weights were chosen by measuring where that was wanted.
  bool isComplete = true;
};

/// Level 2 of `module`, which has ranges: with equalized channels or without,
/// whatever has the least error on `samples`. Means are corrected on two thirds of
/// them where that lowers the error on the others, and so are weights rounded, unless
/// `given` names a way, which is taken. If it wants observers chosen, ranges change where
/// that lowers the error, too; what fails of the last two leaves the result incomplete.
/// `mark` may give the ops of each level 1 attributes. Without it the large constants of
/// `module` are released where the result hasn't them, unless this fails.
mlir::FailureOr<QuantizedPair> quantizeMeasured(mlir::ModuleOp module,
                                                const SampleTensors &samples,
                                                const QuantizeChoices &choices,
                                                const CalibrationOptions &given,
                                                const std::function<void(mlir::ModuleOp)> &mark);

} // namespace dyadic

#endif
