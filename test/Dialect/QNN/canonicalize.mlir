// RUN: dyadic-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @inverse_transposes
//       CHECK:   return %arg0
func.func @inverse_transposes(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x2x3x4xf32>) -> tensor<1x4x2x3xf32>
  %1 = qnn.transpose %0 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x4x2x3xf32>) -> tensor<1x2x3x4xf32>
  return %1 : tensor<1x2x3x4xf32>
}

// Moving extents of one moves no byte.
// CHECK-LABEL: func.func @unit_extents
//       CHECK:   qnn.reshape %arg0 : (tensor<1x1x1x4xf32>) -> tensor<1x4x1x1xf32>
func.func @unit_extents(%x: tensor<1x1x1x4xf32>) -> tensor<1x4x1x1xf32> {
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x1x1x4xf32>) -> tensor<1x4x1x1xf32>
  return %0 : tensor<1x4x1x1xf32>
}

// CHECK-LABEL: func.func @reshapes
//  CHECK-NEXT:   %[[R:.*]] = qnn.reshape %arg0 : (tensor<2x6xf32>) -> tensor<3x4xf32>
//  CHECK-NEXT:   return %[[R]]
func.func @reshapes(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %0 = qnn.reshape %x : (tensor<2x6xf32>) -> tensor<12xf32>
  %1 = qnn.reshape %0 : (tensor<12xf32>) -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}
