// RUN: dyadic-opt %s --lower-qnn-to-dyadic=integer-functions -split-input-file | FileCheck %s

// |x|, in quarters of the operand's steps: entries are 256 times as much, 64 steps apart.
// The first is 2^15 · 2^8 / 4, the next 2^12 less.
!x = !quant.uniform<i16:f32, 0.25>
!y = !quant.uniform<i16:f32, 1.0>
// CHECK-LABEL: @interpolated
//       CHECK:   %[[TABLE:.*]] = qnn.constant dense_resource<constant> : tensor<1025xi32>
//       CHECK:   qnn.compute(%arg0, %[[TABLE]]) {name = "abs"} : (tensor<4xi16>, tensor<1025xi32>) -> tensor<4xi16>
//   CHECK-NOT:     f32
// CHECK-COUNT-2:   tensor.extract
//       CHECK:   return
func.func @interpolated(%x: tensor<4x!x>) -> tensor<4x!y> {
  %0 = qnn.abs %x : (tensor<4x!x>) -> tensor<4x!y>
  return %0 : tensor<4x!y>
}
// CHECK: constant: "0x{{........}}0000200000F01F0000E01F00

// -----

// Of bytes all results are known.
!x = !quant.uniform<u8:f32, 0.25>
!y = !quant.uniform<i16:f32, 0.001>
// CHECK-LABEL: @whole
//       CHECK:   qnn.constant {{.*}} : tensor<256xi32>
//       CHECK:   qnn.compute{{.*}} {name = "gelu"} : (tensor<4xui8>, tensor<256xi32>) -> tensor<4xi16>
// CHECK-COUNT-1: tensor.extract
//   CHECK-NOT:   tensor.extract
func.func @whole(%x: tensor<4x!x>) -> tensor<4x!y> {
  %0 = qnn.gelu %x : (tensor<4x!x>) -> tensor<4x!y>
  return %0 : tensor<4x!y>
}

// -----

// Bytes to bytes, cuts and sums of one type stay what they are.
!x = !quant.uniform<u8:f32, 0.25>
!y = !quant.uniform<i16:f32, 0.001>
// CHECK-LABEL: @others
//   CHECK-NOT:   qnn.compute
//       CHECK:   dyadic.lookup
//       CHECK:   dyadic.clamp
//       CHECK:   dyadic.add
func.func @others(%x: tensor<4x!x>, %y: tensor<4x!y>) -> (tensor<4x!x>, tensor<4x!y>) {
  %0 = qnn.gelu %x : (tensor<4x!x>) -> tensor<4x!x>
  %1 = qnn.relu %y : (tensor<4x!y>) -> tensor<4x!y>
  %c = qnn.constant dense<500> : tensor<i16> : tensor<!y>
  %2 = qnn.add %1, %c : (tensor<4x!y>, tensor<!y>) -> tensor<4x!y>
  return %0, %2 : tensor<4x!x>, tensor<4x!y>
}
