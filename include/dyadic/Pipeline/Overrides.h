//===- Overrides.h - options for single layers, from a file -----*- C++ -*-===//
//
// docs/Quantization.md, section "Options for single layers", has the format: a mapping
// in YAML, or JSON, which is part of it.
//
//   {"encoder/*": {"activations": "int16", "observer": "percentile=99.9"},
//    "classifier": {"float": true}}
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_PIPELINE_OVERRIDES_H
#define DYADIC_PIPELINE_OVERRIDES_H

#include "dyadic/Pipeline/Compile.h"

namespace dyadic {

/// Adds what the file at `path` says of layers to `options`, whose scheme and
/// calibration are known. Reports all that is wrong with it, each at its line; that a
/// pattern names nothing is found when the model is known.
mlir::LogicalResult addOverrides(llvm::StringRef path, CompileOptions &options,
                                 mlir::MLIRContext *context);

} // namespace dyadic

#endif
