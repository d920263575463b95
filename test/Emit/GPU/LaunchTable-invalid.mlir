// RUN: dyadic-opt %s --emit-print-ptx -split-input-file -verify-diagnostics

// expected-error @below {{expected a function 'm_run' of one block}}
module attributes {gpu.container_module} {
  func.func private @m_run(%x: memref<64xi8>, %arena: memref<64xi8>)
}

// -----

module attributes {gpu.container_module} {
  gpu.module @k { gpu.func @f(%x: memref<64xi8>) kernel { gpu.return } }
  func.func @m_run(%x: memref<64xi8>, %arena: memref<64xi8>) {
    %c0 = arith.constant 0 : i8
    %i = arith.constant 0 : index
    // expected-error @+1 {{expected nothing but launches of kernels, but got 'memref.store'}}
    memref.store %c0, %x[%i] : memref<64xi8>
    return
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.module @k { gpu.func @f(%x: memref<64xi8>) kernel { gpu.return } }
  func.func @m_run(%x: memref<64xi8>, %arena: memref<96xi8>) {
    %c1 = arith.constant 1 : index
    %c2048 = arith.constant 2048 : index
    // expected-error @+1 {{expected a constant number of threads of at most 1024 in dimension 0}}
    gpu.launch_func @k::@f blocks in (%c1, %c1, %c1) threads in (%c2048, %c1, %c1) args(%x : memref<64xi8>)
    return
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.module @k { gpu.func @f(%x: memref<64xi8>) kernel { gpu.return } }
  func.func @m_run(%x: memref<64xi8>, %arena: memref<96xi8>) {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %v = memref.view %arena[%c64][] : memref<96xi8> to memref<64xi8>
    // expected-error @+1 {{an argument reaches 128 bytes into a memory of 96}}
    gpu.launch_func @k::@f blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%v : memref<64xi8>)
    return
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.module @k { gpu.func @f(%x: memref<64xi8>) kernel { gpu.return } }
  func.func @m_run(%x: memref<64xi8>, %arena: memref<96xi8>) {
    %c1 = arith.constant 1 : index
    // expected-error @+1 {{expected a view of an argument or the weights, but got 'memref.reinterpret_cast'}}
    %v = memref.reinterpret_cast %x to offset: [0], sizes: [64], strides: [1] : memref<64xi8> to memref<64xi8>
    gpu.launch_func @k::@f blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%v : memref<64xi8>)
    return
  }
}
