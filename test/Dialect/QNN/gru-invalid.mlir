// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @projection(%x: tensor<3x1x7xf32>, %w: tensor<2x6xf32>, %h: tensor<1x2xf32>) {
  // expected-error @+2 {{expected a projection of steps x batch x 3 gates}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = qnn.gru %x, %w, %h : (tensor<3x1x7xf32>, tensor<2x6xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @recurrent(%x: tensor<3x1x6xf32>, %w: tensor<2x4xf32>, %h: tensor<1x2xf32>) {
  // expected-error @+1 {{expected recurrent weights of 2x6, but got 'tensor<2x4xf32>'}}
  %0 = qnn.gru %x, %w, %h : (tensor<3x1x6xf32>, tensor<2x4xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @state(%x: tensor<3x1x6xf32>, %w: tensor<2x6xf32>, %h: tensor<2x2xf32>) {
  // expected-error @+1 {{expected an initial state of 1x2, but got 'tensor<2x2xf32>'}}
  %0 = qnn.gru %x, %w, %h : (tensor<3x1x6xf32>, tensor<2x6xf32>, tensor<2x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @scales(%x: tensor<3x1x6xf32>, %w: tensor<2x6xi8>, %h: tensor<1x2xf32>) {
  // expected-error @+1 {{expected 6 recurrent_scales, but got 2}}
  %0 = qnn.gru %x, %w, %h {recurrent_scales = array<f32: 0.1, 0.1>} : (tensor<3x1x6xf32>, tensor<2x6xi8>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @bias_before_product(%x: tensor<3x1x6xf32>, %w: tensor<2x6xf32>, %h: tensor<1x2xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{expected a bias with linear_before_reset alone}}
  %0 = qnn.gru %x, %w, %h, %b : (tensor<3x1x6xf32>, tensor<2x6xf32>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @bias(%x: tensor<3x1x6xf32>, %w: tensor<2x6xf32>, %h: tensor<1x2xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{expected a bias of 2 f32, but got 'tensor<3xf32>'}}
  %0 = qnn.gru %x, %w, %h, %b {linear_before_reset = true} : (tensor<3x1x6xf32>, tensor<2x6xf32>, tensor<1x2xf32>, tensor<3xf32>) -> tensor<3x1x2xf32>
  return
}
