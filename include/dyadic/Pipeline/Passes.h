//===- Passes.h - passes of Pipeline ----------------------------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_PASSES_H
#define DYADIC_PIPELINE_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Pipeline/Passes.h.inc"

} // namespace dyadic

#endif
