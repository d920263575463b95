// Every kind of op survives text and bytecode.
// RUN: dyadic-opt %s | dyadic-opt | FileCheck %s
// RUN: dyadic-opt %s --emit-bytecode | dyadic-opt | FileCheck %s

// CHECK-LABEL: func.func @kernel
func.func @kernel(%x: tensor<1x4x4x2xui8>, %r: tensor<1x4x4x3xui8>) -> tensor<1x4x4x3xui8> {
  // CHECK: dyadic.kernel(%arg0, %arg1) {arena_offsets = array<i64: 64>} : (tensor<1x4x4x2xui8>, tensor<1x4x4x3xui8>) -> tensor<1x4x4x3xui8>
  %y = dyadic.kernel(%x, %r) {arena_offsets = array<i64: 64>} : (tensor<1x4x4x2xui8>, tensor<1x4x4x3xui8>) -> tensor<1x4x4x3xui8> {
  ^bb0(%a: tensor<1x4x4x2xui8>, %b: tensor<1x4x4x3xui8>):
    // CHECK: dyadic.constant dense<1> : tensor<3x1x1x2xi8> : tensor<3x1x1x2xi8>
    %w = dyadic.constant dense<1> : tensor<3x1x1x2xi8> : tensor<3x1x1x2xi8>
    %bias = dyadic.constant dense<[1, 2, 3]> : tensor<3xi32> : tensor<3xi32>
    // CHECK: dyadic.conv2d %{{.*}} -> tensor<1x4x4x3xi32>
    %acc = dyadic.conv2d %a, %w, %bias : (tensor<1x4x4x2xui8>, tensor<3x1x1x2xi8>, tensor<3xi32>) -> tensor<1x4x4x3xi32>
    // CHECK: dyadic.requantize %{{.*}} {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 8388608>, output_zp = 3 : i32, rounding = #dyadic.rounding<half_up>, shift = array<i32: 24>}
    %q = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 24>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32, rounding = #dyadic.rounding<half_up>} : (tensor<1x4x4x3xi32>) -> tensor<1x4x4x3xui8>
    // CHECK: dyadic.add %{{.*}} {lhs_multiplier = 16384 : i32, lhs_zp = 3 : i32, rhs_multiplier = -16384 : i32, rhs_zp = 0 : i32}
    %s = dyadic.add %q, %b {lhs_zp = 3 : i32, rhs_zp = 0 : i32, lhs_multiplier = 16384 : i32, rhs_multiplier = -16384 : i32} : (tensor<1x4x4x3xui8>, tensor<1x4x4x3xui8>) -> tensor<1x4x4x3xi32>
    %z = dyadic.requantize %s {multiplier = array<i32: 8388608>, shift = array<i32: 37>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x4x4x3xi32>) -> tensor<1x4x4x3xui8>
    // CHECK: dyadic.yield %{{.*}} : tensor<1x4x4x3xui8>
    dyadic.yield %z : tensor<1x4x4x3xui8>
  }
  return %y : tensor<1x4x4x3xui8>
}

// CHECK-LABEL: func.func @storage
func.func @storage(%x: tensor<2x4xui8>) {
  // CHECK: dyadic.dequantize %{{.*}} {scale = 5.000000e-01 : f32, zero_point = 128 : i32} : (tensor<2x4xui8>) -> tensor<2x4xf32>
  %0 = dyadic.dequantize %x {scale = 0.5 : f32, zero_point = 128 : i32} : (tensor<2x4xui8>) -> tensor<2x4xf32>
  // CHECK: dyadic.lookup %{{.*}}, dense<7> : tensor<256xui8> : (tensor<2x4xui8>) -> tensor<2x4xui8>
  %1 = dyadic.lookup %x, dense<7> : tensor<256xui8> : (tensor<2x4xui8>) -> tensor<2x4xui8>
  // CHECK: dyadic.pad %{{.*}} {high = array<i64: 0, 1>, low = array<i64: 1, 0>, value = 128 : i32} : (tensor<2x4xui8>) -> tensor<3x5xui8>
  %2 = dyadic.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 1>, value = 128 : i32} : (tensor<2x4xui8>) -> tensor<3x5xui8>
  // CHECK: dyadic.reduce_sum %{{.*}} {axes = array<i64: 1>, input_zp = 128 : i32, keep_dims = false} : (tensor<2x4xui8>) -> tensor<2xi32>
  %3 = dyadic.reduce_sum %x {axes = array<i64: 1>, input_zp = 128 : i32, keep_dims = false} : (tensor<2x4xui8>) -> tensor<2xi32>
  return
}
