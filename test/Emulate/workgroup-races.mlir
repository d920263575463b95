// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics | FileCheck %s

// A thread reads its neighbour's value without a barrier.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<256xi8>
      memref.store %v, %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
      %c31 = arith.constant 31 : index
      %i = arith.subi %c31, %t : index
      // expected-error @+1 {{thread (0, 0, 0): race: read of byte 31 of workgroup memory 0, which thread (31, 0, 0) wrote since the last barrier}}
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

// -----

// With it.
// CHECK: 31 30 29 28 27
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<256xi8>
      memref.store %v, %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
      gpu.barrier
      %c31 = arith.constant 31 : index
      %i = arith.subi %c31, %t : index
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

// -----

// Two threads write one byte, if only the same value.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %c0 = arith.constant 0 : index
      %v = arith.constant 7 : i8
      // expected-error @+1 {{thread (1, 0, 0): race: write of byte 0 of workgroup memory 0, which thread (0, 0, 0) wrote since the last barrier}}
      memref.store %v, %s[%c0] : memref<128xi8, #gpu.address_space<workgroup>>
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

// One of them writes it.
// CHECK: 0 7 0
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %v = arith.constant 7 : i8
      %first = arith.cmpi eq, %t, %c1 : index
      scf.if %first {
        memref.store %v, %s[%c0] : memref<128xi8, #gpu.address_space<workgroup>>
        %w = memref.load %s[%c0] : memref<128xi8, #gpu.address_space<workgroup>>
        memref.store %w, %y[%t] : memref<256xi8>
      }
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

// The next turn of a loop overwrites what others still read.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c31 = arith.constant 31 : index
      %i = arith.subi %c31, %t : index
      scf.for %turn = %c0 to %c2 step %c1 {
        %v = memref.load %x[%t] : memref<256xi8>
        // expected-error @+1 {{thread (0, 0, 0): race: write of byte 0 of workgroup memory 0, which thread (31, 0, 0) read since the last barrier}}
        memref.store %v, %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
        gpu.barrier
        %w = memref.load %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>
      }
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

// ldmatrix hands what one lane wrote to others; it is no barrier.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c4 = arith.constant 4 : index
      %c7 = arith.constant 7 : index
      %c16 = arith.constant 16 : index
      %i = arith.muli %t, %c4 : index
      %v = arith.constant dense<1> : vector<4xi8>
      vector.store %v, %s[%i] : memref<128xi8, #gpu.address_space<workgroup>>, vector<4xi8>
      %row = arith.andi %t, %c7 : index
      %j = arith.muli %row, %c16 : index
      // expected-error @+1 {{race: read by the whole warp of byte 0 of workgroup memory 0, which thread (0, 0, 0) wrote}}
      %m = nvgpu.ldmatrix %s[%j] {numTiles = 1 : i32, transpose = false} : memref<128xi8, #gpu.address_space<workgroup>> -> vector<1x4xi8>
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

// Neither is a shuffle.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<128xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c0_i32 = arith.constant 0 : i32
      %c32 = arith.constant 32 : i32
      %c31 = arith.constant 31 : index
      %v = arith.constant 7 : i8
      memref.store %v, %s[%t] : memref<128xi8, #gpu.address_space<workgroup>>
      %r, %valid = gpu.shuffle idx %c0_i32, %c0_i32, %c32 : i32
      %i = arith.subi %c31, %t : index
      // expected-error @+1 {{race: read of byte 31}}
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
