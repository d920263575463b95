// RUN: dyadic-opt %s --lower-gru-to-integers | FileCheck %s

// Arguments of update and reset have 11 bits behind the point, the candidate's 12: factors
// of .5 · 2^11 · 2^s and .5 · 2^12 · 2^s for what is behind the input, of scale / 127 ·
// 2^11 · 2^s and so on for the products, with s = 19. A bias of 1.5 is 1.5 · 2^31.
// CHECK-LABEL: @linear_before_reset
//   CHECK-DAG: %[[GATES:.*]] = qnn.constant dense<{{\[\[\[\[}}1, 2], [3, 4]], {{\[\[}}7, 8], [9, 10]]]]> : tensor<1x2x2x2xi8>
//   CHECK-DAG: %[[CANDIDATE:.*]] = qnn.constant dense<{{\[\[\[\[}}5, 6]], {{\[\[}}11, 12]]]]> : tensor<1x2x1x2xi8>
//   CHECK-DAG: %[[FACTORS:.*]] = qnn.constant dense<{{\[\[}}8454660, 8454660], [8454660, 8454660], [16909320, 16909320]]> : tensor<3x2xi32>
//   CHECK-DAG: %[[INPUT:.*]] = qnn.constant dense<[536870912, 536870912, 1073741824]> : tensor<3xi32>
//   CHECK-DAG: %[[BIAS:.*]] = qnn.constant dense<[3221225472, -2147483648]> : tensor<2xi64>
//   CHECK-DAG: %[[SUMS:.*]] = dyadic.reshape %arg0 : (tensor<3x1x6xi16>) -> tensor<3x1x3x2xi16>
//   CHECK-DAG: %[[STATE:.*]] = dyadic.quantize %arg1 {inverse_scale = 3.276800e+04 : f32, zero_point = 0 : i32} : (tensor<1x2xf32>) -> tensor<1x2xi16>
//       CHECK: %[[GRU:.*]] = qnn.compute(%[[SUMS]], %[[GATES]], %[[CANDIDATE]], %[[STATE]], %[[FACTORS]], %[[INPUT]], %{{.*}}, %{{.*}}, %[[BIAS]]) {name = "GRU"} : {{.*}} -> tensor<3x1x2xi16>
//   CHECK-NOT: f32
//       CHECK:   scf.for
//       CHECK:     scf.for
//       CHECK:       scf.for
//       CHECK:   qnn.yield
//       CHECK: %[[MOVED:.*]] = dyadic.reshape %[[GRU]] : (tensor<3x1x2xi16>) -> tensor<3x2xi16>
//       CHECK: %[[BYTES:.*]] = dyadic.requantize %[[MOVED]]
//       CHECK: return %[[BYTES]]
func.func @linear_before_reset(%x: tensor<3x1x6xi16>, %h: tensor<1x2xf32>) -> tensor<3x2xui8> {
  %w = qnn.constant dense<[[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]> : tensor<2x6xi8> : tensor<2x6xi8>
  %b = qnn.constant dense<[1.5, -1.0]> : tensor<2xf32> : tensor<2xf32>
  %p = dyadic.dequantize %x {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<3x1x6xi16>) -> tensor<3x1x6xf32>
  %0 = qnn.gru %p, %w, %h, %b {linear_before_reset = true, recurrent_scales = array<f32: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>} : (tensor<3x1x6xf32>, tensor<2x6xi8>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<3x1x2xf32>
  %1 = qnn.reshape %0 : (tensor<3x1x2xf32>) -> tensor<3x2xf32>
  %2 = dyadic.quantize %1 {inverse_scale = 127.0 : f32, zero_point = 128 : i32} : (tensor<3x2xf32>) -> tensor<3x2xui8>
  return %2 : tensor<3x2xui8>
}

// The state that reset gates have multiplied is rounded to 8 bits for a product of its own.
// CHECK-LABEL: @reset_before_product
//       CHECK: qnn.compute({{.*}}) {name = "GRU"}
//   CHECK-NOT: f32
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<1x2xi8>)
//       CHECK:   %[[KEPT:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<1x2xi8>)
//       CHECK:   scf.for
//       CHECK:     tensor.extract %[[KEPT]]
//       CHECK:   qnn.yield
func.func @reset_before_product(%x: tensor<3x1x6xi16>, %h: tensor<1x2xf32>) -> tensor<3x1x2xf32> {
  %w = qnn.constant dense<1> : tensor<2x6xi8> : tensor<2x6xi8>
  %p = dyadic.dequantize %x {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<3x1x6xi16>) -> tensor<3x1x6xf32>
  %0 = qnn.gru %p, %w, %h {recurrent_scales = array<f32: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>} : (tensor<3x1x6xf32>, tensor<2x6xi8>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return %0 : tensor<3x1x2xf32>
}

// A bias that isn't known leaves the gates in float, and so does a float projection.
// CHECK-LABEL: @float
//       CHECK: qnn.gru
//       CHECK: qnn.gru
func.func @float(%x: tensor<3x1x6xi16>, %y: tensor<3x1x6xf32>, %h: tensor<1x2xf32>, %b: tensor<2xf32>) -> (tensor<3x1x2xf32>, tensor<3x1x2xf32>) {
  %w = qnn.constant dense<1> : tensor<2x6xi8> : tensor<2x6xi8>
  %p = dyadic.dequantize %x {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<3x1x6xi16>) -> tensor<3x1x6xf32>
  %0 = qnn.gru %p, %w, %h, %b {linear_before_reset = true, recurrent_scales = array<f32: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>} : (tensor<3x1x6xf32>, tensor<2x6xi8>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<3x1x2xf32>
  %1 = qnn.gru %y, %w, %h {recurrent_scales = array<f32: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>} : (tensor<3x1x6xf32>, tensor<2x6xi8>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return %0, %1 : tensor<3x1x2xf32>, tensor<3x1x2xf32>
}
