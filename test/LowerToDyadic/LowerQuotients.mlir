// RUN: dyadic-opt %s --lower-qnn-to-dyadic=integer-functions -split-input-file -verify-diagnostics | FileCheck %s

// The ratio of scales is 0.5 / (0.25 · 0.125) = 16 = 2^44 · 2^−40. One division for each
// of the two divisors.
!x = !quant.uniform<i16:f32, 0.5>
!d = !quant.uniform<u8:f32, 0.25:7>
!y = !quant.uniform<i16:f32, 0.125>
// CHECK-LABEL: @quotient
//       CHECK:   qnn.compute(%arg0, %arg1) {name = "Quotient"} : (tensor<2x4xi16>, tensor<2x1xui8>) -> tensor<2x4xi16>
//       CHECK:     arith.constant 7 : i32
//       CHECK:     arith.constant 17592186044416 : i64
//       CHECK:     arith.divsi {{.*}} : i64
//       CHECK:   -> tensor<2x1xi64>
//       CHECK:     arith.constant 40 : i64
func.func @quotient(%x: tensor<2x4x!x>, %d: tensor<2x1x!d>) -> tensor<2x4x!y> {
  %0 = qnn.div %x, %d : (tensor<2x4x!x>, tensor<2x1x!d>) -> tensor<2x4x!y>
  return %0 : tensor<2x4x!y>
}

// -----

!x = !quant.uniform<i16:f32, 0.5>
// CHECK-LABEL: @reciprocal
//       CHECK:   qnn.compute(%arg0) {name = "Quotient"} : (tensor<4xi16>) -> tensor<4xi16>
//       CHECK:     arith.divsi
func.func @reciprocal(%x: tensor<4x!x>) -> tensor<4x!x> {
  %0 = qnn.reciprocal %x : (tensor<4x!x>) -> tensor<4x!x>
  return %0 : tensor<4x!x>
}

// -----

!x = !quant.uniform<i16:f32, 0.25>
// CHECK-LABEL: @root
//       CHECK:   qnn.compute(%arg0) {name = "Sqrt"} : (tensor<4xi16>) -> tensor<4xi16>
//       CHECK:     math.ctlz
//   CHECK-NOT:     f32
//       CHECK:   return
func.func @root(%x: tensor<4x!x>) -> tensor<4x!x> {
  %0 = qnn.sqrt %x : (tensor<4x!x>) -> tensor<4x!x>
  return %0 : tensor<4x!x>
}

// -----

// A mask beside scores: any step of it saturates. 2^17 = 2^23 · 2^−6.
!s = !quant.uniform<i16:f32, 0.5>
!m = !quant.uniform<i16:f32, 1.0e34>
// CHECK-LABEL: @masked
//   CHECK-NOT:   dyadic.add
//       CHECK:   qnn.compute(%arg0, %arg1) {name = "Add"}
//       CHECK:     arith.constant 8388608 : i64
//       CHECK:     arith.constant 8388608 : i64
func.func @masked(%s: tensor<4x!s>, %m: tensor<4x!m>) -> tensor<4x!s> {
  %0 = qnn.add %s, %m : (tensor<4x!s>, tensor<4x!m>) -> tensor<4x!s>
  return %0 : tensor<4x!s>
}

// -----

!x = !quant.uniform<i16:f32, 1.0>
!d = !quant.uniform<i16:f32, 1.0e-15>
func.func @tiny(%x: tensor<4x!x>, %d: tensor<4x!d>) -> tensor<4x!x> {
  // expected-error @+2 {{expected a quotient's scale of at least 2^-44 times that of its operands}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.div %x, %d : (tensor<4x!x>, tensor<4x!d>) -> tensor<4x!x>
  return %0 : tensor<4x!x>
}
