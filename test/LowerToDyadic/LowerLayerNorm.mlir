// RUN: dyadic-opt %s --lower-qnn-to-dyadic=integer-functions -split-input-file -verify-diagnostics | FileCheck %s

// With n = 4 a weight of 1 is sqrt(4) / 0.5 = 4 steps, in [2^29, 2^30) with 27 bits: 2^29.
// A bias of 1 is 2 steps of 2^56, and half a step more rounds. n · ε in steps of
// (2^−6 · 0.25)²: 4 · 0.0625 · 16 · 4096 = 16384.
!x = !quant.uniform<i16:f32, 0.25>
!y = !quant.uniform<u8:f32, 0.5:128>
// CHECK-LABEL: @layer_norm
//   CHECK-DAG:   %[[FACTORS:.*]] = qnn.constant dense<[536870912, -536870912, 268435456, 0]> : tensor<4xi32>
//   CHECK-DAG:   %[[OFFSETS:.*]] = qnn.constant dense<[180143985094819840, 36028797018963968, 36028797018963968, -108086391056891904]> : tensor<4xi64>
//       CHECK:   qnn.compute(%arg0, %[[FACTORS]], %[[OFFSETS]]) {name = "LayerNorm"} : (tensor<2x4xi16>, tensor<4xi32>, tensor<4xi64>) -> tensor<2x4xui8>
//   CHECK-NOT:     f32
//       CHECK:     arith.divui
//       CHECK:     arith.constant 16384 : i64
//       CHECK:     math.ctlz
//       CHECK:   return
func.func @layer_norm(%x: tensor<2x4x!x>) -> tensor<2x4x!y> {
  %w = qnn.constant dense<[1.0, -1.0, 0.5, 0.0]> : tensor<4xf32> : tensor<4xf32>
  %b = qnn.constant dense<[1.0, 0.0, 0.0, -1.0]> : tensor<4xf32> : tensor<4xf32>
  %0 = qnn.layer_norm %x, %w, %b {epsilon = 0.0625 : f32} : (tensor<2x4x!x>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x!y>
  return %0 : tensor<2x4x!y>
}

// Without a mean the zero point is what the input is taken from.
!bytes = !quant.uniform<u8:f32, 0.25:7>
// CHECK-LABEL: @rms_norm
//       CHECK:   qnn.compute({{.*}}) {name = "RMSNorm"} : (tensor<2x4xui8>, tensor<4xi32>, tensor<4xi64>) -> tensor<2x4xui8>
//   CHECK-NOT:     f32
//   CHECK-NOT:     arith.divui
//       CHECK:     arith.constant 7 : i32
//       CHECK:     arith.subi
//       CHECK:     math.ctlz
//       CHECK:   return
func.func @rms_norm(%x: tensor<2x4x!bytes>) -> tensor<2x4x!y> {
  %w = qnn.constant dense<1.0> : tensor<4xf32> : tensor<4xf32>
  %0 = qnn.layer_norm %x, %w, %w {centered = false, epsilon = 0.0625 : f32} : (tensor<2x4x!bytes>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x!y>
  return %0 : tensor<2x4x!y>
}

// -----

!x = !quant.uniform<i16:f32, 0.25>
func.func @computed_weights(%x: tensor<2x4x!x>, %w: tensor<4xf32>) -> tensor<2x4x!x> {
  // expected-error @+2 {{expected a constant scale and bias}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.layer_norm %x, %w, %w {epsilon = 0.0625 : f32} : (tensor<2x4x!x>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x!x>
  return %0 : tensor<2x4x!x>
}

// -----

!x = !quant.uniform<i16:f32, 0.25>
!y = !quant.uniform<i16:f32, 1.0e-9>
func.func @scales(%x: tensor<2x4x!x>) -> tensor<2x4x!y> {
  %w = qnn.constant dense<1.0> : tensor<4xf32> : tensor<4xf32>
  // expected-error @+2 {{a scale and bias of at most 2^28 times the result's scale}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.layer_norm %x, %w, %w {epsilon = 0.0625 : f32} : (tensor<2x4x!x>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x!y>
  return %0 : tensor<2x4x!y>
}
