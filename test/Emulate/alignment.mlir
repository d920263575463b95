// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics | FileCheck %s

// Sixteen bytes at an odd address.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %i = arith.muli %t, %c4 : index
      // expected-error @+1 {{thread (1, 0, 0): read of 16 bytes at byte 4 of argument 0 is not aligned to 16 bytes}}
      %v = vector.load %x[%i] {alignment = 16 : i64} : memref<256xi8>, vector<16xi8>
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

// An i32 in the middle of another.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %words = memref.view %x[%c2][] : memref<256xi8> to memref<32xi32>
      // expected-error @+1 {{read of 4 bytes at byte 2 of argument 0 is not aligned to 4 bytes}}
      %v = memref.load %words[%c0] : memref<32xi32>
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

// The byte is right, but nobody knows that of the memory.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %c0 = arith.constant 0 : index
      // expected-error @+1 {{is not aligned to 512 bytes (the memory is known to be aligned to 256)}}
      %v = vector.load %x[%c0] {alignment = 512 : i64} : memref<256xi8>, vector<32xi8>
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

// Rows for ldmatrix have 16 bytes.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<256xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c7 = arith.constant 7 : index
      %row = arith.andi %t, %c7 : index
      %c12 = arith.constant 12 : index
      %i = arith.muli %row, %c12 : index
      %z = arith.constant dense<0> : vector<8xi8>
      %c8 = arith.constant 8 : index
      %j = arith.muli %t, %c8 : index
      vector.store %z, %s[%j] : memref<256xi8, #gpu.address_space<workgroup>>, vector<8xi8>
      gpu.barrier
      // expected-error @+1 {{thread (1, 0, 0): ldmatrix of 16 bytes at byte 12 of workgroup memory 0 is not aligned}}
      %v = nvgpu.ldmatrix %s[%i] {numTiles = 1 : i32, transpose = false} : memref<256xi8, #gpu.address_space<workgroup>> -> vector<1x4xi8>
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

// So has the target of an asynchronous copy.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<264xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      // expected-error @+1 {{asynchronous write of 16 bytes at byte 8 of workgroup memory 0 is not aligned to 16 bytes}}
      %token = nvgpu.device_async_copy %x[%c16], %s[%c8], 16 : memref<256xi8> to memref<264xi8, #gpu.address_space<workgroup>>
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

// -----

// And its source.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<264xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      // expected-error @+1 {{asynchronous read of 16 bytes at byte 8 of argument 0 is not aligned to 16 bytes}}
      %token = nvgpu.device_async_copy %x[%c8], %s[%c16], 16 : memref<256xi8> to memref<264xi8, #gpu.address_space<workgroup>>
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

// -----

// All as they should be. A vector is aligned as its elements are, unless it says
// more.
// CHECK: 0 0 0 0 1 2 3 4 5 6 7 8 9 10 11 12 13
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %c0 = arith.constant 0 : index
      %c4 = arith.constant 4 : index
      %v = vector.load %x[%c0] {alignment = 16 : i64} : memref<256xi8>, vector<16xi8>
      vector.store %v, %y[%c4] {alignment = 4 : i64} : memref<256xi8>, vector<16xi8>
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
