// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics | FileCheck %s

// An index outside of the memref, although inside of the buffer behind it.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %c0 = arith.constant 0 : index
      %part = memref.view %x[%c0][] : memref<256xi8> to memref<31xi8>
      // expected-error @+1 {{kernel 'k', block (0, 0, 0), thread (31, 0, 0): read of 1 elements at index 31 is out of the bounds of dimension 0, which has 31 (byte 0 of argument 0 and on)}}
      %v = memref.load %part[%t] : memref<31xi8>
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

// A vector that begins inside and ends outside.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %c8 = arith.constant 8 : index
      %i = arith.muli %t, %c8 : index
      %v = vector.load %x[%i] : memref<256xi8>, vector<8xi8>
      %c1 = arith.constant 1 : index
      %j = arith.addi %i, %c1 : index
      // expected-error @+1 {{thread (31, 0, 0): write of 8 elements at index 249 is out of the bounds}}
      vector.store %v, %y[%j] {alignment = 1 : i64} : memref<256xi8>, vector<8xi8>
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

// Negative, in workgroup memory.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) workgroup(%s: memref<32xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel {
      %t = gpu.thread_id x
      %c1 = arith.constant 1 : index
      %i = arith.subi %t, %c1 : index
      %v = memref.load %x[%t] : memref<256xi8>
      // expected-error @+1 {{thread (0, 0, 0): write of 1 elements at index -1}}
      memref.store %v, %s[%i] : memref<32xi8, #gpu.address_space<workgroup>>
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

// A view that ends behind its source.
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %c8 = arith.constant 8 : index
      // expected-error @+1 {{view of 256 bytes at byte 8 is out of the bounds of 256 bytes}}
      %part = memref.view %x[%c8][] : memref<256xi8> to memref<64xi32>
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

// The same addresses, all inside; inactive threads may compute others.
// CHECK: 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 0 0
module attributes {gpu.container_module} {
  gpu.module @m_kernels {
    gpu.func @k(%x: memref<256xi8>, %y: memref<256xi8>) kernel {
      %t = gpu.thread_id x
      %c8 = arith.constant 8 : index
      %c31 = arith.constant 31 : index
      %part = memref.view %x[%c8][] : memref<256xi8> to memref<31xi8>
      %inside = arith.cmpi ult, %t, %c31 : index
      scf.if %inside {
        %v = memref.load %part[%t] : memref<31xi8>
        memref.store %v, %y[%t] : memref<256xi8>
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
