// RUN: dyadic-opt %s --lower-qnn-to-dyadic --cse -split-input-file -verify-diagnostics | FileCheck %s

!w = !quant.uniform<i8<-127:127>:f32:1, {0.25, 1.0}>

// Column sums are 4 and 6, and what is quantized is shared.
// CHECK-LABEL: func @matmul
// CHECK-SAME: (%[[X:.*]]: tensor<3x2xf32>)
// CHECK: %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = dyadic.dynamic_quantize %[[X]] {outer = 1 : i64} : (tensor<3x2xf32>) -> (tensor<3x2xui8>, tensor<3x1xf32>, tensor<3x1xi32>)
// CHECK: %[[A:.*]] = dyadic.matmul %[[Q]], %{{.*}}, %{{.*}} -> tensor<3x2xi32>
// CHECK: dyadic.scale_sums %[[A]], %[[S]], %[[Z]] {bias = array<f32: 1.000000e+00, -1.250000e+00>, weight_scales = array<f32: 2.500000e-01, 1.000000e+00>, weight_sums = array<i32: 4, 6>}
// CHECK-NOT: dynamic_quantize
// CHECK: dyadic.scale_sums %{{.*}}, %[[S]], %[[Z]] {weight_scales
// CHECK-NOT: dynamic_round
func.func @matmul(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %w = qnn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> : tensor<2x2x!w>
  %b = qnn.constant dense<[1.0, -1.25]> : tensor<2xf32> : tensor<2xf32>
  %r = qnn.dynamic_round %x {outer = 1 : i64} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %0 = qnn.matmul %r, %w, %b : (tensor<3x2xf32>, tensor<2x2x!w>, tensor<2xf32>) -> tensor<3x2xf32>
  %1 = qnn.matmul %r, %w : (tensor<3x2xf32>, tensor<2x2x!w>) -> tensor<3x2xf32>
  return %0, %1 : tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

!w = !quant.uniform<i8<-127:127>:f32:0, {0.25}>

// The border is quantized with the image.
// CHECK-LABEL: func @conv2d
// CHECK: %[[P:.*]] = qnn.pad %{{.*}} {high = array<i64: 0, 0, 1, 0>, low = array<i64: 0, 0, 0, 0>, value = 0.000000e+00 : f32} : {{.*}} -> tensor<1x3x4x1xf32>
// CHECK: dyadic.dynamic_quantize %[[P]] {outer = 1 : i64} : (tensor<1x3x4x1xf32>) -> (tensor<1x3x4x1xui8>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xi32>)
// CHECK: dyadic.conv2d {{.*}} -> tensor<1x3x3x1xi32>
// CHECK: dyadic.scale_sums {{.*}}weight_sums = array<i32: -3>
func.func @conv2d(%x: tensor<1x3x3x1xf32>) -> tensor<1x3x3x1xf32> {
  %w = qnn.constant dense<[[[[5], [-8]]]]> : tensor<1x1x2x1xi8> : tensor<1x1x2x1x!w>
  %r = qnn.dynamic_round %x {outer = 1 : i64} : (tensor<1x3x3x1xf32>) -> tensor<1x3x3x1xf32>
  %0 = qnn.conv2d %r, %w {pads = array<i64: 0, 0, 0, 1>} : (tensor<1x3x3x1xf32>, tensor<1x1x2x1x!w>) -> tensor<1x3x3x1xf32>
  return %0 : tensor<1x3x3x1xf32>
}

// -----

!w = !quant.uniform<u8:f32, 0.25:3>

func.func @zero_point(%x: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = qnn.constant dense<[[1], [3]]> : tensor<2x1xui8> : tensor<2x1x!w>
  %r = qnn.dynamic_round %x {outer = 1 : i64} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  // expected-error @+3 {{expected constant, signed weights of zero point 0}}
  // expected-error @+2 {{expected a tensor quantized as a whole, but got 'tensor<3x1xf32>'}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.matmul %r, %w : (tensor<3x2xf32>, tensor<2x1x!w>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}
