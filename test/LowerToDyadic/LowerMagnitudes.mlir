// RUN: dyadic-opt %s --lower-magnitudes | FileCheck %s

// The slices move integers, the squares' sum's root is one body, and its borders join.
// CHECK-LABEL: @spectrum
//   CHECK-DAG: %[[X:.*]] = dyadic.slice %arg0 {offsets = array<i64: 0, 0>
//   CHECK-DAG: %[[Y:.*]] = dyadic.slice %arg0 {offsets = array<i64: 0, 2>
//       CHECK: %[[M:.*]] = qnn.compute(%[[X]], %[[Y]]) {name = "Magnitude"} : (tensor<3x2xi16>, tensor<3x2xi16>) -> tensor<3x2xi16>
//   CHECK-NOT:   f32
//       CHECK:   qnn.yield
//       CHECK: %[[MOVED:.*]] = dyadic.reshape %[[M]]
//       CHECK: dyadic.requantize %[[MOVED]] {{.*}}multiplier = array<i32: 8388608>, output_zp = 0 : i32, shift = array<i32: 26>} : (tensor<6xi16>) -> tensor<6xui8>
//   CHECK-NOT: f32
//       CHECK: return
func.func @spectrum(%s: tensor<3x4xi16>) -> tensor<6xui8> {
  %0 = dyadic.dequantize %s {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<3x4xi16>) -> tensor<3x4xf32>
  %1 = qnn.slice %0 {offsets = array<i64: 0, 0>, sizes = array<i64: 3, 2>, strides = array<i64: 1, 1>} : (tensor<3x4xf32>) -> tensor<3x2xf32>
  %2 = qnn.slice %0 {offsets = array<i64: 0, 2>, sizes = array<i64: 3, 2>, strides = array<i64: 1, 1>} : (tensor<3x4xf32>) -> tensor<3x2xf32>
  %3 = qnn.mul %1, %1 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %4 = qnn.mul %2, %2 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %5 = qnn.add %3, %4 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %6 = qnn.sqrt %5 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %7 = qnn.reshape %6 : (tensor<3x2xf32>) -> tensor<6xf32>
  %8 = dyadic.quantize %7 {inverse_scale = 0.125 : f32, zero_point = 0 : i32} : (tensor<6xf32>) -> tensor<6xui8>
  return %8 : tensor<6xui8>
}

// Parts of two scales are not a complex number's.
// CHECK-LABEL: @other_scales
// CHECK: qnn.sqrt
func.func @other_scales(%p: tensor<4xi16>, %r: tensor<4xi16>) -> tensor<4xf32> {
  %0 = dyadic.dequantize %p {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4xi16>) -> tensor<4xf32>
  %1 = dyadic.dequantize %r {scale = 0.25 : f32, zero_point = 0 : i32} : (tensor<4xi16>) -> tensor<4xf32>
  %2 = qnn.mul %0, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = qnn.mul %1, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = qnn.add %2, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = qnn.sqrt %4 : (tensor<4xf32>) -> tensor<4xf32>
  return %5 : tensor<4xf32>
}
