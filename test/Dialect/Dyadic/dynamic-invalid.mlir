// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @outer(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expected outer in [0, 2], but got 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %q, %s, %z = "dyadic.dynamic_quantize"(%x) {outer = 3 : i64} : (tensor<2x3xf32>) -> (tensor<2x3xui8>, tensor<2x3xf32>, tensor<2x3xi32>)
  return
}

// -----

func.func @round(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{expected outer in [0, 2], but got -1}}
  %0 = qnn.dynamic_round %x {outer = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @parameters(%a: tensor<2x2xi32>, %s: tensor<2x1xf32>, %z: tensor<1x1xi32>) {
  // expected-error @+1 {{expected a zero point for each scale}}
  %0 = dyadic.scale_sums %a, %s, %z {weight_scales = array<f32: 1.0, 2.0>, weight_sums = array<i32: 3, -4>} : (tensor<2x2xi32>, tensor<2x1xf32>, tensor<1x1xi32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @columns(%a: tensor<2x2xi32>, %s: tensor<1x2xf32>, %z: tensor<1x2xi32>) {
  // expected-error @+1 {{expected scales that are repeated along the last dimension of 'tensor<2x2xi32>', but got 'tensor<1x2xf32>'}}
  %0 = dyadic.scale_sums %a, %s, %z {weight_scales = array<f32: 1.0, 2.0>, weight_sums = array<i32: 3, -4>} : (tensor<2x2xi32>, tensor<1x2xf32>, tensor<1x2xi32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @counts(%a: tensor<2x2xi32>, %s: tensor<2x1xf32>, %z: tensor<2x1xi32>) {
  // expected-error @+1 {{expected 2 biases, but got 1}}
  %0 = dyadic.scale_sums %a, %s, %z {bias = array<f32: 1.0>, weight_scales = array<f32: 1.0, 2.0>, weight_sums = array<i32: 3, -4>} : (tensor<2x2xi32>, tensor<2x1xf32>, tensor<2x1xi32>) -> tensor<2x2xf32>
  return
}
