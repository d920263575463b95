//===- Passes.h - passes of Export/TOSA -------------------------*- C++ -*-===//
#ifndef DYADIC_EXPORT_TOSA_PASSES_H
#define DYADIC_EXPORT_TOSA_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Export/TOSA/Passes.h.inc"

} // namespace dyadic

#endif
