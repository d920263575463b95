//===- CheckOptions.h - what the options ask for together -------*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_CHECKOPTIONS_H
#define DYADIC_LIB_PIPELINE_CHECKOPTIONS_H

#include "dyadic/Pipeline/Compile.h"

namespace dyadic {

/// Reports at once all of what can't be asked for, whatever the network.
mlir::LogicalResult checkOptions(const CompileOptions &options, mlir::Location loc);
/// Reports at once what is asked of a quantization that doesn't take place, as all stays
/// float or the model is quantized.
mlir::LogicalResult checkNothingIsChosen(const CompileOptions &options, bool comesQuantized,
                                         mlir::Location loc);

} // namespace dyadic

#endif
