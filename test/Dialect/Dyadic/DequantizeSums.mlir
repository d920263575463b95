// RUN: dyadic-opt %s --canonicalize | FileCheck %s

// 2^23 · 2^-25 · 0.5 = 0.125.
// CHECK-LABEL: @scores
// CHECK: %[[SUM:.*]] = dyadic.batch_matmul
// CHECK: dyadic.dequantize %[[SUM]] {scale = 1.250000e-01 : f32, zero_point = 0 : i32}
func.func @scores(%l: tensor<5x4xui8>, %r: tensor<4x6xui8>) -> tensor<5x6xf32> {
  %s = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<5x4xui8>, tensor<4x6xui8>) -> tensor<5x6xi32>
  %q = dyadic.requantize %s {multiplier = array<i32: 8388608>, shift = array<i32: 25>, output_zp = 7 : i32, clamp_min = -32768 : i32, clamp_max = 32767 : i32} : (tensor<5x6xi32>) -> tensor<5x6xi16>
  %f = dyadic.dequantize %q {scale = 5.000000e-01 : f32, zero_point = 7 : i32} : (tensor<5x6xi16>) -> tensor<5x6xf32>
  return %f : tensor<5x6xf32>
}

// A fused clamp means something.
// CHECK-LABEL: @clamped
// CHECK: dyadic.requantize
func.func @clamped(%l: tensor<5x4xui8>, %r: tensor<4x6xui8>) -> tensor<5x6xf32> {
  %s = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<5x4xui8>, tensor<4x6xui8>) -> tensor<5x6xi32>
  %q = dyadic.requantize %s {multiplier = array<i32: 8388608>, shift = array<i32: 25>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 32767 : i32} : (tensor<5x6xi32>) -> tensor<5x6xi16>
  %f = dyadic.dequantize %q {scale = 5.000000e-01 : f32, zero_point = 0 : i32} : (tensor<5x6xi16>) -> tensor<5x6xf32>
  return %f : tensor<5x6xf32>
}
