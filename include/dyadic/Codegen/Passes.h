//===- Passes.h - passes of Codegen ----------------------------------*- C++ -*-===//
#ifndef DYADIC_CODEGEN_PASSES_H
#define DYADIC_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace dyadic {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dyadic/Codegen/Passes.h.inc"

} // namespace dyadic

#endif
