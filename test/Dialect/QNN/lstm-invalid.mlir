// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @recurrent(%x: tensor<3x1x8xf32>, %w: tensor<2x4xf32>, %h: tensor<1x2xf32>) {
  // expected-error @+1 {{expected recurrent weights of 2x8, but got 'tensor<2x4xf32>'}}
  %0 = qnn.lstm %x, %w, %h, %h : (tensor<3x1x8xf32>, tensor<2x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @state(%x: tensor<3x1x8xf32>, %w: tensor<2x8xf32>, %h: tensor<1x2xf32>, %c: tensor<2x2xf32>) {
  // expected-error @+1 {{expected an initial state of 1x2, but got 'tensor<2x2xf32>'}}
  %0 = qnn.lstm %x, %w, %h, %c : (tensor<3x1x8xf32>, tensor<2x8xf32>, tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @scales(%x: tensor<3x1x8xf32>, %w: tensor<2x8xi8>, %h: tensor<1x2xf32>) {
  // expected-error @+1 {{expected recurrent_scales with weights of type i8, and only there}}
  %0 = qnn.lstm %x, %w, %h, %h : (tensor<3x1x8xf32>, tensor<2x8xi8>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @one_scale(%x: tensor<3x1x8xf32>, %w: tensor<2x8x!quant.uniform<i8:f32, 0.1>>, %h: tensor<1x2xf32>) {
  // expected-error @+1 {{expected recurrent weights of f32, or signed ones of 8 bits with scales over dimension 1}}
  %0 = qnn.lstm %x, %w, %h, %h : (tensor<3x1x8xf32>, tensor<2x8x!quant.uniform<i8:f32, 0.1>>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @wide_weights(%x: tensor<3x1x8xf32>, %w: tensor<2x8xi32>, %h: tensor<1x2xf32>) {
  // expected-error @+1 {{expected recurrent weights of f32, or signed ones of 8 bits with scales over dimension 1}}
  %0 = qnn.lstm %x, %w, %h, %h : (tensor<3x1x8xf32>, tensor<2x8xi32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}

// -----

func.func @quantized_states(%x: tensor<3x1x8x!quant.uniform<i8:f32, 0.1>>, %w: tensor<2x8xf32>, %h: tensor<1x2xf32>) {
  // expected-error @+1 {{expected a projection, states and a result of f32, but got}}
  %0 = qnn.lstm %x, %w, %h, %h : (tensor<3x1x8x!quant.uniform<i8:f32, 0.1>>, tensor<2x8xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
  return
}
