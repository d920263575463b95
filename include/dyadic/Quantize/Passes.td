//===- Passes.td - passes of Quantize -------------------------------------===//
#ifndef DYADIC_QUANTIZE_PASSES
#define DYADIC_QUANTIZE_PASSES

include "mlir/Pass/PassBase.td"

def Equalize : Pass<"qnn-equalize", "::mlir::func::FuncOp"> {
  let summary = "spread the channels of a tensor evenly over its range";
  let description = [{
    Level 1 → 1, between calibration and quantization. One scale serves all
    channels of a tensor, so a channel whose values are a hundredth of another's
    gets a hundredth of the steps. Where nothing but functions with f(t·x) = t·f(x)
    for t > 0 (relu, leaky_relu, pools, means, sums, resizes, concatenations, products
    with a gate, …) stands between
    contractions with constant weights, channel c of all tensors between them can be
    divided by any t_c > 0: those that make it divide their weights' output channel
    and bias, those that read it multiply their input channel. The network computes
    what it did, but for the rounding of f32.

    Behind another function of a contraction's sums, such as a swish, a `qnn.mul` by 1/t_c
    divides. It costs next to nothing where the function works on unrounded sums, as
    `qnn-quantize` then lets it, and always does for a hard swish; where a table has to
    give way a quarter of the error has to be gained.

    What a contraction reads of an op without an integer form, such as a layer norm, is
    rounded for it alone and divided there, by any number: it is multiplied in f32
    already. What else reads those floats isn't changed.

    t_c is a_c^α · b_c^(α−1), with a_c the largest magnitude calibration saw in the
    channel and b_c that of the weights that read it, as in Xiao et al.,
    "SmoothQuant", 2023, eq. 4; across depthwise convolutions, and with b_c = 1, it is
    Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
    Correction", 2019, section 4.1. α is that of 0, ¼, ½, ¾, 1 for which the errors
    that rounding the tensors and the weights that read them to 8 bits makes in
    these contractions' results have the least power, each channel weighted by
    what its readers make of it, as `qnn.channel_ranges` and `qnn.channel_powers` predict it; with less than a
    tenth to gain all stays as it is.

    ```mlir
    %0 = qnn.matmul %x, dense<[[1.0, 64.0]]> … -> tensor<1x2xf32>
    %1 = qnn.relu %0 …
    %2 = qnn.matmul %1, dense<[[1.0], [0.015625]]> …
    // becomes
    %0 = qnn.matmul %x, dense<[[8.0, 8.0]]> …
    %1 = qnn.relu %0 …
    %2 = qnn.matmul %1, dense<[[0.125], [0.125]]> …
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect"];
  let statistics = [
    Statistic<"numEqualized", "equalized", "groups of tensors that were rescaled">
  ];
}

def ShiftInputs : Pass<"qnn-shift-inputs", "::mlir::func::FuncOp"> {
  let summary = "move inputs onto the values of their types";
  let description = [{
    Level 1 → 1, between calibration and equalization. A type represents 0, but an image
    scaled to [−1, 1] has 256 values, ±1/255, ±3/255, …: each lies half a step beside one of
    the type's, and loses its last bit. Where calibration has left `qnn.shift` on an
    argument, that is added in f32, which the quantization behind it does on the way, and
    the contractions that read it take it off their bias; their border becomes an op of
    its own, as it isn't 0 any more. The network computes what it did, but for the
    rounding of f32. An argument that anything but integer contractions with constant
    weights reads stays as it is.

    ```mlir
    // %x: tensor<1x4x4x1xf32> {qnn.range = #qnn.range<-1.0, 1.0>, qnn.shift = 0.00392 : f32}
    %0 = qnn.conv2d %x, dense<1.0> …, dense<0.0> … {pads = array<i64: 1, 1, 1, 1>}
    // becomes
    %1 = qnn.add %x, dense<0.00392> {qnn.float_reason = "it moves an input onto the values of its type"}
    %2 = qnn.pad %1 {value = 0.00392 : f32, …}
    %0 = qnn.conv2d %2, dense<1.0> …, dense<-0.0353> …
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect"];
  let options = [
    ListOption<"keepFloat", "keep-float", "std::string",
               "names or patterns of names of ops (their locations) that stay f32">
  ];
  let statistics = [
    Statistic<"numShifted", "shifted", "inputs that were moved">
  ];
}

def Quantize : Pass<"qnn-quantize", "::mlir::func::FuncOp"> {
  let summary = "give tensors integer types that hold their calibrated ranges";
  let description = [{
    Level 1 → 2. Reads the `qnn.range` attributes that calibration left on ops
    and arguments. Activations become asymmetric per tensor, weights symmetric
    per output channel; biases stay f32 until the lowering knows their scale.

    An op that has no integer form, whose range is missing, or whose neighbours
    are all float keeps f32 and gets the attribute `qnn.float_reason`, which
    completes "stays float because …". `quant.qcast` and `quant.dcast` stand
    where a tensor passes from one kind to the other: a tensor that only float
    ops read is never quantized.

    Activations are 8 bits wide. With `widths=int16` they are 16, symmetric around 0, but
    for what two operands computed at run time are multiplied from, and what a mean
    sums more than 2^15 of.

    Sums that only float ops or the return read become 16-bit: they stay in
    registers on their way to f32, so that costs nothing, and a class score isn't
    rounded to one of 256. So do those that a hard swish reads: it is computed of them in
    integers, and only its result is rounded.

    A type holds only the part of a range that the function of one element behind
    it tells apart: what is below −3 is one value to a hard_swish. With
    `qnn.input_means` on a contraction, its bias takes back the mean error of its
    rounded weights.

    Weights are 8 bits wide. With `weights=int4` they are in [−7, 7], of the scale
    that loses least; with `weights=int4:group=64` 64 of them share one that is the
    channel's times an integer, so that the products are 8-bit weights
    (`#coded.integers`); with `weights=codebook4` each is one of sixteen values of 8
    bits, which the op's attribute `qnn.codebook` lists.

    The inputs of a concatenation are produced in its result's type where
    nothing else reads them.

    A product of two operands that are computed at run time has two activation
    types; the right one gets its zero point in the middle of its storage type,
    where the kernels have the least to correct. A sum stays f32 where float ops
    read it, as layer norms read those around each residual, and where one operand
    would be a few steps of the result beside the other, as attention's scores are
    beside a mask of −10⁹. A table that is looked up becomes integers, its indices
    stay what they are.

    ```mlir
    %0 = qnn.relu %x {qnn.range = [#qnn.range<0.0, 2.55>]} : (tensor<4xf32>) -> tensor<4xf32>
    // becomes, %x being an argument with a range:
    %q = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<u8:f32, 2.0e-2:128>>
    %0 = qnn.relu %q : (tensor<4x!quant.uniform<u8:f32, 2.0e-2:128>>) -> tensor<4x!quant.uniform<u8:f32, 1.0e-2>>
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect",
                           "::mlir::quant::QuantDialect"];
  let options = [
    ListOption<"keepFloat", "keep-float", "std::string",
               "names or patterns of names of ops (their locations) that stay f32">,
    ListOption<"widths", "widths", "std::string",
               "int8 or int16 activations: all, or pattern=width for those that ops "
               "with matching names, or such inputs, are">,
    ListOption<"schemes", "schemes", "std::string",
               "pattern=dynamic or pattern=dynamic-tensor: ops whose names match stay "
               "f32 beside static ones and get their scales at run time">,
    ListOption<"weights", "weights", "std::string",
               "kinds of weights, int8, int4, int4:group=N or codebook4: of all contractions, "
               "or pattern=kind of those whose names match">,
    Option<"activations", "activations", "std::string", "\"u8\"",
           "storage type of activations: u8 or i8">,
    Option<"scheme", "scheme", "std::string", "\"static\"",
           "where activations get their scales from: static (their ranges), dynamic or "
           "dynamic-tensor (what they are at run time, a row or a tensor at once)">,
    Option<"keepRanges", "keep-ranges", "bool", "false",
           "leave their ranges on float ops and arguments, for qnn-quantize-rest, and give "
           "16 bits to the products before a spectrum's magnitude, which stay float "
           "otherwise">
  ];
  let statistics = [
    Statistic<"numInteger", "integer-ops", "ops that became integer ops">,
    Statistic<"numFloat", "float-ops", "ops that stay f32">
  ];
}

def QuantizeRest : Pass<"qnn-quantize-rest", "::mlir::func::FuncOp"> {
  let summary = "give what the lowering left in float types of 16 bits";
  let description = [{
    Level 3 with float ops between `dyadic.dequantize` and `dyadic.quantize`, whose
    calibrated ranges `qnn-quantize{keep-ranges}` has left on them → the same ops on
    quantized tensors, which `lower-qnn-to-dyadic{integer-functions}` makes integer
    arithmetic of. A result that only one `dyadic.quantize` or several alike read has
    their type; others have 16 bits, symmetric, with room for twice the range. A sum
    of scores and a mask of −10⁹ that a softmax reads has room for the scores alone: the
    mask saturates.

    An op stays float that has no integer form, whose range isn't known, or an operand
    of which is float; `dyadic-check-integers` names them.

    ```mlir
    %0 = dyadic.dequantize %q {scale = 0.5 : f32, zero_point = 3 : i32} : (tensor<4x8xui8>) -> tensor<4x8xf32>
    %1 = qnn.softmax %0 {axis = 1} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    // becomes
    %0 = qnn.storage_cast %q : (tensor<4x8xui8>) -> tensor<4x8x!quant.uniform<u8:f32, 0.5:3>>
    %1 = qnn.softmax %0 {axis = 1} : (tensor<4x8x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<4x8x!quant.uniform<i16:f32, 3.0517578125E-5>>
    ```
  }];
  let dependentDialects = ["::dyadic::DyadicDialect", "::dyadic::qnn::QNNDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::quant::QuantDialect"];
}

def EncodeWeights : Pass<"qnn-encode-weights", "::mlir::func::FuncOp"> {
  let summary = "store the weights of float ops in few bits";
  let description = [{
    Level 1, before or instead of anything that needs samples: activations stay
    f32. The constant weights of convolutions and matrix products, and the tables
    that gathers read, become `#coded.weights`: eight bits with a scale per channel
    (a table's per row), or what `weights` says. Each is rounded to the nearest
    value of a grid whose scales lose least. Constants that are coded already,
    depthwise filters, what `keep-float` names and the bodies of branches and loops
    stay as they are.

    ```mlir
    %w = qnn.constant dense<[[0.5, -1.0], [0.25, 1.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
    %y = qnn.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    // with weights=int2, the constant becomes
    %w = qnn.constant #coded.weights<codes = dense<[[3, 1], [2, 3]]> : tensor<2x2xui8>,
        scales = dense<[[0.5], [1.0]]> : tensor<2x1xf32>, axis = 1, group = 2, bits = 2>
        : tensor<2x2xf32> : tensor<2x2xf32>
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect"];
  let options = [
    ListOption<"weights", "weights", "std::string",
               "formats, as int4:group=64, of all contractions, or pattern=format "
               "of the contractions and tables whose names match">,
    ListOption<"keepFloat", "keep-float", "std::string",
               "names or patterns of names of ops (their locations) whose weights stay f32">,
    Option<"onlyNamed", "only-named", "bool", "false",
           "encode only what `weights` has a format for">
  ];
  let statistics = [
    Statistic<"numEncoded", "encoded", "constants that became coded">
  ];
}

def AdoptQuantization : Pass<"qnn-adopt-quantization", "::mlir::func::FuncOp"> {
  let summary = "compute on integers where the model says how tensors are quantized";
  let description = [{
    Level 1 → 2 for models that come quantized: `qnn.quantize` and
    `qnn.dequantize` are their QuantizeLinear and DequantizeLinear. An op whose
    operands are all dequantized and whose result is quantized, perhaps behind a
    relu or clamp, takes the stored tensors, with the model's scales and zero
    points. Movements trade places with the borders first.

    A contraction's weights lose their zero points: they become symmetric, or
    two weights for one where eight bits don't hold the difference. Without a
    quantized result its sums stay 32 bits wide, of the scales of its operands'
    product, and are dequantized. Functions of one element in a row are one.

    What isn't surrounded by borders stays f32 and gets the attribute
    `qnn.float_reason`. Constants that only float ops read become f32. A function
    without borders is left as it is.

    ```mlir
    %x = qnn.dequantize %a : (tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4xf32>
    %y = qnn.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
    %z = qnn.quantize %y : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.004>>
    // becomes
    %z = qnn.sigmoid %a : (tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4x!quant.uniform<u8:f32, 0.004>>
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect",
                           "::mlir::quant::QuantDialect"];
  let statistics = [
    Statistic<"numInteger", "num-integer", "ops that compute on integers">
  ];
}

def FoldActivations : Pass<"qnn-fold-activations", "::mlir::func::FuncOp"> {
  let summary = "let the rounding to a type do the work of relu and clamp";
  let description = [{
    A quantized op whose only reader is a relu or clamp produces the reader's
    type directly. Where that type can't hold what the activation cuts off, the
    activation then does nothing and is removed.

    ```mlir
    %0 = qnn.conv2d %x, %w … -> tensor<…x!quant.uniform<u8:f32, 0.1:128>>
    %1 = qnn.relu %0 : … -> tensor<…x!quant.uniform<u8:f32, 0.05>>
    // becomes
    %1 = qnn.conv2d %x, %w … -> tensor<…x!quant.uniform<u8:f32, 0.05>>
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect"];
}

#endif
