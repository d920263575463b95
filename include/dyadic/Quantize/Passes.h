//===- Passes.h - passes of Quantize ----------------------------*- C++ -*-===//
#ifndef DYADIC_QUANTIZE_PASSES_H
#define DYADIC_QUANTIZE_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Quantize/Passes.h.inc"

} // namespace dyadic

#endif
