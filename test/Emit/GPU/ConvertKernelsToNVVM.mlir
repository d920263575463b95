// RUN: dyadic-opt %s --emit-lower-to-nvvm | FileCheck %s

gpu.module @small {
  // CHECK: llvm.mlir.global internal @{{.*}}() {addr_space = 3 : i32{{.*}}} : !llvm.array<64 x f32>
  // Bare pointers, indices of 32 bits, exact functions as instructions and no
  // other function.
  // CHECK: llvm.func @k0(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) attributes {{.*}}nvvm.kernel
  // CHECK: nvvm.read.ptx.sreg.tid.x
  // CHECK-NOT: i64
  // CHECK: llvm.load {{.*}} : !llvm.ptr -> vector<4xf32>
  // CHECK: llvm.intr.fabs
  // CHECK: llvm.store {{.*}} : f32, !llvm.ptr<3>
  // CHECK: nvvm.barrier
  // CHECK-NOT: __nv_
  // CHECK-NOT: unrealized_conversion_cast
  // CHECK: llvm.return
  gpu.func @k0(%x: memref<64xf32>, %y: memref<64xf32>) workgroup(%s: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
    %c4 = arith.constant 4 : index
    %tid = gpu.thread_id x
    %i = arith.muli %tid, %c4 : index
    %v = vector.load %x[%i] : memref<64xf32>, vector<4xf32>
    %a = math.absf %v : vector<4xf32>
    %t = math.tanh %a : vector<4xf32>
    %sum = vector.reduction <add>, %t : vector<4xf32> into f32
    memref.store %sum, %s[%tid] : memref<64xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %z = memref.load %s[%i] : memref<64xf32, #gpu.address_space<workgroup>>
    memref.store %z, %y[%tid] : memref<64xf32>
    gpu.return
  }
}

// More than 1 GiB of memory: indices of 64 bits.
gpu.module @large {
  // CHECK-LABEL: llvm.func @k1
  // CHECK: llvm.getelementptr {{.*}} : (!llvm.ptr, i64) -> !llvm.ptr
  gpu.func @k1(%x: memref<1073741825xi8>) kernel {
    %zero = arith.constant 0 : i8
    %tid = gpu.thread_id x
    memref.store %zero, %x[%tid] : memref<1073741825xi8>
    gpu.return
  }
}
