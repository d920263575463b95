// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @multiplier_count(%x: tensor<1x3xi32>) {
  // expected-error @+1 {{expected 1 or 3 multipliers, but got 2}}
  %0 = dyadic.requantize %x {multiplier = array<i32: 1, 2>, shift = array<i32: 1, 2>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x3xi32>) -> tensor<1x3xui8>
  return
}

// -----

func.func @shift(%x: tensor<1x3xi32>) {
  // expected-error @+1 {{expected shifts in [0, 62], but got 63}}
  %0 = dyadic.requantize %x {multiplier = array<i32: 1>, shift = array<i32: 63>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x3xi32>) -> tensor<1x3xui8>
  return
}

// -----

func.func @clamp_outside_storage(%x: tensor<1x3xi32>) {
  // expected-error @+1 {{expected the lower bound in [0, 255], but got -1}}
  %0 = dyadic.requantize %x {multiplier = array<i32: 1>, shift = array<i32: 1>, output_zp = 0 : i32, clamp_min = -1 : i32, clamp_max = 255 : i32} : (tensor<1x3xi32>) -> tensor<1x3xui8>
  return
}

// -----

func.func @add_multiplier(%x: tensor<2xui8>) {
  // expected-error @+1 {{expected multipliers of magnitude 32768 at most, but got 32769}}
  %0 = dyadic.add %x, %x {lhs_zp = 0 : i32, rhs_zp = 0 : i32, lhs_multiplier = 32769 : i32, rhs_multiplier = 1 : i32} : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xi32>
  return
}

// -----

func.func @table(%x: tensor<2xui8>) {
  // expected-error @+1 {{expected a table of 256 'ui8' entries, but got 'tensor<128xui8>'}}
  %0 = dyadic.lookup %x, dense<7> : tensor<128xui8> : (tensor<2xui8>) -> tensor<2xui8>
  return
}

// -----

func.func @zero_point(%x: tensor<2xf32>) {
  // expected-error @+1 {{expected the zero point in [0, 255], but got 256}}
  %0 = dyadic.quantize %x {inverse_scale = 1.0 : f32, zero_point = 256 : i32} : (tensor<2xf32>) -> tensor<2xui8>
  return
}

// -----

func.func @two_anchors(%x: tensor<2x4xui8>) {
  // expected-error @+1 {{expected at most one op that isn't pointwise, but got 2}}
  %0 = dyadic.kernel(%x) : (tensor<2x4xui8>) -> tensor<2x4xui8> {
  ^bb0(%a: tensor<2x4xui8>):
    %1 = dyadic.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x4xui8>) -> tensor<4x2xui8>
    %2 = dyadic.transpose %1 {permutation = array<i64: 1, 0>} : (tensor<4x2xui8>) -> tensor<2x4xui8>
    dyadic.yield %2 : tensor<2x4xui8>
  }
  return
}

// -----

func.func @offsets(%x: tensor<2xui8>) {
  // expected-error @+1 {{expected an arena offset for each of 1 results, but got 2}}
  %0 = dyadic.kernel(%x) {arena_offsets = array<i64: 0, 64>} : (tensor<2xui8>) -> tensor<2xui8> {
  ^bb0(%a: tensor<2xui8>):
    dyadic.yield %a : tensor<2xui8>
  }
  return
}

// -----

func.func @matmul_bias(%x: tensor<2x3xui8>, %w: tensor<3x4xi8>, %b: tensor<3xi32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expected a bias of 4 elements}}
  %0 = dyadic.matmul %x, %w, %b : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<3xi32>) -> tensor<2x4xi32>
  return
}

// -----

func.func @product_of_other_depths(%l: tensor<2x3x4xui8>, %r: tensor<2x5x6xui8>) {
  // expected-error @+2 {{expected 4 rows in the right operand, but got 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<2x3x4xui8>, tensor<2x5x6xui8>) -> tensor<2x3x6xi32>
  return
}

// -----

func.func @product_of_other_batches(%l: tensor<2x3x4xui8>, %r: tensor<3x4x6xui8>) {
  // expected-error @+2 {{expected shapes that broadcast together, but got [2] and [3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<2x3x4xui8>, tensor<3x4x6xui8>) -> tensor<2x3x6xi32>
  return
}

// -----

func.func @product_left_zero_point(%l: tensor<3x4xi8>, %r: tensor<4x6xui8>) {
  // expected-error @+1 {{expected the left zero point in [-128, 127], but got 128}}
  %0 = dyadic.batch_matmul %l, %r {lhs_zp = 128 : i32, rhs_zp = 0 : i32} : (tensor<3x4xi8>, tensor<4x6xui8>) -> tensor<3x6xi32>
  return
}

// -----

func.func @product_right_zero_point(%l: tensor<3x4xi8>, %r: tensor<4x6xui8>) {
  // expected-error @+1 {{expected the right zero point in [0, 255], but got -1}}
  %0 = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = -1 : i32} : (tensor<3x4xi8>, tensor<4x6xui8>) -> tensor<3x6xi32>
  return
}

// -----

func.func @product_permutation(%l: tensor<4x3xi8>, %r: tensor<4x6xui8>) {
  // expected-error @+1 {{expected permutations that keep the last dimension, but got [1, 0]}}
  %0 = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32, lhs_permutation = array<i64: 1, 0>} : (tensor<4x3xi8>, tensor<4x6xui8>) -> tensor<3x6xi32>
  return
}

// -----

func.func @product_no_permutation(%l: tensor<2x4x3xi8>, %r: tensor<3x6xui8>) {
  // expected-error @+2 {{expected a permutation, but dimension 0 comes twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32, lhs_permutation = array<i64: 0, 0, 2>} : (tensor<2x4x3xi8>, tensor<3x6xui8>) -> tensor<2x2x6xi32>
  return
}

// -----

func.func @product_of_words(%l: tensor<3x4xi16>, %r: tensor<4x6xui8>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 8-bit unsigned integer or 8-bit signless integer values}}
  %0 = dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<3x4xi16>, tensor<4x6xui8>) -> tensor<3x6xi32>
  return
}

// -----

func.func @dequantize_sum_zero_point(%x: tensor<2xi32>) {
  // expected-error @+1 {{expected a zero point of 0 for i32, but got 3}}
  %0 = dyadic.dequantize %x {scale = 1.0 : f32, zero_point = 3 : i32} : (tensor<2xi32>) -> tensor<2xf32>
  return
}
