//===- Passes.td - passes of Import/TOSA ----------------------------------===//
#ifndef DYADIC_IMPORT_TOSA_PASSES
#define DYADIC_IMPORT_TOSA_PASSES

include "mlir/Pass/PassBase.td"

def TosaToQNN : Pass<"tosa-to-qnn", "::mlir::func::FuncOp"> {
  let summary = "TOSA functions as level 1";
  let description = [{
    From upstream's `tosa` to `qnn`. Both keep images channels last and filters
    O×KH×KW×I, so most ops have one counterpart; a depthwise filter is
    transposed, `reduce_sum` is a mean times a constant, and the ops that spell a
    softmax become one. Attributes of other dialects, such as `qnn.range`, stay.

    Takes f32 everywhere; ui8, i8 and i16 where the ops of level 3 say the same,
    which they then become (docs/Toolchains.md); what else upstream lowers to loops as
    `qnn.compute`; on `!quant.uniform` tensors the
    ops that move, compare or look up storage values. A `tosa.table` on 8-bit tensors becomes
    `dyadic.lookup`, between `quant.scast` where they are quantized. Shapes are
    static (`--tosa-infer-shapes`); zero points of float ops are zero. Every op that isn't
    taken is reported, not only the first.

    ```mlir
    %0 = tosa.depthwise_conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>}
       : (tensor<1x8x8x4xf32>, tensor<3x3x4x1xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x8x8x4xf32>
    // becomes, %f being %w as 4×3×3×1
    %0 = qnn.conv2d %x, %f, %b {groups = 4 : i64, pads = array<i64: 1, 1, 1, 1>}
       : (tensor<1x8x8x4xf32>, tensor<4x3x3x1xf32>, tensor<4xf32>) -> tensor<1x8x8x4xf32>
    ```
  }];
  let dependentDialects = ["::dyadic::qnn::QNNDialect",
                           "::dyadic::DyadicDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::quant::QuantDialect"];
}

#endif
