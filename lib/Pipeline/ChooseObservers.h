//===- ChooseObservers.h - an observer for each tensor ----------*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_CHOOSEOBSERVERS_H
#define DYADIC_LIB_PIPELINE_CHOOSEOBSERVERS_H

#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Quantize/Recover.h"

namespace dyadic {

/// Writes other ranges on `real`, a level 1 with ranges whose channels may have been
/// equalized: by the observers, among five, with which the quantized network's results
/// on `samples` are nearest to `expected`; first by one observer for all, then group after
/// group of tensors. Other observers' ranges are in proportion to
/// the written ones, as they are to the given one's on `samples`. Tensors that `given`
/// names an observer for keep theirs. False if nothing was better.
mlir::FailureOr<bool> chooseObservers(mlir::ModuleOp real, const CalibrationOptions &given,
                                      const QuantizeChoices &choices,
                                      const SampleTensors &samples,
                                      const DecidingTensors &expected);

} // namespace dyadic

#endif
