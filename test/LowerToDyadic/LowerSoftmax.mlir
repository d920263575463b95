// RUN: dyadic-opt %s --lower-qnn-to-dyadic=integer-functions -split-input-file -verify-diagnostics | FileCheck %s

// Distances beyond 31 / (0.01 · log2(e)) = 2149 give nothing. 484088 = 0.01 · log2(e) · 2^25:
// t is Q15 after 10 bits. The result's step, 1/256, is the numerator's: 2^60 = 2^52 · 256.
!x = !quant.uniform<i16:f32, 0.01>
!y = !quant.uniform<u8:f32, 0.00390625>
// CHECK-LABEL: @softmax
//   CHECK-NOT:   f32
//       CHECK:   qnn.compute(%arg0) {name = "Softmax"} : (tensor<2x8xi16>) -> tensor<2x8xui8>
//       CHECK:     arith.maxsi
//   CHECK-DAG:     arith.constant 2149 : i32
//   CHECK-DAG:     arith.constant 484088 : i32
//       CHECK:     arith.shrsi
//       CHECK:     tensor<2x1xi64>
//       CHECK:     arith.constant 1152921504606846976 : i64
//       CHECK:     arith.divui
//       CHECK:     arith.constant 52 : i64
//   CHECK-NOT:   f32
//       CHECK:   return
func.func @softmax(%x: tensor<2x8x!x>) -> tensor<2x8x!y> {
  %0 = qnn.softmax %x {axis = 1} : (tensor<2x8x!x>) -> tensor<2x8x!y>
  return %0 : tensor<2x8x!y>
}

// -----

// Along another dimension, of unsigned bytes.
!x = !quant.uniform<u8:f32, 0.1:3>
!y = !quant.uniform<i16:f32, 3.0517578125E-5>
// CHECK-LABEL: @axis
//       CHECK:   qnn.compute(%arg0) {name = "Softmax"} : (tensor<2x3x4xui8>) -> tensor<2x3x4xi16>
//       CHECK:     arith.extui
//       CHECK:     tensor<2x1x4xi64>
func.func @axis(%x: tensor<2x3x4x!x>) -> tensor<2x3x4x!y> {
  %0 = qnn.softmax %x {axis = 1} : (tensor<2x3x4x!x>) -> tensor<2x3x4x!y>
  return %0 : tensor<2x3x4x!y>
}

// -----

!x = !quant.uniform<i16:f32, 1.0e-9>
func.func @scale(%x: tensor<2x8x!x>) -> tensor<2x8x!x> {
  // expected-error @+2 {{expected scales of 2^-20 to 2^12, but got '!quant.uniform<i16:f32}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.softmax %x {axis = 1} : (tensor<2x8x!x>) -> tensor<2x8x!x>
  return %0 : tensor<2x8x!x>
}

// -----

!x = !quant.uniform<i16:f32, 0.25>
!y = !quant.uniform<u8:f32, 3.0>
func.func @coarse_result(%x: tensor<2x4x!x>) -> tensor<2x4x!y> {
  // expected-error @+2 {{expected a scale of at most 2 for a softmax's result, but got '!quant.uniform<u8:f32, 3.0}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.softmax %x {axis = 1 : i64} : (tensor<2x4x!x>) -> tensor<2x4x!y>
  return %0 : tensor<2x4x!y>
}
