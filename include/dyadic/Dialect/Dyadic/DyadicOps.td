//===- DyadicOps.td - the integer dialect ---------------------------------===//
//
// Every op is defined to the bit in docs/Spec.md; the descriptions here give
// the formula, the specification the constraints and the corner cases.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_DYADIC_OPS
#define DYADIC_DYADIC_OPS

include "dyadic/Dialect/Dyadic/DyadicBase.td"

//===----------------------------------------------------------------------===//
// Constants and borders
//===----------------------------------------------------------------------===//

def Dyadic_ConstantOp : Dyadic_Op<"constant", [ConstantLike]> {
  let summary = "an integer tensor known at compile time";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Dyadic_ConstantTensor:$output);
  let assemblyFormat = "$value attr-dict `:` type($output)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Dyadic_QuantizeOp : Dyadic_InferredOp<"quantize", [Dyadic_Pointwise]> {
  let summary = "f32 to storage";
  let description = [{
      q = zero_point + round_half_even(clamp(x · inverse_scale, qmin − zero_point, qmax − zero_point))

    in f32; the product is rounded once. NaN becomes qmin.
  }];
  let arguments = (ins Dyadic_FloatTensor:$input, F32Attr:$inverse_scale,
                       I32Attr:$zero_point);
  let results = (outs Dyadic_StorageTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Dyadic_DequantizeOp : Dyadic_InferredOp<"dequantize", [Dyadic_Pointwise]> {
  let summary = "integers to f32";
  let description = [{
      x = f32(q − zero_point) · scale

    rounded to f32 after each step. An accumulator (i32) has zero point 0.
  }];
  let arguments = (ins Dyadic_IntegerTensor:$input, F32Attr:$scale,
                       I32Attr:$zero_point);
  let results = (outs Dyadic_FloatTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Accumulators
//===----------------------------------------------------------------------===//

def Dyadic_Conv2DOp : Dyadic_AccumulatorOp<"conv2d"> {
  let summary = "two-dimensional convolution of storage values, grouped or depthwise";
  let description = [{
    `input` N×H×W×C, `filter` O×KH×KW×(C/groups), `bias` O.

      acc[n,y,x,o] = bias[o] + Σ_{i,j,c} input[n, y·sh + i·dh, x·sw + j·dw, g·C/groups + c] · filter[o,i,j,c]

    over raw storage values: the lowering has put −z·Σ filter[o] into the bias,
    z being the input's zero point. An `i4` filter with a `codebook` holds
    numbers of its entries: i means codebook[i mod 16].
  }];
  let arguments = (ins Dyadic_StorageTensor:$input, Dyadic_WeightTensor:$filter,
      Dyadic_AccumulatorTensor:$bias,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups,
      OptionalAttr<DenseI8ArrayAttr>:$codebook);
  let assemblyFormat = [{
    $input `,` $filter `,` $bias attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Dyadic_MatmulOp : Dyadic_AccumulatorOp<"matmul"> {
  let summary = "product of storage values with a constant matrix";
  let description = [{
    `lhs` …×M×K, `rhs` K×N, `bias` N: acc[…,m,n] = bias[n] + Σ_k lhs[…,m,k] · rhs[k,n].
    A `codebook` is used as in `conv2d`.
  }];
  let arguments = (ins Dyadic_StorageTensor:$lhs, Dyadic_WeightTensor:$rhs,
                       Dyadic_AccumulatorTensor:$bias,
                       OptionalAttr<DenseI8ArrayAttr>:$codebook);
  let assemblyFormat = [{
    $lhs `,` $rhs `,` $bias attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Dyadic_BatchMatmulOp : Dyadic_AccumulatorOp<"batch_matmul"> {
  let summary = "product of two storage tensors, both known only at run time";
  let description = [{
      acc[…,m,n] = Σ_k (L[…,m,k] − lhs_zp) · (R[…,k,n] − rhs_zp)

    L is `lhs` with its dimensions permuted by `lhs_permutation` (as by
    `transpose`; empty: as they are), R is `rhs` permuted likewise and, with
    `transpose_rhs`, with its last two dimensions swapped. Leading dimensions
    broadcast. The result's dimensions are those of acc permuted by
    `output_permutation`. So the transposes around an attention's products are
    strides; no permutation moves the last dimension. Right operands whose zero
    point is that of their signed form (128 for `ui8`, 0 for `i8`) are cheapest.
  }];
  let arguments = (ins RankedTensorOf<[UI8, I8]>:$lhs,
      RankedTensorOf<[UI8, I8]>:$rhs, I32Attr:$lhs_zp, I32Attr:$rhs_zp,
      DefaultValuedAttr<BoolAttr, "false">:$transpose_rhs,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$lhs_permutation,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$rhs_permutation,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$output_permutation);
  let assemblyFormat =
      "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// How many products one sum has.
    int64_t getDepth() { return getLhs().getType().getShape().back(); }
  }];
}

def Dyadic_AddOp : Dyadic_AccumulatorOp<"add", [Dyadic_Pointwise]> {
  let summary = "weighted sum of two broadcast storage tensors";
  let description = [{
      acc = (lhs − lhs_zp) · lhs_multiplier + (rhs − rhs_zp) · rhs_multiplier

    Multipliers are at most 2¹⁵ in magnitude, so that 8-bit operands can't
    overflow; both share the shift of the requantization that follows. A
    subtraction has a negative multiplier.
  }];
  let arguments = (ins Dyadic_StorageTensor:$lhs, Dyadic_StorageTensor:$rhs,
      I32Attr:$lhs_zp, I32Attr:$rhs_zp,
      I32Attr:$lhs_multiplier, I32Attr:$rhs_multiplier);
  let assemblyFormat =
      "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Dyadic_MulOp : Dyadic_AccumulatorOp<"mul", [Dyadic_Pointwise]> {
  let summary = "product of two broadcast storage tensors";
  let description = "acc = (lhs − lhs_zp) · (rhs − rhs_zp).";
  let arguments = (ins Dyadic_StorageTensor:$lhs, Dyadic_StorageTensor:$rhs,
                       I32Attr:$lhs_zp, I32Attr:$rhs_zp);
  let assemblyFormat =
      "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

def Dyadic_SumPool2DOp : Dyadic_AccumulatorOp<"sum_pool2d"> {
  let summary = "sums over windows of an N×H×W×C image";
  let description = "acc = Σ (input − input_zp) over each window that fits.";
  let arguments = (ins Dyadic_StorageTensor:$input, I32Attr:$input_zp,
      DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Dyadic_ReduceSumOp : Dyadic_AccumulatorOp<"reduce_sum"> {
  let summary = "sums over some dimensions";
  let description = [{
    acc = Σ (input − input_zp) over `axes` (distinct, ascending), which stay as
    extents of one with `keep_dims`.
  }];
  let arguments = (ins Dyadic_StorageTensor:$input, I32Attr:$input_zp,
      DenseI64ArrayAttr:$axes, DefaultValuedAttr<BoolAttr, "true">:$keep_dims);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Storage to storage
//===----------------------------------------------------------------------===//

def Dyadic_RequantizeOp : Dyadic_InferredOp<"requantize", [Dyadic_Pointwise]> {
  let summary = "integers to storage through a dyadic multiplier";
  let description = [{
      y = clamp(output_zp + round((x − input_zp) · multiplier · 2^−shift), clamp_min, clamp_max)

    `multiplier` and `shift` have one element, or one per channel of the last
    dimension. 0 ≤ multiplier < 2³¹, 0 ≤ shift ≤ 62; the product is exact in 64
    bits and rounded once (`nearest_even`, `half_up`) or twice (`double_round`).
    From i32 it finishes an accumulator; from storage it is a rescale.
  }];
  let arguments = (ins Dyadic_IntegerTensor:$input,
      DenseI32ArrayAttr:$multiplier, DenseI32ArrayAttr:$shift,
      DefaultValuedAttr<I32Attr, "0">:$input_zp, I32Attr:$output_zp,
      I32Attr:$clamp_min, I32Attr:$clamp_max,
      DefaultValuedAttr<Dyadic_RoundingAttr,
                        "::dyadic::Rounding::NearestEven">:$rounding);
  let results = (outs Dyadic_StorageTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Dyadic_LookupOp : Dyadic_InferredOp<"lookup", [Dyadic_Pointwise]> {
  let summary = "a function of an 8-bit value as a table";
  let description = [{
    y = table[x − qmin], where qmin is the least value of the input's type: entry
    0 belongs to 0 for `ui8` and to −128 for `i8`. The table has 256 entries.
  }];
  let arguments = (ins RankedTensorOf<[UI8, I8]>:$input, ElementsAttr:$table);
  let results = (outs Dyadic_StorageTensor:$output);
  let assemblyFormat =
      "$input `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Dyadic_ClampOp : Dyadic_InferredOp<"clamp", [Dyadic_Pointwise]> {
  let summary = "min(max(x, min), max) on storage values";
  let arguments = (ins Dyadic_StorageTensor:$input, I32Attr:$min, I32Attr:$max);
  let results = (outs Dyadic_StorageTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Dyadic_MaxPool2DOp : Dyadic_InferredOp<"max_pool2d"> {
  let summary = "maximum over windows of an N×H×W×C image";
  let arguments = (ins Dyadic_StorageTensor:$input, DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides);
  let results = (outs Dyadic_StorageTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

class Dyadic_MovementOp<string mnemonic, list<Trait> traits = []>
    : Dyadic_InferredOp<mnemonic, traits> {
  let results = (outs Dyadic_StorageTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Dyadic_ReshapeOp : Dyadic_Op<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  let description = "Costs nothing: both tensors are the same bytes of the arena.";
  let arguments = (ins Dyadic_StorageTensor:$input);
  let results = (outs Dyadic_StorageTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Dyadic_TransposeOp : Dyadic_MovementOp<"transpose"> {
  let summary = "permutation of dimensions";
  let description = "Dimension `i` of the result is dimension `permutation[i]` of the input.";
  let arguments = (ins Dyadic_StorageTensor:$input, DenseI64ArrayAttr:$permutation);
}

def Dyadic_ConcatOp : Dyadic_MovementOp<"concat"> {
  let summary = "tensors joined along one dimension";
  let arguments = (ins Variadic<Dyadic_StorageTensor>:$inputs, I64Attr:$axis);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
}

def Dyadic_SliceOp : Dyadic_MovementOp<"slice"> {
  let summary = "elements at regular positions";
  let description = "out[i] = input[offsets + i·strides], extents `sizes`. Strides are positive.";
  let arguments = (ins Dyadic_StorageTensor:$input, DenseI64ArrayAttr:$offsets,
                       DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$strides);
}

def Dyadic_GatherOp : Dyadic_MovementOp<"gather"> {
  let summary = "slices at indices that are computed at run time";
  let description = [{
      out[i…, k…, j…] = input[i…, indices[k…], j…]

    where the dimensions i… are those before `axis`. An index below zero counts
    from the end; one that is still out of range means the nearest element.
  }];
  let arguments = (ins Dyadic_StorageTensor:$input,
      RankedTensorOf<[I1, UI8, I8, I16, I32, I64]>:$indices, I64Attr:$axis);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` functional-type(operands, results)
  }];
}

def Dyadic_PadOp : Dyadic_MovementOp<"pad"> {
  let summary = "a border of one storage value";
  let arguments = (ins Dyadic_StorageTensor:$input, DenseI64ArrayAttr:$low,
                       DenseI64ArrayAttr:$high, I32Attr:$value);
}

def Dyadic_ResizeOp : Dyadic_MovementOp<"resize"> {
  let summary = "nearest-neighbour sampling by index tables";
  let description = "out[n,y,x,c] = input[n, rows[y], cols[x], c].";
  let arguments = (ins Dyadic_StorageTensor:$input, DenseI64ArrayAttr:$rows,
                       DenseI64ArrayAttr:$cols);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

def Dyadic_Layouts : TypedArrayAttrBase<
    Attr<CPred<"::llvm::isa<::mlir::StridedLayoutAttr>($_self)">, "a layout">,
    "strided layouts">;

def Dyadic_KernelOp : Dyadic_Op<"kernel", [
    IsolatedFromAbove, SingleBlock,
    RecursiveMemoryEffects]> {
  let summary = "ops that become one function: only its results reach memory";
  let description = [{
    The body holds one anchor (a contraction, a reduction, a movement, or none)
    and the pointwise ops behind it; its constants are inside. It means exactly
    what its body means: fusing never changes a byte. Memory planning adds
    `arena_offsets`, the byte offset of each result's first element in the
    arena, and `layouts` where a result isn't row-major there.

    `in_place` lists operands that are a part of the result's bytes, or the
    whole: what a concat, slice, pad or pointwise body says of them is then true
    without moving a byte. A slice in place is a part of its operand's bytes.

    ```mlir
    %1 = dyadic.kernel(%0) : (tensor<1x8x8x4xui8>) -> tensor<1x8x8x8xui8> {
    ^bb0(%x: tensor<1x8x8x4xui8>):
      %w = dyadic.constant …
      %acc = dyadic.conv2d %x, %w, %b …
      %q = dyadic.requantize %acc …
      dyadic.yield %q : tensor<1x8x8x8xui8>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs,
                       OptionalAttr<DenseI64ArrayAttr>:$arena_offsets,
                       OptionalAttr<DenseI64ArrayAttr>:$in_place,
                       OptionalAttr<Dyadic_Layouts>:$layouts);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::dyadic::YieldOp getYield();
    /// Whether the operand is in the place where the result has it.
    bool isInPlace(unsigned operand);
    /// The op that decides the kernel's loops: the one body op that is neither
    /// pointwise nor a constant; null when all are pointwise.
    ::mlir::Operation *getAnchor();
  }];
}

def Dyadic_YieldOp : Dyadic_Op<"yield", [Terminator, ParentOneOf<["KernelOp"]>]> {
  let summary = "the results of a kernel";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
