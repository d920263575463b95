//===- OutsidePasses.td - a pass of an outside project --------------------===//
#ifndef OUTSIDE_PASSES
#define OUTSIDE_PASSES

include "dyadic/Dialect/QNN/QNNInterfaces.td"
include "mlir/Pass/PassBase.td"

def CapActivations : Pass<"outside-cap-activations", "::mlir::func::FuncOp"> {
  let summary = "replace relu by a clamp to [0, limit]";
  let options = [Option<"limit", "limit", "double", "6.0", "the upper end">];
  let dependentDialects = ["::dyadic::qnn::QNNDialect"];
}

#endif
