// RUN: dyadic-opt %s --lower-lstm-to-integers | FileCheck %s

// Arguments of the gates have 11 bits behind the point, the candidate's 12: factors of
// .5 · 2^11 · 2^s and .5 · 2^12 · 2^s for what is behind the input, of
// scale / 127 · 2^11 · 2^s and so on for the products, with s = 19.
// CHECK-LABEL: @lstm
//   CHECK-DAG: %[[WEIGHTS:.*]] = qnn.constant {{.*}} : tensor<1x2x4x2xi8>
//   CHECK-DAG: %[[FACTORS:.*]] = qnn.constant dense<{{\[\[}}8454660, 8454660], [8454660, 8454660], [8454660, 8454660], [16909320, 16909320]]> : tensor<4x2xi32>
//   CHECK-DAG: %[[INPUT:.*]] = qnn.constant dense<[536870912, 536870912, 536870912, 1073741824]> : tensor<4xi32>
//   CHECK-DAG: %[[NONE:.*]] = qnn.constant dense<0> : tensor<1x2xi16>
//       CHECK: %[[SUMS:.*]] = dyadic.reshape %arg0 : (tensor<3x1x8xi16>) -> tensor<3x1x4x2xi16>
//       CHECK: %[[CELL:.*]] = dyadic.quantize %arg1 {inverse_scale = 5.120000e+02 : f32, zero_point = 0 : i32} : (tensor<1x2xf32>) -> tensor<1x2xi16>
//       CHECK: %[[LSTM:.*]]:2 = qnn.compute(%[[SUMS]], %[[WEIGHTS]], %[[NONE]], %[[CELL]], %[[FACTORS]], %[[INPUT]], %{{.*}}, %{{.*}}) {name = "LSTM"} : {{.*}} -> (tensor<3x1x2xi16>, tensor<1x2xi16>)
//   CHECK-NOT: f32
//       CHECK:   scf.for
//       CHECK:     scf.for
//       CHECK:       scf.for
//       CHECK:       arith.shrsi %{{.*}}, %c19_i64
//   CHECK-NOT: f32
//       CHECK:   qnn.yield
//       CHECK: %[[LAST:.*]] = dyadic.reshape %[[LSTM]]#1 : (tensor<1x2xi16>) -> tensor<1x1x2xi16>
//       CHECK: %[[STEPS:.*]] = dyadic.slice %[[LSTM]]#0 {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 3, 1, 2>
//       CHECK: %[[PART:.*]] = dyadic.slice %[[LAST]] {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 1, 1, 2>
//       CHECK: %[[REALS:.*]] = dyadic.dequantize %[[PART]] {scale = 0.001953125 : f32, zero_point = 0 : i32}
//       CHECK: %[[MOVED:.*]] = dyadic.reshape %[[STEPS]]
//       CHECK: %[[BYTES:.*]] = dyadic.requantize %[[MOVED]] {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 16646144>, output_zp = 128 : i32, shift = array<i32: 32>} : (tensor<3x2xi16>) -> tensor<3x2xui8>
//       CHECK: return %[[BYTES]], %[[REALS]]
func.func @lstm(%x: tensor<3x1x8xi16>, %cell: tensor<1x2xf32>) -> (tensor<3x2xui8>, tensor<1x1x2xf32>) {
  %w = qnn.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]]> : tensor<2x8xi8> : tensor<2x8xi8>
  %h = qnn.constant dense<0.0> : tensor<1x2xf32> : tensor<1x2xf32>
  %p = dyadic.dequantize %x {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<3x1x8xi16>) -> tensor<3x1x8xf32>
  %0 = qnn.lstm %p, %w, %h, %cell {with_cell = true, recurrent_scales = array<f32: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>} : (tensor<3x1x8xf32>, tensor<2x8xi8>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<4x1x2xf32>
  %1 = qnn.slice %0 {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 3, 1, 2>, strides = array<i64: 1, 1, 1>} : (tensor<4x1x2xf32>) -> tensor<3x1x2xf32>
  %2 = qnn.slice %0 {offsets = array<i64: 3, 0, 0>, sizes = array<i64: 1, 1, 2>, strides = array<i64: 1, 1, 1>} : (tensor<4x1x2xf32>) -> tensor<1x1x2xf32>
  %3 = qnn.reshape %1 : (tensor<3x1x2xf32>) -> tensor<3x2xf32>
  %4 = dyadic.quantize %3 {inverse_scale = 127.0 : f32, zero_point = 128 : i32} : (tensor<3x2xf32>) -> tensor<3x2xui8>
  return %4, %2 : tensor<3x2xui8>, tensor<1x1x2xf32>
}

// A projection that nothing quantizes leaves the gates in float.
// CHECK-LABEL: @float_projection
// CHECK: qnn.lstm
func.func @float_projection(%x: tensor<3x1x8xf32>, %h: tensor<1x2xf32>) -> tensor<3x1x2xf32> {
  %w = qnn.constant dense<1> : tensor<2x8xi8> : tensor<2x8xi8>
  %0 = qnn.lstm %x, %w, %h, %h {recurrent_scales = array<f32: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>} : (tensor<3x1x8xf32>, tensor<2x8xi8>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return %0 : tensor<3x1x2xf32>
}
