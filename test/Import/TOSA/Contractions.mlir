// RUN: dyadic-opt %s --tosa-to-qnn --qnn-fold-constants | FileCheck %s

// TOSA's pad is [top, bottom, left, right], ours [top, left, bottom, right].
// CHECK-LABEL: @conv
// CHECK: %[[F:.*]] = qnn.constant dense<2.000000e+00> : tensor<3x2x3x2xf32>
// CHECK: %[[B:.*]] = qnn.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
// CHECK: qnn.conv2d %arg0, %[[F]], %[[B]] {dilations = array<i64: 2, 1>, pads = array<i64: 1, 2, 0, 0>, qnn.range = [#qnn.range<-1.000000e+00 : f64, 1.000000e+00 : f64>], strides = array<i64: 1, 2>}
func.func @conv(%x: tensor<1x6x7x2xf32>) -> tensor<1x5x4x3xf32> {
  %w = "tosa.const"() {values = dense<2.0> : tensor<3x2x3x2xf32>} : () -> tensor<3x2x3x2xf32>
  %b = "tosa.const"() {values = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 2, 1>, pad = array<i64: 1, 0, 2, 0>, stride = array<i64: 1, 2>, qnn.range = [#qnn.range<-1.0 : f64, 1.0 : f64>]}
    : (tensor<1x6x7x2xf32>, tensor<3x2x3x2xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x5x4x3xf32>
  return %0 : tensor<1x5x4x3xf32>
}

// Output channel c·M + m: [[0, 1], [2, 3]] by (c, m) becomes 0, 1, 2, 3. The bias of
// one element is one per channel.
// CHECK-LABEL: @depthwise
// CHECK-DAG: %[[F:.*]] = qnn.constant dense<{{\[\[\[\[0.000000e\+00\]\]\], \[\[\[1.000000e\+00\]\]\], \[\[\[2.000000e\+00\]\]\], \[\[\[3.000000e\+00\]\]\]\]}}> : tensor<4x1x1x1xf32>
// CHECK-DAG: %[[B:.*]] = qnn.constant dense<5.000000e-01> : tensor<4xf32>
// CHECK: qnn.conv2d %arg0, %[[F]], %[[B]] {groups = 2 : i64}
func.func @depthwise(%x: tensor<1x4x4x2xf32>) -> tensor<1x4x4x4xf32> {
  %w = "tosa.const"() {values = dense<[[[[0.0, 1.0], [2.0, 3.0]]]]> : tensor<1x1x2x2xf32>} : () -> tensor<1x1x2x2xf32>
  %b = "tosa.const"() {values = dense<0.5> : tensor<1xf32>} : () -> tensor<1xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.depthwise_conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x4x4x2xf32>, tensor<1x1x2x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// A right side without a batch has two dimensions: weights, to the quantizer.
// CHECK-LABEL: @matmul
// CHECK: %[[W:.*]] = qnn.constant dense<3.000000e+00> : tensor<4x5xf32>
// CHECK: %[[M:.*]] = qnn.matmul %arg0, %[[W]] : (tensor<1x2x4xf32>, tensor<4x5xf32>) -> tensor<1x2x5xf32>
// CHECK: qnn.matmul %arg1, %arg2 : (tensor<3x2x4xf32>, tensor<3x4x5xf32>) -> tensor<3x2x5xf32>
func.func @matmul(%x: tensor<1x2x4xf32>, %a: tensor<3x2x4xf32>, %b: tensor<3x4x5xf32>) -> (tensor<1x2x5xf32>, tensor<3x2x5xf32>) {
  %w = "tosa.const"() {values = dense<3.0> : tensor<1x4x5xf32>} : () -> tensor<1x4x5xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.matmul %x, %w, %zp, %zp : (tensor<1x2x4xf32>, tensor<1x4x5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x5xf32>
  %1 = tosa.matmul %a, %b, %zp, %zp : (tensor<3x2x4xf32>, tensor<3x4x5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<3x2x5xf32>
  return %0, %1 : tensor<1x2x5xf32>, tensor<3x2x5xf32>
}
