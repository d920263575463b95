//===- Passes.td - passes of Emit -----------------------------------------===//
#ifndef DYADIC_EMIT_PASSES
#define DYADIC_EMIT_PASSES

include "mlir/Pass/PassBase.td"

def ApproximateMathPass : Pass<"emit-approximate-math"> {
  let summary = "replace f32 math functions by branch-free polynomials";
  let description = [{
    `math.exp`, `tanh`, `erf`, `log` and their kin on f32 scalars and vectors
    become polynomials whose relative error stays below 1e-6, so that a vector
    of them runs in registers. What has none stays and becomes a call of libm,
    lane by lane.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def MarkDisjointArgumentsPass
    : Pass<"emit-mark-disjoint-arguments", "::mlir::ModuleOp"> {
  let summary = "state which kernel arguments share no memory with the others";
  let description = [{
    A memref argument of a private function becomes `llvm.noalias` when at every
    call the bytes it covers overlap those of no other argument, or when nothing
    is written through either; `llvm.readonly` when it is only loaded from.
    Ranges are known where they come from an argument of the caller or a global
    through `memref.view`, `subview`, `cast` and the like with constant offsets;
    anything else counts as overlapping. Memref arguments of public functions
    are disjoint by contract (the generated header states it).

    ```mlir
    %a = memref.view %arena[%c0][]   : memref<128xi8> to memref<64xi8>
    %b = memref.view %arena[%c64][]  : memref<128xi8> to memref<64xi8>
    call @k(%a, %b)
    // func.func private @k(%x: memref<64xi8> {llvm.noalias, llvm.readonly},
    //                      %y: memref<64xi8> {llvm.noalias})
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerTilesPass : Pass<"emit-lower-tiles", "::mlir::func::FuncOp"> {
  let summary = "AMX tiles to intrinsics, whose tiles LLVM places and configures";
  let description = [{
    `amx` ops and the loops that carry tiles. A load with the attribute
    `dyadic.streamed` becomes `tileloaddt1`, which leaves the first cache to what
    is read again.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def FormTeamsPass : Pass<"emit-form-teams", "::mlir::ModuleOp"> {
  let summary = "run the parallel loops of a function in one team of threads";
  let description = [{
    The body of a function with `scf.parallel` loops, each from 0 to a constant
    number of threads and outside of any other loop, becomes the private function
    `@<function>.thread`: what one thread does. It runs its share of every such
    loop; what lies between is done by the first thread, and where one needs what
    others did, it waits for them. The function itself starts the threads. The
    functions `@dyadic_run_team` and `@dyadic_team_wait` that this needs are
    part of Dyadic.

    ```mlir
    scf.parallel (%t) = (%c0) to (%c2) step (%c1) { func.call @k0(%x, %y, %t) }
    func.call @k1(%y, %z)
    // on each thread:
    //   scf.for %t = %thread to %c2 step %threads { func.call @k0(%x, %y, %t) }
    //   llvm.call @dyadic_team_wait(%gates, %thread, %threads)
    //   scf.if %is_first { func.call @k1(%y, %z) }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def ConvertKernelsToNVVM
    : Pass<"emit-convert-kernels-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "kernels for an NVIDIA GPU to the LLVM and NVVM dialects";
  let description = [{
    Converts arith, cf, gpu, math, memref, nvgpu and vector at once. Memrefs of
    kernels become bare pointers, workgroup memory globals in address space 3.
    An index has 32 bits if no memory of the module is larger than 1 GiB, else
    64. Nothing of CUDA's libdevice is called: a math function that is neither
    an instruction nor a polynomial (`emit-approximate-math`) is an error.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect"];
}

def PrintPTX : Pass<"emit-print-ptx", "::mlir::ModuleOp"> {
  let summary = "print the kernels of level 5 as PTX on standard output";
  let description = [{
    What `dyadic compile --target nvptx64 -o model.ptx` writes, for a module of
    one's own: lowers the `gpu.module` as `emit-lower-to-nvvm` does and runs
    LLVM's NVPTX back end. Launches in a function `@…_run` tell how far the
    kernels' pointers are aligned and which of them are disjoint; without such a
    function nothing is assumed.
  }];
  let options = [Option<"arch", "arch", "std::string", "\"sm_80\"",
                        "the architecture: sm_75, sm_80, sm_90a, …">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect"];
}

#endif
