// RUN: dyadic-opt %s --lower-qnn-to-dyadic | FileCheck %s

!a = !quant.uniform<u8:f32, 0.5:3>
!s = !quant.uniform<i8:f32, 0.5:3>

// What is outside the image never wins: it is the least storage value.
// CHECK-LABEL: func @max_pool2d
// CHECK: %[[P:.*]] = dyadic.pad %arg0 {{.*}}value = -128 : i32
// CHECK: dyadic.max_pool2d %[[P]] {kernel = array<i64: 2, 2>} : {{.*}} -> tensor<1x4x4x1xi8>
func.func @max_pool2d(%x: tensor<1x4x4x1x!s>) -> tensor<1x4x4x1x!s> {
  %0 = qnn.max_pool2d %x {kernel = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>} : (tensor<1x4x4x1x!s>) -> tensor<1x4x4x1x!s>
  return %0 : tensor<1x4x4x1x!s>
}

// Zeros that count are the zero point; 1/4 of the sum.
// CHECK-LABEL: func @avg_pool2d
// CHECK: %[[P:.*]] = dyadic.pad %arg0 {{.*}}value = 3 : i32
// CHECK: %[[S:.*]] = dyadic.sum_pool2d %[[P]] {input_zp = 3 : i32, kernel = array<i64: 2, 2>}
// CHECK: dyadic.requantize %[[S]] {{.*}}multiplier = array<i32: 8388608>, output_zp = 3 : i32, shift = array<i32: 25>
func.func @avg_pool2d(%x: tensor<1x4x4x1x!a>) -> tensor<1x4x4x1x!a> {
  %0 = qnn.avg_pool2d %x {kernel = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, count_include_pad = true} : (tensor<1x4x4x1x!a>) -> tensor<1x4x4x1x!a>
  return %0 : tensor<1x4x4x1x!a>
}

// CHECK-LABEL: func @reduce_mean
// CHECK: dyadic.reduce_sum %arg0 {axes = array<i64: 1, 2>, input_zp = 3 : i32, keep_dims = false}
// CHECK: shift = array<i32: 27>
func.func @reduce_mean(%x: tensor<1x4x4x1x!a>) -> tensor<1x1x!a> {
  %0 = qnn.reduce_mean %x {axes = array<i64: 1, 2>, keep_dims = false} : (tensor<1x4x4x1x!a>) -> tensor<1x1x!a>
  return %0 : tensor<1x1x!a>
}
