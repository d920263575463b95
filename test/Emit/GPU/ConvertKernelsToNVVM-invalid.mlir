// RUN: dyadic-opt %s --emit-lower-to-nvvm -split-input-file -verify-diagnostics

// LLVM would abort on a function that no instruction computes.
gpu.module @no_instruction {
  gpu.func @k0(%x: memref<64xf32>) kernel {
    %tid = gpu.thread_id x
    %v = memref.load %x[%tid] : memref<64xf32>
    // expected-error @+1 {{expected a function that a GPU instruction or a polynomial computes, but got 'math.sin'}}
    %s = math.sin %v : f32
    memref.store %s, %x[%tid] : memref<64xf32>
    gpu.return
  }
}
