//===- Passes.td - passes of Pipeline -------------------------------------===//
#ifndef DYADIC_PIPELINE_PASSES
#define DYADIC_PIPELINE_PASSES

include "mlir/Pass/PassBase.td"

def Calibrate : Pass<"qnn-calibrate", "::mlir::ModuleOp"> {
  let summary = "run @main on samples and record the range of every tensor";
  let description = [{
    Level 1 → 1 with ranges, as `dyadic compile --calibrate` does it: `@main` is
    compiled for this machine and run on every sample, and `qnn.range` is written
    on its arguments and ops, the channel means on its contractions. Run
    `--dyadic-simplify-pipeline` first.

    ```mlir
    %1 = qnn.relu %0 : …
    // becomes
    %1 = qnn.relu %0 {qnn.range = [#qnn.range<0.0, 3.5>]} : …
    ```
  }];
  let options = [
    Option<"samples", "samples", "std::string", "",
           "an .npz or .npy file, or a folder; inputs by their qnn.name">,
    Option<"observer", "observer", "std::string", "\"percentile=99.999\"",
           "minmax, moving-average[=momentum], percentile[=percent], entropy or mse">,
    Option<"interpret", "interpret", "bool", "false",
           "run by the interpreter, without generating code">
  ];
  // Those of the pipelines that compile the network, too.
  let dependentDialects = [
    "::dyadic::qnn::QNNDialect", "::dyadic::DyadicDialect",
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::func::FuncDialect",
    "::mlir::index::IndexDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::ub::UBDialect",
    "::mlir::vector::VectorDialect"
  ];
}

#endif
