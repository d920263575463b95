// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics | FileCheck %s

// All of them, before anything runs; also in kernels that nobody launches.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      // expected-error @+1 {{the emulator does not know the op 'gpu.subgroup_id'}}
      %0 = gpu.subgroup_id : index
      // expected-error @+1 {{the emulator does not know the op 'nvvm.read.ptx.sreg.clock'}}
      %1 = nvvm.read.ptx.sreg.clock : i32
      gpu.return
    }
    gpu.func @unused() kernel {
      // expected-error @+1 {{the emulator does not know the op 'nvvm.barrier0'}}
      nvvm.barrier0
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Ops that are known, but not in this form.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %v = arith.constant 1.0 : f32
      %h = arith.constant dense<1.0> : vector<2xf32>
      // expected-error @+1 {{the emulator does not know the type 'f16'}}
      %f = arith.truncf %v : f32 to f16
      %i = arith.constant 1 : i64
      %one = arith.constant 1 : i32
      // expected-error @+1 {{the emulator knows shuffles of 32 bits, but got 'i64'}}
      %s, %valid = gpu.shuffle xor %i, %one, %one : i64
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Too much workgroup memory.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    // expected-error @+1 {{expected at most 49152 bytes of workgroup memory, but got 49156}}
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<49156xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Another size of blocks than the kernel is for.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    // expected-error @+1 {{expected 64 threads in dimension 0 as the kernel's known_block_size says, but got 32}}
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// CHECK: 0 1 2 3
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<256xi8>
      memref.store %v, %y[%t] : memref<256xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// A call of what isn't a kernel.
func.func @helper(%x: memref<256xi8>) {
  return
}
func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
  // expected-error @+1 {{expected a private function that is not the entry, but got 'helper'}}
  call @helper(%x) : (memref<256xi8>) -> ()
  // expected-error @+1 {{expected a private function that is not the entry, but got 'm_run'}}
  call @m_run(%x, %y) : (memref<256xi8>, memref<256xi8>) -> ()
  return
}

// -----

// A masked instruction, of which only the whole form is known.
func.func private @k(%x: memref<16xf32>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %nearest = arith.constant 0 : i32
  %half = arith.constant 255 : i16
  %mode = arith.constant 4 : i32
  %v = vector.load %x[%c0] : memref<16xf32>, vector<16xf32>
  // expected-error @+1 {{expected 'llvm.x86.avx512.mask.reduce.ps.512' with a mask that leaves no lane out}}
  %f = llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"(%v, %nearest, %v, %half, %mode) : (vector<16xf32>, i32, vector<16xf32>, i16, i32) -> vector<16xf32>
  vector.store %f, %y[%c0] : memref<16xf32>, vector<16xf32>
  return
}
func.func @m_run(%x: memref<16xf32>, %y: memref<16xf32>) {
  call @k(%x, %y) : (memref<16xf32>, memref<16xf32>) -> ()
  return
}
