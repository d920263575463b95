// RUN: dyadic-opt %s --lower-qnn-to-dyadic | FileCheck %s

!a = !quant.uniform<u8:f32, 0.5:3>
!b = !quant.uniform<u8:f32, 0.25:4>

// CHECK-LABEL: func @moves
// CHECK: dyadic.transpose %arg0
// CHECK: dyadic.reshape
// CHECK: dyadic.slice
// CHECK: dyadic.pad %{{.*}}value = 5 : i32
// CHECK: dyadic.resize
// CHECK-NOT: requantize
func.func @moves(%x: tensor<2x8x!a>) -> tensor<1x4x4x2x!a> {
  %0 = qnn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x8x!a>) -> tensor<8x2x!a>
  %1 = qnn.reshape %0 : (tensor<8x2x!a>) -> tensor<1x4x2x2x!a>
  %2 = qnn.slice %1 {offsets = array<i64: 0, 0, 0, 0>, sizes = array<i64: 1, 1, 2, 2>, strides = array<i64: 1, 1, 1, 1>} : (tensor<1x4x2x2x!a>) -> tensor<1x1x2x2x!a>
  %3 = qnn.pad %2 {low = array<i64: 0, 1, 0, 0>, high = array<i64: 0, 0, 0, 0>, value = 1.0 : f32} : (tensor<1x1x2x2x!a>) -> tensor<1x2x2x2x!a>
  %4 = qnn.resize %3 {rows = array<i64: 0, 0, 1, 1>, cols = array<i64: 0, 0, 1, 1>} : (tensor<1x2x2x2x!a>) -> tensor<1x4x4x2x!a>
  return %4 : tensor<1x4x4x2x!a>
}

// Only the input of another scale is rescaled, from its zero point.
// CHECK-LABEL: func @concat
// CHECK: %[[R:.*]] = dyadic.requantize %arg1 {{.*}}input_zp = 4 : i32, multiplier = array<i32: 8388608>, output_zp = 3 : i32, shift = array<i32: 24>} : (tensor<3xui8>) -> tensor<3xui8>
// CHECK: dyadic.concat %arg0, %[[R]] {axis = 0 : i64} : (tensor<2xui8>, tensor<3xui8>) -> tensor<5xui8>
func.func @concat(%x: tensor<2x!a>, %y: tensor<3x!b>) -> tensor<5x!a> {
  %0 = qnn.concat %x, %y {axis = 0} : (tensor<2x!a>, tensor<3x!b>) -> tensor<5x!a>
  return %0 : tensor<5x!a>
}

// The indices stay as they are, and so does what holds no quantized values.
// CHECK-LABEL: func @gather
// CHECK-SAME: (%[[X:.*]]: tensor<4x2xui8>, %[[I:.*]]: tensor<1x3xi64>)
// CHECK: %[[J:.*]] = qnn.reshape %[[I]] : (tensor<1x3xi64>) -> tensor<3xi64>
// CHECK: dyadic.gather %[[X]], %[[J]] {axis = 0 : i64} : (tensor<4x2xui8>, tensor<3xi64>) -> tensor<3x2xui8>
func.func @gather(%x: tensor<4x2x!a>, %i: tensor<1x3xi64>) -> tensor<3x2x!a> {
  %j = qnn.reshape %i : (tensor<1x3xi64>) -> tensor<3xi64>
  %0 = qnn.gather %x, %j {axis = 0 : i64} : (tensor<4x2x!a>, tensor<3xi64>) -> tensor<3x2x!a>
  return %0 : tensor<3x2x!a>
}
