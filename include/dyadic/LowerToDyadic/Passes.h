//===- Passes.h - passes of LowerToDyadic -----------------------*- C++ -*-===//
#ifndef DYADIC_LOWERTODYADIC_PASSES_H
#define DYADIC_LOWERTODYADIC_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/LowerToDyadic/Passes.h.inc"

} // namespace dyadic

#endif
