//===- Passes.td - passes of Codegen --------------------------------------===//
#ifndef DYADIC_CODEGEN_PASSES
#define DYADIC_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def GenerateKernels : Pass<"dyadic-generate-kernels", "::mlir::ModuleOp"> {
  let summary = "write the loops of every kernel for a target";
  let description = [{
    From level 4 to level 5: a private function of `scf`, `vector` and `memref`
    ops per different `dyadic.kernel`, `@<model>_run` that calls them in order,
    and all weights, packed, in the constant `@<model>_weights`. Expects
    `--dyadic-plan-memory` to have run.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", /*default=*/"\"scalar\"",
           "native, a kernel level or a CPU name, with +features">,
    Option<"triple", "triple", "std::string", /*default=*/"\"\"",
           "the target, by name (arm) or triple; this machine's if empty">,
    Option<"modelName", "model-name", "std::string", /*default=*/"\"model\"",
           "prefix of the public symbols">,
    Option<"threads", "threads", "int64_t", /*default=*/"1",
           "how many threads share a run: kernels that are worth it are called "
           "in an scf.parallel, once for each">,
    Option<"threadCost", "thread-cost", "double", /*default=*/"1000",
           "the nanoseconds of work that are worth a thread; 0 divides all that "
           "can be">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::amx::AMXDialect",
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def GenerateGPUKernels : Pass<"dyadic-generate-gpu-kernels",
                              "::mlir::ModuleOp"> {
  let summary = "write every kernel as a GPU function";
  let description = [{
    From level 4 to level 5: `gpu.module @<model>_kernels` with a function for
    each different `dyadic.kernel`, and `@<model>_run`, which launches them in
    order with the arguments, arena and weights that the CPU's has. Expects
    `--dyadic-plan-memory` to have run.
  }];
  let options = [
    Option<"arch", "arch", "std::string", /*default=*/"\"sm_80\"",
           "the GPU: sm_75, sm_80, sm_90, …">,
    Option<"modelName", "model-name", "std::string", /*default=*/"\"model\"",
           "prefix of the public symbols">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::nvgpu::NVGPUDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def ProfileKernels : Pass<"dyadic-profile-kernels", "::mlir::ModuleOp"> {
  let summary = "call a function behind every kernel";
  let description = [{
    Level 5. Behind the n-th call of a kernel, `@dyadic_profile(n)` is called,
    which whoever loads the code defines: `dyadic profile` reads a clock there,
    calibration the tensor that the kernel has made.

    ```mlir
    call @k0_conv2d(%x, %y, %c) : …
    // becomes
    call @k0_conv2d(%x, %y, %c) : …
    call @dyadic_profile(%c0) : (i64) -> ()
    ```
  }];
  let options = [
    Option<"hookName", "hook", "std::string", /*default=*/"\"dyadic_profile\"",
           "the function that is called">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect"];
}

#endif
