// RUN: dyadic-opt %s --lower-qnn-to-dyadic | FileCheck %s

// Sums that nothing quantizes leave as floats, times a scale per channel.

// CHECK-LABEL: @sums
// CHECK: %[[S:.*]] = dyadic.matmul
// CHECK: %[[F:.*]] = dyadic.dequantize %[[S]] {scale = 1.000000e+00 : f32, zero_point = 0 : i32}
// CHECK: %[[C:.*]] = qnn.constant dense<[1.250000e-01, 2.500000e-01]>
// CHECK: qnn.mul %[[F]], %[[C]]
func.func @sums(%x: tensor<3x2x!quant.uniform<u8:f32, 0.25:3>>) -> tensor<3x2xf32> {
  %w = qnn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> : tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 1.0}>>
  %y = qnn.matmul %x, %w : (tensor<3x2x!quant.uniform<u8:f32, 0.25:3>>, tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 1.0}>>) -> tensor<3x2x!quant.uniform<i32:f32:1, {0.125, 0.25}>>
  %f = qnn.dequantize %y : (tensor<3x2x!quant.uniform<i32:f32:1, {0.125, 0.25}>>) -> tensor<3x2xf32>
  return %f : tensor<3x2xf32>
}

// A type of fewer values than its storage is a clamp more.

// CHECK-LABEL: @narrow
// CHECK: %[[Q:.*]] = dyadic.quantize %arg0 {inverse_scale = 2.000000e+00 : f32, zero_point = 0 : i32}
// CHECK: dyadic.clamp %[[Q]] {max = 7 : i32, min = -7 : i32}
func.func @narrow(%x: tensor<4xf32>) -> tensor<4xi8> {
  %0 = qnn.quantize %x : (tensor<4xf32>) -> tensor<4x!quant.uniform<i8<-7:7>:f32, 0.5>>
  %1 = qnn.storage_cast %0 : (tensor<4x!quant.uniform<i8<-7:7>:f32, 0.5>>) -> tensor<4xi8>
  return %1 : tensor<4xi8>
}
