// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics --workers=1 | FileCheck %s

// Two blocks write one byte.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<256xi8>
      // expected-error @+1 {{kernel 'k', block (1, 0, 0), thread (0, 0, 0): race: write of byte 0 of argument 1, which thread (0, 0, 0) of block number 0 wrote in the same launch}}
      memref.store %v, %y[%t] : memref<256xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 2 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// One reads what the other writes.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %b = gpu.block_id x
      %c32 = arith.constant 32 : index
      %i0 = arith.muli %b, %c32 : index
      %i = arith.addi %i0, %t : index
      %v = memref.load %x[%i] : memref<256xi8>
      memref.store %v, %y[%i] : memref<256xi8>
      // expected-error @+1 {{block (1, 0, 0), thread (0, 0, 0): race: read of byte 0 of argument 1, which thread (0, 0, 0) of block number 0 wrote}}
      %w = memref.load %y[%t] : memref<256xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 2 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Threads of one block are in order only across a barrier.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %c31 = arith.constant 31 : index
      %i = arith.subi %c31, %t : index
      %v = memref.load %y[%t] : memref<256xi8>
      // expected-error @+1 {{thread (0, 0, 0): race: write of byte 31 of argument 1, which thread (31, 0, 0) read in the same launch, with no barrier in between}}
      memref.store %v, %y[%i] : memref<256xi8>
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

// Each block its own part, and a barrier before the second access.
// CHECK: 31 30 29 {{.*}} 1 0 63 62 61
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %b = gpu.block_id x
      %c32 = arith.constant 32 : index
      %c31 = arith.constant 31 : index
      %i0 = arith.muli %b, %c32 : index
      %i = arith.addi %i0, %t : index
      %r = arith.subi %c31, %t : index
      %j = arith.addi %i0, %r : index
      %v = memref.load %x[%i] : memref<256xi8>
      memref.store %v, %y[%i] : memref<256xi8>
      gpu.barrier
      %w = memref.load %y[%j] : memref<256xi8>
      gpu.barrier
      memref.store %w, %y[%i] : memref<256xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 2 : index
    %threads = arith.constant 32 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}

// -----

// Inputs are only read.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %c0 = arith.constant 0 : index
      %v = arith.constant 7 : i8
      // expected-error @+1 {{write of byte 0 of argument 0, which is constant: argument 0 of 'm_run'}}
      memref.store %v, %x[%c0] : memref<256xi8>
      gpu.return
    }
  }
  func.func @m_run(%x: memref<256xi8>, %y: memref<256xi8>) {
    %c1 = arith.constant 1 : index
    %blocks = arith.constant 1 : index
    %threads = arith.constant 1 : index
    gpu.launch_func @m_kernels::@k blocks in (%blocks, %c1, %c1) threads in (%threads, %c1, %c1) args(%x: memref<256xi8>, %y: memref<256xi8>)
    return
  }
}
