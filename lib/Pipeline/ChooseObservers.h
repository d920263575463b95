//===- ChooseObservers.h - an observer for each tensor ----------*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_CHOOSEOBSERVERS_H
#define DYADIC_LIB_PIPELINE_CHOOSEOBSERVERS_H

#include "dyadic/Pipeline/Compile.h"

namespace dyadic {

/// Writes other ranges on the calibrated `module`, of which `statistics` are: each by
/// the observer, among five, with which the quantized network's results on `samples`
/// are nearest to the float network's; first by one observer for all, then group after
/// group of tensors. Tensors that `given` names an observer for keep it. What was found
/// on two thirds of the samples is kept only if it is better on the last third, too.
mlir::LogicalResult chooseObservers(mlir::ModuleOp module, const NetworkStatistics &statistics,
                                    const CalibrationOptions &given,
                                    const QuantizeChoices &choices,
                                    const SampleTensors &samples);

} // namespace dyadic

#endif
