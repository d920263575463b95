// RUN: dyadic-opt %s --lower-qnn-to-dyadic | FileCheck %s

!x = !quant.uniform<u8:f32, 0.5:3>
!y = !quant.uniform<u8:f32, 2.0:10>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.25, 1.0}>
!wc = !quant.uniform<i8<-127:127>:f32:1, {0.25, 1.0}>

// Bias 0: 1.0 / (0.5 · 0.25) − 3 · (5 + 6) = 8 − 33. Bias 1: −1.25 / 0.5 = −2.5
// rounds to the even −2, − 3 · (−7 − 8). Scales 1/16 and 1/4.
// CHECK-LABEL: func @conv2d
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x3x1xui8>) -> tensor<1x3x3x2xui8>
// CHECK-DAG: %[[W:.*]] = dyadic.constant dense<{{.*}}> : tensor<2x1x2x1xi8>
// CHECK-DAG: %[[B:.*]] = dyadic.constant dense<[-25, 43]> : tensor<2xi32>
// CHECK-DAG: %[[P:.*]] = dyadic.pad %[[X]] {high = array<i64: 0, 0, 1, 0>, low = array<i64: 0, 0, 0, 0>, value = 3 : i32} : {{.*}} -> tensor<1x3x4x1xui8>
// CHECK: %[[S:.*]] = dyadic.conv2d %[[P]], %[[W]], %[[B]] : {{.*}} -> tensor<1x3x3x2xi32>
// CHECK: %[[Y:.*]] = dyadic.requantize %[[S]] {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 8388608, 8388608>, output_zp = 10 : i32, shift = array<i32: 27, 25>}
// CHECK: return %[[Y]]
func.func @conv2d(%x: tensor<1x3x3x1x!x>) -> tensor<1x3x3x2x!y> {
  %w = qnn.constant dense<[[[[5], [6]]], [[[-7], [-8]]]]> : tensor<2x1x2x1xi8> : tensor<2x1x2x1x!w>
  %b = qnn.constant dense<[1.0, -1.25]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.conv2d %x, %w, %b {pads = array<i64: 0, 0, 0, 1>} : (tensor<1x3x3x1x!x>, tensor<2x1x2x1x!w>, tensor<2xf32>) -> tensor<1x3x3x2x!y>
  return %0 : tensor<1x3x3x2x!y>
}

// Channels are columns; without a bias only the zero point is left of it.
// CHECK-LABEL: func @matmul
// CHECK: dyadic.constant dense<[-12, -18]> : tensor<2xi32>
// CHECK: dyadic.matmul
// CHECK: shift = array<i32: 27, 25>
func.func @matmul(%x: tensor<3x2x!x>) -> tensor<3x2x!y> {
  %w = qnn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> : tensor<2x2x!wc>
  %0 = qnn.matmul %x, %w : (tensor<3x2x!x>, tensor<2x2x!wc>) -> tensor<3x2x!y>
  return %0 : tensor<3x2x!y>
}

// Float ops and what reads them pass.
// CHECK-LABEL: func @float
// CHECK: qnn.matmul %{{.*}}, %{{.*}} {qnn.float_reason = "because"} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
func.func @float(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %0 = qnn.matmul %x, %x {qnn.float_reason = "because"} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// Both zero points go into the product; 0.5 · 2.0 / 2.0 is the multiplier.
// CHECK-LABEL: func @run_time
// CHECK: %[[S:.*]] = dyadic.batch_matmul %arg0, %arg1 {lhs_zp = 3 : i32, rhs_zp = 10 : i32} : (tensor<4x3x2xui8>, tensor<4x2x5xui8>) -> tensor<4x3x5xi32>
// CHECK: dyadic.requantize %[[S]] {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 8388608>, output_zp = 10 : i32, shift = array<i32: 24>}
func.func @run_time(%x: tensor<4x3x2x!x>, %y: tensor<4x2x5x!y>) -> tensor<4x3x5x!y> {
  %0 = qnn.matmul %x, %y : (tensor<4x3x2x!x>, tensor<4x2x5x!y>) -> tensor<4x3x5x!y>
  return %0 : tensor<4x3x5x!y>
}
