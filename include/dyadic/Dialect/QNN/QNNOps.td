//===- QNNOps.td - the network dialect: float or quantized tensors --------===//
#ifndef DYADIC_QNN_OPS
#define DYADIC_QNN_OPS

include "mlir/Interfaces/InferTypeOpInterface.td"
include "dyadic/Dialect/QNN/QNNBase.td"

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

// An op whose result shape follows from its operands and attributes. The
// element type is a decision, so inference proposes the first operand's and
// accepts any other.
class QNN_InferredOp<string mnemonic, list<Trait> traits = []>
    : QNN_Op<mnemonic,
             !listconcat([InferTypeOpAdaptorWithIsCompatible], traits)> {
  let results = (outs QNN_Tensor:$output);
}

class QNN_Quantizable<string kind>
    : DeclareOpInterfaceMethods<QNN_QuantizableOpInterface> {
  string kindName = kind;
}

class QNN_UnaryOp<string mnemonic, list<Trait> traits = []>
    : QNN_InferredOp<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<QNN_ElementwiseOpInterface>,
        DeclareOpInterfaceMethods<QNN_QuantizableOpInterface>], traits)> {
  let arguments = (ins QNN_Tensor:$input);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

class QNN_BinaryOp<string mnemonic, list<Trait> traits = []>
    : QNN_InferredOp<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<QNN_ElementwiseOpInterface>], traits)> {
  let arguments = (ins QNN_Tensor:$lhs, QNN_Tensor:$rhs);
  let assemblyFormat =
      "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

def QNN_ConstantOp : QNN_Op<"constant", [ConstantLike]> {
  let summary = "a tensor known at compile time";
  let description = [{
    The value holds f32 elements for a float result and storage values for a
    quantized one, in the result's shape.

    ```mlir
    %0 = qnn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs QNN_AnyTensor:$output);
  let assemblyFormat = "$value attr-dict `:` type($output)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

def QNN_Conv2DOp : QNN_InferredOp<"conv2d", [
    DeclareOpInterfaceMethods<QNN_QuantizableOpInterface, ["getFloatReason"]>]> {
  let summary = "two-dimensional convolution, grouped or depthwise";
  let description = [{
    `input` N×H×W×C, `filter` O×KH×KW×(C/groups), `bias` O.

      out[n,y,x,o] = bias[o] + Σ_{i,j,c} input[n, y·sh + i·dh − top, x·sw + j·dw − left, g·C/groups + c]
                                         · filter[o,i,j,c],   g = ⌊o·groups/O⌋

    where positions outside the image read zero. `pads` is [top, left, bottom,
    right]. Depthwise is `groups = C`.
  }];
  let arguments = (ins QNN_Tensor:$input, QNN_Tensor:$filter,
      Optional<QNN_Tensor>:$bias,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
      DefaultValuedAttr<I64Attr, "1">:$groups);
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
}

def QNN_MatmulOp : QNN_InferredOp<"matmul", [
    DeclareOpInterfaceMethods<QNN_QuantizableOpInterface, ["getFloatReason"]>]> {
  let summary = "matrix product over the last two dimensions, batched";
  let description = [{
    `lhs` …×M×K, `rhs` …×K×N (leading dimensions broadcast), `bias` N.

      out[…,m,n] = bias[n] + Σ_k lhs[…,m,k] · rhs[…,k,n]
  }];
  let arguments = (ins QNN_Tensor:$lhs, QNN_Tensor:$rhs,
                       Optional<QNN_Tensor>:$bias);
  let assemblyFormat = [{
    $lhs `,` $rhs (`,` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
}

def QNN_LSTMOp : QNN_InferredOp<"lstm"> {
  let summary = "long short-term memory in one direction, behind its input projection";
  let description = [{
    `projection` S×N×4H is W·x + b of every step, `recurrent` H×4H, both with the
    gates in ONNX's order: input, output, forget, cell. `hidden` and `cell`, N×H,
    are the initial state. For each step t, from the last to the first with
    `reverse`:

      [i, o, f, g] = projection[t] + h · recurrent
      c = σ(f) · c + σ(i) · tanh(g),   h = σ(o) · tanh(c),   out[t] = h

    With `with_cell` the result has one step more, at its end: the final c.

    Where `recurrent` is i8 it has `recurrent_scales`, one a column, and h, which
    is in (−1, 1), is rounded before each product:

      h · recurrent[:, j] ≈ f32(Σ_k rne(127 · h[k]) · recurrent[k, j]) · (recurrent_scales[j] / 127)
  }];
  let arguments = (ins QNN_Tensor:$projection, QNN_AnyTensor:$recurrent,
      QNN_Tensor:$hidden, QNN_Tensor:$cell,
      DefaultValuedAttr<BoolAttr, "false">:$reverse,
      DefaultValuedAttr<BoolAttr, "false">:$with_cell,
      OptionalAttr<DenseF32ArrayAttr>:$recurrent_scales);
  let assemblyFormat = [{
    $projection `,` $recurrent `,` $hidden `,` $cell attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def QNN_GRUOp : QNN_InferredOp<"gru"> {
  let summary = "gated recurrent unit in one direction, behind its input projection";
  let description = [{
    `projection` S×N×3H is W·x + b of every step, `recurrent` H×3H, both with the
    gates in ONNX's order: update, reset, candidate. `hidden`, N×H, is the initial
    state. For each step t, from the last to the first with `reverse`:

      z = σ(projection[t, z] + h · recurrent[z]),   r = σ(projection[t, r] + h · recurrent[r])
      g = tanh(projection[t, g] + (r ⊙ h) · recurrent[g])
      h = (1 − z) ⊙ g + z ⊙ h,   out[t] = h

    (Cho et al., 2014). With `linear_before_reset` the candidate is that of cuDNN and
    PyTorch, with an optional `bias`, H, that no other form has:

      g = tanh(projection[t, g] + r ⊙ (h · recurrent[g] + bias))

    Where `recurrent` is i8 it has `recurrent_scales`, one a column, and what it is
    multiplied with, h or r ⊙ h, is rounded as by `qnn.lstm`.
  }];
  let arguments = (ins QNN_Tensor:$projection, QNN_AnyTensor:$recurrent,
      QNN_Tensor:$hidden, Optional<QNN_Tensor>:$bias,
      DefaultValuedAttr<BoolAttr, "false">:$reverse,
      DefaultValuedAttr<BoolAttr, "false">:$linear_before_reset,
      OptionalAttr<DenseF32ArrayAttr>:$recurrent_scales);
  let assemblyFormat = [{
    $projection `,` $recurrent `,` $hidden (`,` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Functions of one element
//===----------------------------------------------------------------------===//

def QNN_ReluOp : QNN_UnaryOp<"relu"> { let summary = "max(x, 0)"; }
def QNN_ClampOp : QNN_UnaryOp<"clamp"> {
  let summary = "min(max(x, min), max)";
  let arguments = (ins QNN_Tensor:$input, F32Attr:$min, F32Attr:$max);
  let hasVerifier = 1;
}
def QNN_LeakyReluOp : QNN_UnaryOp<"leaky_relu"> {
  let summary = "x where x ≥ 0, alpha·x elsewhere";
  let arguments = (ins QNN_Tensor:$input, F32Attr:$alpha);
}
def QNN_SigmoidOp : QNN_UnaryOp<"sigmoid"> { let summary = "1 / (1 + e⁻ˣ)"; }
def QNN_TanhOp : QNN_UnaryOp<"tanh"> { let summary = "hyperbolic tangent"; }
def QNN_HardSigmoidOp : QNN_UnaryOp<"hard_sigmoid"> {
  let summary = "min(max(alpha·x + beta, 0), 1)";
  let arguments = (ins QNN_Tensor:$input, F32Attr:$alpha, F32Attr:$beta);
}
def QNN_HardSwishOp : QNN_UnaryOp<"hard_swish"> {
  let summary = "x · min(max(x/6 + 1/2, 0), 1)";
}
def QNN_SwishOp : QNN_UnaryOp<"swish"> { let summary = "x · sigmoid(x)"; }
def QNN_GeluOp : QNN_UnaryOp<"gelu"> {
  let summary = "x · Φ(x), with the error function";
}
def QNN_ErfOp : QNN_UnaryOp<"erf"> { let summary = "the error function"; }
def QNN_ExpOp : QNN_UnaryOp<"exp"> { let summary = "eˣ"; }
def QNN_LogOp : QNN_UnaryOp<"log"> { let summary = "natural logarithm"; }
def QNN_SqrtOp : QNN_UnaryOp<"sqrt"> { let summary = "square root"; }
def QNN_AbsOp : QNN_UnaryOp<"abs"> { let summary = "absolute value"; }
def QNN_NegOp : QNN_UnaryOp<"neg"> { let summary = "negation"; }
def QNN_ReciprocalOp : QNN_UnaryOp<"reciprocal"> { let summary = "1 / x"; }

//===----------------------------------------------------------------------===//
// Functions of two elements
//===----------------------------------------------------------------------===//

class QNN_QuantizableBinaryOp<string mnemonic, list<Trait> traits = []>
    : QNN_BinaryOp<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<QNN_QuantizableOpInterface>], traits)>;

def QNN_AddOp : QNN_QuantizableBinaryOp<"add", [Commutative]> { let summary = "x + y"; }
def QNN_SubOp : QNN_QuantizableBinaryOp<"sub"> { let summary = "x − y"; }
def QNN_MulOp : QNN_QuantizableBinaryOp<"mul", [Commutative]> { let summary = "x · y"; }
def QNN_DivOp : QNN_BinaryOp<"div"> { let summary = "x / y"; }
def QNN_MaximumOp : QNN_BinaryOp<"maximum", [Commutative]> { let summary = "max(x, y)"; }
def QNN_MinimumOp : QNN_BinaryOp<"minimum", [Commutative]> { let summary = "min(x, y)"; }
def QNN_PowOp : QNN_BinaryOp<"pow"> { let summary = "xʸ"; }

def QNN_EqualOp : QNN_BinaryOp<"equal", [Commutative]> { let summary = "1 where x = y, 0 elsewhere"; }
def QNN_LessOp : QNN_BinaryOp<"less"> { let summary = "1 where x < y, 0 elsewhere"; }

def QNN_SelectOp : QNN_InferredOp<"select", [
    DeclareOpInterfaceMethods<QNN_ElementwiseOpInterface>]> {
  let summary = "x where the condition isn't 0, y elsewhere";
  let arguments = (ins QNN_Tensor:$condition, QNN_Tensor:$lhs, QNN_Tensor:$rhs);
  let assemblyFormat = [{
    $condition `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

def QNN_CastOp : QNN_Op<"cast", [InferTypeOpAdaptor,
    DeclareOpInterfaceMethods<QNN_ElementwiseOpInterface>]> {
  let summary = "integers as f32, rounded to the nearest even";
  let description = "`i1` is 0 or 1: every byte but 0 counts as true.";
  let arguments = (ins QNN_IntegerTensor:$input);
  let results = (outs RankedTensorOf<[F32]>:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    /// Whether tensors of `element`s can be operands.
    static bool takes(::mlir::Type element) {
      return element.isUnsignedInteger(8) ||
             (element.isSignlessInteger() && element.getIntOrFloatBitWidth() <= 64);
    }
  }];
}

def QNN_GatherOp : QNN_Op<"gather", [
    InferTypeOpAdaptorWithIsCompatible,
    DeclareOpInterfaceMethods<QNN_QuantizableOpInterface>]> {
  let summary = "slices of a tensor at indices that are computed at run time";
  let description = [{
      out[i…, k…, j…] = input[i…, indices[k…], j…]

    where the dimensions i… are those before `axis`. An index below zero counts
    from the end; one that is still out of range means the nearest element.
  }];
  let arguments = (ins QNN_AnyTensor:$input, QNN_IntegerTensor:$indices,
                       I64Attr:$axis);
  let results = (outs QNN_AnyTensor:$output);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Quantization that a model brings along
//===----------------------------------------------------------------------===//

// No folder may take one of these away: the model was trained or tested with
// what they round. Upstream's quant.qcast and quant.dcast, which the quantizer
// places, cancel each other.

class QNN_BorderOp<string mnemonic> : QNN_Op<mnemonic, [SameOperandsAndResultShape]> {
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def QNN_QuantizeOp : QNN_BorderOp<"quantize"> {
  let summary = "f32 as integers with a scale that the model gives";
  let description = [{
    q = zero_point + round_half_even(x / scale), saturated to the type's range.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input);
  let results = (outs RankedTensorOf<[quant_QuantizedType]>:$output);
}

def QNN_DequantizeOp : QNN_BorderOp<"dequantize"> {
  let summary = "integers with a scale that the model gives as f32";
  let description = [{
    x = (q − zero_point) · scale, with a scale per tensor, or per index of one
    dimension (weights, and sums of a contraction with such weights).
  }];
  let arguments = (ins RankedTensorOf<[quant_QuantizedType]>:$input);
  let results = (outs RankedTensorOf<[F32]>:$output);
}

def QNN_StorageCastOp : QNN_BorderOp<"storage_cast"> {
  let summary = "a quantized tensor as the integers that store it, or the reverse";
  let description = [{
    The same bytes. As upstream's `quant.scast`, which has no unsigned integers.

    ```mlir
    %0 = qnn.storage_cast %x : (tensor<4xui8>) -> tensor<4x!quant.uniform<u8:f32, 0.5:128>>
    ```
  }];
  let arguments = (ins QNN_AnyTensor:$input);
  let results = (outs QNN_AnyTensor:$output);
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Pooling and reductions
//===----------------------------------------------------------------------===//

class QNN_Pool2DOp<string mnemonic, list<string> overrides = []>
    : QNN_InferredOp<mnemonic, [
        DeclareOpInterfaceMethods<QNN_QuantizableOpInterface, overrides>]> {
  dag poolArguments = (ins QNN_Tensor:$input, DenseI64ArrayAttr:$kernel,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def QNN_MaxPool2DOp : QNN_Pool2DOp<"max_pool2d"> {
  let summary = "maximum over windows of an N×H×W×C image";
  let description = [{
    `kernel` [KH, KW], `strides` [SH, SW], `pads` [top, left, bottom, right].
    Positions outside the image never win. The importer turns ceil mode into
    explicit padding.
  }];
  let arguments = poolArguments;
}

def QNN_AvgPool2DOp : QNN_Pool2DOp<"avg_pool2d", ["getFloatReason"]> {
  let summary = "mean over windows of an N×H×W×C image";
  let description = [{
    As `max_pool2d`. With `count_include_pad` positions outside the image are
    zeros that count; without it each mean is over the positions inside.
  }];
  let arguments = !con(poolArguments,
      (ins DefaultValuedAttr<BoolAttr, "false">:$count_include_pad));
}

def QNN_ReduceMeanOp : QNN_InferredOp<"reduce_mean", [
    DeclareOpInterfaceMethods<QNN_QuantizableOpInterface>]> {
  let summary = "mean over some dimensions";
  let description = [{
    `axes` are distinct, ascending and in range. With `keep_dims` they stay as
    extents of one. Global average pooling is axes [1, 2].
  }];
  let arguments = (ins QNN_Tensor:$input, DenseI64ArrayAttr:$axes,
      DefaultValuedAttr<BoolAttr, "true">:$keep_dims);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Normalizations (float until the integer forms exist)
//===----------------------------------------------------------------------===//

def QNN_SoftmaxOp : QNN_InferredOp<"softmax"> {
  let summary = "exponentials along one dimension, divided by their sum";
  let description = "The maximum is subtracted first. `axis` is in [0, rank).";
  let arguments = (ins QNN_Tensor:$input, I64Attr:$axis);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def QNN_LayerNormOp : QNN_InferredOp<"layer_norm"> {
  let summary = "normalization over the last dimension";
  let description = [{
    out = (x − mean) / sqrt(variance + epsilon) · scale + bias, with the biased
    variance; `scale` and `bias` have the last dimension's extent. Unless `centered`
    the mean counts as zero, which makes the variance the mean of x²: RMS norm
    (Zhang and Sennrich, 2019).
  }];
  let arguments = (ins QNN_Tensor:$input, QNN_Tensor:$scale, QNN_Tensor:$bias,
                       F32Attr:$epsilon,
                       DefaultValuedAttr<BoolAttr, "true">:$centered);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

class QNN_SameTypeOp<string mnemonic, list<Trait> traits = []>
    : QNN_Op<mnemonic, !listconcat([
        InferTypeOpAdaptorWithIsCompatible,
        DeclareOpInterfaceMethods<QNN_QuantizableOpInterface>], traits)> {
  let results = (outs QNN_AnyTensor:$output);
}

def QNN_ReshapeOp : QNN_Op<"reshape", [
    DeclareOpInterfaceMethods<QNN_QuantizableOpInterface>]> {
  let summary = "the same elements in row-major order under another shape";
  let arguments = (ins QNN_AnyTensor:$input);
  let results = (outs QNN_AnyTensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def QNN_TransposeOp : QNN_SameTypeOp<"transpose"> {
  let summary = "permutation of dimensions";
  let description = "Dimension `i` of the result is dimension `permutation[i]` of the input.";
  let arguments = (ins QNN_AnyTensor:$input, DenseI64ArrayAttr:$permutation);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def QNN_ConcatOp : QNN_SameTypeOp<"concat"> {
  let summary = "tensors joined along one dimension";
  let description = [{
    On quantized tensors the inputs may differ in scale: each is rescaled to
    the result's type.
  }];
  let arguments = (ins Variadic<QNN_AnyTensor>:$inputs, I64Attr:$axis);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
}

def QNN_SliceOp : QNN_SameTypeOp<"slice"> {
  let summary = "elements at regular positions";
  let description = [{
    out[i] = input[offsets + i·strides], extents `sizes`. Strides are positive.
  }];
  let arguments = (ins QNN_AnyTensor:$input, DenseI64ArrayAttr:$offsets,
                       DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$strides);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def QNN_PadOp : QNN_SameTypeOp<"pad"> {
  let summary = "a constant border";
  let description = "`low` and `high` count the elements added before and after each dimension.";
  let arguments = (ins QNN_Tensor:$input, DenseI64ArrayAttr:$low,
                       DenseI64ArrayAttr:$high, F32Attr:$value);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def QNN_ResizeOp : QNN_SameTypeOp<"resize"> {
  let summary = "nearest-neighbour sampling by index tables";
  let description = [{
    out[n,y,x,c] = input[n, rows[y], cols[x], c]. The importer evaluates the
    framework's coordinate and rounding modes, so one op serves them all.
  }];
  let arguments = (ins QNN_Tensor:$input, DenseI64ArrayAttr:$rows,
                       DenseI64ArrayAttr:$cols);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Everything else
//===----------------------------------------------------------------------===//

def QNN_ComputeOp : QNN_Op<"compute", [
    IsolatedFromAbove, SingleBlock]> {
  let summary = "a computation that its body says";
  let description = [{
    For what has no op of its own. The body computes the results in upstream
    dialects (`linalg`, `tensor`, `arith`, `math`, `scf`) on tensors; it reads
    nothing but its arguments. Inside, element types are those of memory: integers
    are signless, a boolean is an `i8` of 0 or 1. `name` says in reports what
    is computed.

    It is never quantized. Temporary tensors need static shapes.

    ```mlir
    %r = qnn.compute(%x) {name = "Floor"} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %f = math.floor %a : tensor<4xf32>
      qnn.yield %f : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<QNN_PlainTensor>:$inputs,
                       OptionalAttr<StrAttr>:$name);
  let results = (outs Variadic<QNN_PlainTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::dyadic::qnn::YieldOp getYield();
  }];
}

def QNN_YieldOp : QNN_Op<"yield", [
    Terminator, ParentOneOf<["::dyadic::qnn::ComputeOp"]>]> {
  let summary = "the results of a computation";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
