//===- Outside.h - what the outside project adds to Dyadic ------*- C++ -*-===//
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace outside {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "OutsidePasses.h.inc"

/// A machine of its own: the portable kernels with wider tiles.
std::unique_ptr<dyadic::Target> makeTinyTarget();

} // namespace outside

#endif
