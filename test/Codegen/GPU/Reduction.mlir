// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory -split-input-file \
// RUN:   --dyadic-generate-gpu-kernels | FileCheck %s

// 16 threads have the 64 channels, and 16 of them divide each sum: it is halved
// four times.
// CHECK-LABEL: gpu.func @k0_reduce_sum(
// CHECK-SAME: workgroup(%[[S:.*]] : memref<1024xi32, #gpu.address_space<workgroup>>
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK: scf.for
// CHECK: vector.store %{{.*}}, %[[S]]{{.*}} {alignment = 16 : i64}
// CHECK-COUNT-5: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: vector.store {{.*}} : memref<64xi8>, vector<4xi8>
func.func @main(%x: tensor<1x12x20x64xui8>) -> tensor<1x1x1x64xui8> {
  %0 = dyadic.reduce_sum %x {axes = array<i64: 1, 2>, input_zp = 3 : i32} : (tensor<1x12x20x64xui8>) -> tensor<1x1x1x64xi32>
  %1 = dyadic.requantize %0 {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 8947848>, output_zp = 0 : i32, shift = array<i32: 30>} : (tensor<1x1x1x64xi32>) -> tensor<1x1x1x64xui8>
  return %1 : tensor<1x1x1x64xui8>
}

// -----

// A warp has a sum of neighbours, and its first thread the result.
// CHECK-LABEL: gpu.func @k0_reduce_mean(
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK-NOT: gpu.shuffle
// CHECK: scf.if
// CHECK: vector.store {{.*}} : memref<6xf32>, vector<1xf32>
func.func @main(%x: tensor<6x200xf32>) -> tensor<6x1xf32> {
  %0 = qnn.reduce_mean %x {axes = array<i64: 1>} : (tensor<6x200xf32>) -> tensor<6x1xf32>
  return %0 : tensor<6x1xf32>
}
