//===- Passes.h - passes of Simplify ----------------------------*- C++ -*-===//
#ifndef DYADIC_SIMPLIFY_PASSES_H
#define DYADIC_SIMPLIFY_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Simplify/Passes.h.inc"

} // namespace dyadic

#endif
