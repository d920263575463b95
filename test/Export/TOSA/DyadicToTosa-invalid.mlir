// RUN: dyadic-opt %s --dyadic-to-tosa -split-input-file -verify-diagnostics

// All at once.
func.func @several(%x: tensor<4xi8>, %w: tensor<4xi16>) -> (tensor<4xi8>, tensor<4xf32>) {
  // expected-error @+1 {{expected rounding half_up or double_round, but got nearest_even, which TOSA doesn't have: lower with --lower-qnn-to-dyadic=rounding=half_up}}
  %0 = dyadic.requantize %x {clamp_max = 127 : i32, clamp_min = -128 : i32, multiplier = array<i32: 1073741824>, output_zp = 0 : i32, shift = array<i32: 31>} : (tensor<4xi8>) -> tensor<4xi8>
  // expected-error @+1 {{expected a zero point of 0, as TOSA has it for 'i16', but got 5}}
  %1 = dyadic.requantize %w {clamp_max = 127 : i32, clamp_min = -128 : i32, input_zp = 5 : i32, multiplier = array<i32: 1073741824>, output_zp = 0 : i32, shift = array<i32: 31>, rounding = #dyadic.rounding<half_up>} : (tensor<4xi16>) -> tensor<4xi8>
  %2 = dyadic.dequantize %1 {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4xi8>) -> tensor<4xf32>
  // expected-error @+1 {{has no counterpart in TOSA}}
  %3 = qnn.erf %2 : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %3 : tensor<4xi8>, tensor<4xf32>
}

// -----

// 2^24 · 2^−1 doesn't scale what may be more than 2^7 with 31 bits.
func.func @bounds(%x: tensor<1x200xi8>, %y: tensor<1x200xi8>) -> tensor<1x200xi8> {
  %0 = dyadic.mul %x, %y {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<1x200xi8>, tensor<1x200xi8>) -> tensor<1x200xi32>
  // expected-error @+1 {{expected values below 2^6, as a tosa.rescale with a shift of 7 takes, but they may be up to 16384}}
  %1 = dyadic.requantize %0 {clamp_max = 127 : i32, clamp_min = -128 : i32, multiplier = array<i32: 16777216>, output_zp = 0 : i32, shift = array<i32: 1>, rounding = #dyadic.rounding<half_up>} : (tensor<1x200xi32>) -> tensor<1x200xi8>
  return %1 : tensor<1x200xi8>
}
