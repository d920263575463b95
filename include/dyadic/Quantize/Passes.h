//===- Passes.h - passes of Quantize ----------------------------*- C++ -*-===//
#ifndef DYADIC_QUANTIZE_PASSES_H
#define DYADIC_QUANTIZE_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

/// The discardable attributes of levels 1 and 2: calibration's result, and why
/// the quantizer left an op in float.
inline constexpr llvm::StringLiteral kRangeAttr = "qnn.range";
inline constexpr llvm::StringLiteral kFloatReasonAttr = "qnn.float_reason";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Quantize/Passes.h.inc"

} // namespace dyadic

#endif
