// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory -split-input-file \
// RUN:   --dyadic-generate-gpu-kernels | FileCheck %s

// A warp has a row: it is loaded once, and the maximum and the sum need no memory
// but what a shuffle passes.
// CHECK-LABEL: gpu.func @k0_softmax(
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<1024xf32>, vector<4xf32>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: math.exp {{.*}} : vector<4xf32>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK-NOT: gpu.barrier
// CHECK-NOT: vector.load
// CHECK: vector.store {{.*}} {alignment = 16 : i64} : memref<1024xf32>, vector<4xf32>
func.func @main(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
  %0 = qnn.softmax %x {axis = 1 : i64} : (tensor<8x128xf32>) -> tensor<8x128xf32>
  return %0 : tensor<8x128xf32>
}

// -----

// Longer rows have a block each, whose warps meet twice.
// CHECK-LABEL: gpu.func @k0_softmax(
// CHECK-SAME: workgroup(%{{.*}} : memref<8xf32, #gpu.address_space<workgroup>>{{.*}}, %{{.*}} : memref<8xf32,
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 3, 1, 1>
// CHECK-COUNT-2: gpu.barrier
// CHECK-NOT: gpu.barrier
func.func @main(%x: tensor<3x6625xf32>) -> tensor<3x6625xf32> {
  %0 = qnn.softmax %x {axis = 1 : i64} : (tensor<3x6625xf32>) -> tensor<3x6625xf32>
  return %0 : tensor<3x6625xf32>
}
