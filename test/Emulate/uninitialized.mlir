// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics | FileCheck %s

// Half of the bytes were written.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<256xi8>
      memref.store %v, %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
      gpu.barrier
      %c1 = arith.constant 1 : index
      %i = arith.addi %t, %c1 : index
      // expected-error @+1 {{thread (31, 0, 0): read of byte 32 of workgroup memory 0, which was never written}}
      %w = memref.load %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>
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

// What an earlier block left there does not count.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %b = gpu.block_id x
      %c0 = arith.constant 0 : index
      %v = arith.constant 7 : i8
      %first = arith.cmpi eq, %b, %c0 : index
      scf.if %first {
        memref.store %v, %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
      }
      // expected-error @+1 {{block (1, 0, 0), thread (0, 0, 0): read of byte 0 of workgroup memory 0, which was never written}}
      %w = memref.load %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
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

// All of them.
// CHECK: 1 2 3 4 {{.*}} 31 0 0
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c32 = arith.constant 32 : index
      %v = memref.load %x[%t] : memref<256xi8>
      memref.store %v, %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
      %zero = arith.constant 0 : i8
      %j = arith.addi %t, %c32 : index
      memref.store %zero, %s[%j] : memref<128xi8, #gpu.address_space<workgroup>>
      gpu.barrier
      %c1 = arith.constant 1 : index
      %i = arith.addi %t, %c1 : index
      %w = memref.load %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>
      memref.store %w, %y[%t] : memref<256xi8>
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
