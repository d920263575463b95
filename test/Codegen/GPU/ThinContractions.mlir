// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory -split-input-file \
// RUN:   --dyadic-generate-gpu-kernels | FileCheck %s

// One row: a warp has four channels, its lanes 16 bytes of the depth each; a
// block for 16 channels.
// CHECK-LABEL: gpu.func @k0_matmul(
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>, known_grid_size = array<i32: 63, 1, 1>
// CHECK-NOT: nvvm.mma.sync
// CHECK: scf.for
// CHECK-COUNT-16: nvvm.dot.accumulate.4way %{{.*}} <unsigned>, %{{.*}} <signed>
// CHECK: scf.yield
// CHECK-COUNT-5: gpu.shuffle xor
// The tail of the last block isn't stored.
// CHECK: vector.store {{.*}} : memref<1000xi8>, vector<4xi8>
func.func @main(%x: tensor<1x1024xui8>) -> tensor<1x1000xui8> {
  %w = dyadic.constant dense<1> : tensor<1024x1000xi8> : tensor<1024x1000xi8>
  %b = dyadic.constant dense<1> : tensor<1000xi32> : tensor<1000xi32>
  %acc = dyadic.matmul %x, %w, %b : (tensor<1x1024xui8>, tensor<1024x1000xi8>, tensor<1000xi32>) -> tensor<1x1000xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x1000xi32>) -> tensor<1x1000xui8>
  return %y : tensor<1x1000xui8>
}

// -----

// Two channels a group: whole sums in a thread.
// CHECK-LABEL: gpu.func @k0_conv2d(
// CHECK-NOT: workgroup
// CHECK: nvvm.dot.accumulate.4way %{{.*}} <signed>, %{{.*}} <signed>
// CHECK: vector.store {{.*}} : memref<1152xi8>, vector<2xi8>
func.func @main(%x: tensor<1x8x8x32xi8>) -> tensor<1x6x6x32xi8> {
  %w = dyadic.constant dense<1> : tensor<32x3x3x2xi8> : tensor<32x3x3x2xi8>
  %b = dyadic.constant dense<1> : tensor<32xi32> : tensor<32xi32>
  %acc = dyadic.conv2d %x, %w, %b {groups = 16 : i64} : (tensor<1x8x8x32xi8>, tensor<32x3x3x2xi8>, tensor<32xi32>) -> tensor<1x6x6x32xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = -128 : i32, clamp_max = 127 : i32} : (tensor<1x6x6x32xi32>) -> tensor<1x6x6x32xi8>
  return %y : tensor<1x6x6x32xi8>
}

// -----

// Depthwise: four channels of a pixel, a word of bytes at a time.
// CHECK-LABEL: gpu.func @k0_conv2d(
// CHECK-COUNT-9: vector.load {{.*}} {alignment = 4 : i64} : memref<24576xi8>, vector<4xi8>
// CHECK: vector.store {{.*}} {alignment = 4 : i64} : memref<18816xi8>, vector<4xi8>
func.func @main(%x: tensor<1x16x16x96xui8>) -> tensor<1x14x14x96xui8> {
  %w = dyadic.constant dense<1> : tensor<96x3x3x1xi8> : tensor<96x3x3x1xi8>
  %b = dyadic.constant dense<1> : tensor<96xi32> : tensor<96xi32>
  %acc = dyadic.conv2d %x, %w, %b {groups = 96 : i64} : (tensor<1x16x16x96xui8>, tensor<96x3x3x1xi8>, tensor<96xi32>) -> tensor<1x14x14x96xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x14x14x96xi32>) -> tensor<1x14x14x96xui8>
  return %y : tensor<1x14x14x96xui8>
}

// -----

// Floats: tiles in the block's memory, four sums a vector.
// CHECK-LABEL: gpu.func @k0_matmul(
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>, known_grid_size = array<i32: 1, 1, 3>
// CHECK: scf.for
// CHECK: vector.store {{.*}} memref<1024xf32, #gpu.address_space<workgroup>>, vector<4xf32>
// CHECK: gpu.barrier
// CHECK-COUNT-128: vector.fma {{.*}} : vector<4xf32>
// CHECK: gpu.barrier
// CHECK-NEXT: scf.yield
func.func @main(%x: tensor<3x64x32xf32>, %y: tensor<3x32x64xf32>) -> tensor<3x64x64xf32> {
  %0 = qnn.matmul %x, %y : (tensor<3x64x32xf32>, tensor<3x32x64xf32>) -> tensor<3x64x64xf32>
  return %0 : tensor<3x64x64xf32>
}
