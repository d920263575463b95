//===- DynamicOps.td - scales that are found at run time ------------------===//
//
// docs/Spec.md, section 3. Beside `quantize` and `dequantize` the only ops with
// floats of this dialect.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_DYNAMIC_OPS
#define DYADIC_DYNAMIC_OPS

include "dyadic/Dialect/Dyadic/DyadicBase.td"

def Dyadic_DynamicQuantizeOp : Dyadic_InferredOp<"dynamic_quantize"> {
  let summary = "f32 to storage, each group with the scale of its own values";
  let description = [{
    A group is all elements with the same indices in the first `outer`
    dimensions. With its range l = min(x, 0), h = max(x, 0) over the numbers x of
    the group, and r = h − l, or 255 where that is below 2⁻¹⁰⁰,

      scale = r / 255,   zero_point = round_half_even(−l · (255 / r))
      output = zero_point + round_half_even(clamp(x · (255 / r), −zero_point, 255 − zero_point))

    in f32, each operation rounded once. NaN becomes 0. `scale` and `zero_point`
    have an extent of one in the dimensions of the group.
  }];
  let arguments = (ins Dyadic_FloatTensor:$input, I64Attr:$outer);
  let results = (outs RankedTensorOf<[UI8]>:$output, Dyadic_FloatTensor:$scale,
                      Dyadic_AccumulatorTensor:$zero_point);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Dyadic_ScaleSumsOp : Dyadic_InferredOp<"scale_sums", [Dyadic_Pointwise]> {
  let summary = "sums of dynamically quantized values to f32";
  let description = [{
    With c the index in the last dimension,

      x = f32(sums − zero_point · weight_sums[c]) · weight_scales[c] · scale + bias[c]

    rounded to f32 after each step, from left to right; without a bias the last
    step is left out. `scale` and `zero_point` are those of `dynamic_quantize`,
    broadcast. The integers don't overflow: K products of a byte and a weight do
    not, and that is what both terms are.
  }];
  let arguments = (ins Dyadic_AccumulatorTensor:$sums, Dyadic_FloatTensor:$scale,
      Dyadic_AccumulatorTensor:$zero_point, DenseI32ArrayAttr:$weight_sums,
      DenseF32ArrayAttr:$weight_scales, OptionalAttr<DenseF32ArrayAttr>:$bias);
  let results = (outs Dyadic_FloatTensor:$output);
  let assemblyFormat = [{
    $sums `,` $scale `,` $zero_point attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif
