// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @filter_channels(%x: tensor<1x8x8x4xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected a filter of 4 input channels, but got 3}}
  %0 = qnn.conv2d %x, %w : (tensor<1x8x8x4xf32>, tensor<6x3x3x3xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @groups(%x: tensor<1x8x8x4xf32>, %w: tensor<6x3x3x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected groups to divide 4 input and 6 output channels, but got 3}}
  %0 = qnn.conv2d %x, %w {groups = 3 : i64} : (tensor<1x8x8x4xf32>, tensor<6x3x3x4xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @window_too_large(%x: tensor<1x2x8x4xf32>, %w: tensor<6x3x3x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected an image of at least 3 rows with its padding, but got 2}}
  %0 = qnn.conv2d %x, %w : (tensor<1x2x8x4xf32>, tensor<6x3x3x4xf32>) -> tensor<1x1x6x6xf32>
  return
}

// -----

func.func @result_shape(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<2x3xf32>' are incompatible with return type(s) of operation 'tensor<3x2xf32>'}}
  %0 = qnn.relu %x : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @inner_extents(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected 3 rows in the right operand, but got 4}}
  %0 = qnn.matmul %x, %y : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @broadcast(%x: tensor<2x3xf32>, %y: tensor<4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected shapes that broadcast together, but got [2, 3] and [4]}}
  %0 = qnn.add %x, %y : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @axis(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected an axis in [0, 2), but got 2}}
  %0 = qnn.softmax %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @permutation(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected a permutation, but dimension 0 comes twice}}
  %0 = qnn.transpose %x {permutation = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @clamp(%x: tensor<2xf32>) {
  // expected-error @+1 {{expected min ≤ max, but got 1.000000e+00 and 0.000000e+00}}
  %0 = qnn.clamp %x {min = 1.0 : f32, max = 0.0 : f32} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @elements(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expected 6 elements, but got 8}}
  %0 = qnn.reshape %x : (tensor<2x3xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @constant_shape() {
  // expected-error @+1 {{expected a value of the result's shape}}
  %0 = qnn.constant dense<1.0> : tensor<3xf32> : tensor<4xf32>
  return
}

// -----

func.func @sampled_position(%x: tensor<1x2x3x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected sampled positions in [0, 2), but got 2}}
  %0 = qnn.resize %x {rows = array<i64: 2>, cols = array<i64: 0>} : (tensor<1x2x3x4xf32>) -> tensor<1x1x1x4xf32>
  return
}

// -----

// expected-error @+1 {{expected min ≤ max, but got 2.000000e+00 and 1.000000e+00}}
func.func @range(%x: tensor<1xf32> {qnn.range = #qnn.range<2.0, 1.0>}) {
  return
}

// -----

func.func @gather_axis(%x: tensor<2x3xf32>, %i: tensor<4xi64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected an axis in [0, 2), but got 2}}
  %0 = qnn.gather %x, %i {axis = 2 : i64} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @gather_indices(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{operand #1 must be ranked tensor of}}
  %0 = qnn.gather %x, %x {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @integer_arithmetic(%i: tensor<4xi64>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = qnn.add %i, %i : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  return
}
