//===- QNNDynamicOps.td - scales that are found at run time ---------------===//
#ifndef DYADIC_QNN_DYNAMIC_OPS
#define DYADIC_QNN_DYNAMIC_OPS

include "dyadic/Dialect/QNN/QNNBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def QNN_DynamicRoundOp : QNN_Op<"dynamic_round", [
    InferTypeOpAdaptorWithIsCompatible]> {
  let summary = "f32 rounded to 8 bits of the range that it has at run time";
  let description = [{
    Level 2: what `dyadic.dynamic_quantize` of the same groups makes of the
    input, as reals again, (q − zero_point) · scale. The contractions that read it
    have quantized weights and f32 results; they become integer sums, and nothing
    else reads it.
  }];
  let arguments = (ins QNN_Tensor:$input, I64Attr:$outer);
  let results = (outs QNN_Tensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif
