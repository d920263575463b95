//===- Passes.h - passes of Fuse --------------------------------*- C++ -*-===//
#ifndef DYADIC_FUSE_PASSES_H
#define DYADIC_FUSE_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Fuse/Passes.h.inc"

} // namespace dyadic

#endif
