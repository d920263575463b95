//===- Passes.td - passes of LowerToDyadic --------------------------------===//
#ifndef DYADIC_LOWERTODYADIC_PASSES
#define DYADIC_LOWERTODYADIC_PASSES

include "mlir/Pass/PassBase.td"

def LowerQNNToDyadic : Pass<"lower-qnn-to-dyadic", "::mlir::func::FuncOp"> {
  let summary = "turn quantized ops into integer arithmetic";
  let description = [{
    Level 2 → 3. Scales become multipliers and shifts, zero points move into
    biases, padding becomes `dyadic.pad` with the zero point, functions of one
    element become tables, and ops whose operands differ in scale rescale them.
    Ops on f32 stay as they are. `rounding` is that of the requantizations; only
    `half_up` and `double_round` can go on to TOSA.

    A function whose `qnn.rounding` is "double_round" came quantized for
    TensorFlow Lite: its multipliers have 31 bits, and its ops take the steps of
    LiteRT's reference kernels, whose bytes they give.

    With `integer-functions` what our own quantizer leaves in float is lowered, too,
    where its tensors are quantized, as `qnn-quantize-rest` makes them: softmax,
    layer norm, quotients, roots and functions of 16-bit elements become
    `qnn.compute` bodies of integer arithmetic (docs/Spec.md, section 9).

    ```mlir
    %2 = qnn.conv2d %x, %w, %b : (tensor<1x8x8x4x!quant.uniform<u8:f32, 0.1:3>>, …) -> tensor<1x8x8x4x!quant.uniform<u8:f32, 0.2>>
    // becomes
    %acc = dyadic.conv2d %x, %w, %bias : (tensor<1x8x8x4xui8>, tensor<4x1x1x4xi8>, tensor<4xi32>) -> tensor<1x8x8x4xi32>
    %2 = dyadic.requantize %acc {multiplier = …, shift = …, output_zp = 0 : i32, …} : (tensor<1x8x8x4xi32>) -> tensor<1x8x8x4xui8>
    ```
  }];
  let options = [
    Option<"rounding", "rounding", "std::string", /*default=*/"\"\"",
           "how requantizations round: nearest_even, half_up, double_round; empty: "
           "as the function says, nearest_even where it doesn't">,
    Option<"integerFunctions", "integer-functions", "bool", /*default=*/"false",
           "integer arithmetic also for softmax, layer norm, quotients and functions "
           "of 16-bit elements">
  ];
  let dependentDialects = [
    "::dyadic::DyadicDialect", "::dyadic::qnn::QNNDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def LowerLSTMToIntegers : Pass<"lower-lstm-to-integers", "::mlir::func::FuncOp"> {
  let summary = "compute qnn.lstm without floats";
  let description = [{
    For level 3. An LSTM whose recurrent weights are i8 and whose projection is a
    16-bit tensor becomes a `qnn.compute` of integer arithmetic, docs/Spec.md,
    section 10: a hidden state of 16 bits that enters products as 8, a cell
    of 16 bits, gates interpolated in tables. Its borders are joined with those of
    what is around it, through reshapes, transposes and slices between.

    ```mlir
    %r = dyadic.dequantize %p {scale = …} : (tensor<8x1x64xi16>) -> tensor<8x1x64xf32>
    %h = qnn.lstm %r, %w, %h0, %c0 {recurrent_scales = …} : …
    // becomes
    %q:2 = qnn.compute "LSTM"(%p, %w, …) : … -> (tensor<8x1x16xi16>, tensor<1x16xi16>)
    %h = dyadic.dequantize %q#0 {scale = 2^−15, zero_point = 0 : i32} : …
    ```
  }];
  let dependentDialects = [
    "::dyadic::DyadicDialect", "::dyadic::qnn::QNNDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def LowerGRUToIntegers : Pass<"lower-gru-to-integers", "::mlir::func::FuncOp"> {
  let summary = "compute qnn.gru without floats";
  let description = [{
    For level 3. A GRU whose recurrent weights are i8 and whose projection is a 16-bit
    tensor becomes a `qnn.compute` of integer arithmetic, docs/Spec.md, section 10: a
    hidden state of 16 bits that enters products as 8, gates interpolated in tables.
    Borders are joined as by `lower-lstm-to-integers`.

    ```mlir
    %r = dyadic.dequantize %p {scale = …} : (tensor<8x1x48xi16>) -> tensor<8x1x48xf32>
    %h = qnn.gru %r, %w, %h0 {recurrent_scales = …} : …
    // becomes
    %q = qnn.compute(%p, %w, …) {name = "GRU"} : … -> tensor<8x1x16xi16>
    %h = dyadic.dequantize %q {scale = 2^−15, zero_point = 0 : i32} : …
    ```
  }];
  let dependentDialects = [
    "::dyadic::DyadicDialect", "::dyadic::qnn::QNNDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def LowerMagnitudes : Pass<"lower-magnitudes", "::mlir::func::FuncOp"> {
  let summary = "compute magnitudes of complex numbers without floats";
  let description = [{
    For level 3. The root of the sum of two squares of 16-bit integers, as behind a
    Fourier transform, becomes one `qnn.compute` of integer arithmetic (docs/Spec.md,
    section 10), whose result has twice the steps of the parts. Borders are joined as by
    `lower-lstm-to-integers`.

    ```mlir
    %x = dyadic.dequantize %p {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<8xi16>) -> tensor<8xf32>
    %y = …
    %2 = qnn.mul %x, %x : …
    %3 = qnn.mul %y, %y : …
    %4 = qnn.add %2, %3 : …
    %5 = qnn.sqrt %4 : …
    // becomes
    %q = qnn.compute(%p, %r) {name = "Magnitude"} : (tensor<8xi16>, tensor<8xi16>) -> tensor<8xi16>
    %5 = dyadic.dequantize %q {scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<8xi16>) -> tensor<8xf32>
    ```
  }];
  let dependentDialects = [
    "::dyadic::DyadicDialect", "::dyadic::qnn::QNNDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def CheckIntegers : Pass<"dyadic-check-integers", "::mlir::func::FuncOp"> {
  let summary = "refuse a function that computes on floats";
  let description = [{
    Level 3. No op may have floats, nor the body of a `qnn.compute`, but those that
    quantize the function's arguments and dequantize its results. Each that has is an
    error of its own, with the reason that `qnn-quantize-rest` has found.
  }];
}

#endif
