// RUN: dyadic-opt %s --qnn-propagate-layout --canonicalize | FileCheck %s

// The transposes of two image ops meet behind everything between them.
// CHECK-LABEL: func.func @cancel
//  CHECK-SAME:   %[[X:[a-z0-9]+]]: tensor<1x4x6x8xf32>, %[[Y:[a-z0-9]+]]: tensor<1x4x6x8xf32>
//   CHECK-NOT:   qnn.transpose
//       CHECK:   %[[C:.*]] = qnn.constant dense<{{\[\[\[\[}}1.000000e+00, 2.000000e+00{{.*}}tensor<1x1x1x8xf32>
//       CHECK:   %[[R:.*]] = qnn.relu %[[X]]
//       CHECK:   %[[M:.*]] = qnn.mul %[[R]], %[[C]]
//       CHECK:   qnn.concat %[[M]], %[[Y]] {axis = 3 : i64}
//       CHECK:   qnn.pad {{.*}} {high = array<i64: 0, 0, 1, 0>, low = array<i64: 0, 0, 0, 0>
//       CHECK:   qnn.reduce_mean {{.*}} {axes = array<i64: 1, 2>}
//       CHECK:   qnn.softmax {{.*}} {axis = 3 : i64}
//   CHECK-NOT:   qnn.transpose
//       CHECK:   return {{.*}} : tensor<1x1x1x16xf32>
func.func @cancel(%x: tensor<1x4x6x8xf32>, %y: tensor<1x4x6x8xf32>) -> tensor<1x1x1x16xf32> {
  %c = qnn.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]], [[5.0]], [[6.0]], [[7.0]], [[8.0]]]> : tensor<8x1x1xf32> : tensor<8x1x1xf32>
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = qnn.transpose %y {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %2 = qnn.relu %0 : (tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  %3 = qnn.mul %2, %c : (tensor<1x8x4x6xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x6xf32>
  %4 = qnn.concat %3, %1 {axis = 1 : i64} : (tensor<1x8x4x6xf32>, tensor<1x8x4x6xf32>) -> tensor<1x16x4x6xf32>
  %5 = qnn.pad %4 {low = array<i64: 0, 0, 0, 0>, high = array<i64: 0, 0, 0, 1>, value = 0.0 : f32} : (tensor<1x16x4x6xf32>) -> tensor<1x16x4x7xf32>
  %6 = qnn.reduce_mean %5 {axes = array<i64: 2, 3>} : (tensor<1x16x4x7xf32>) -> tensor<1x16x1x1xf32>
  %7 = qnn.softmax %6 {axis = 1 : i64} : (tensor<1x16x1x1xf32>) -> tensor<1x16x1x1xf32>
  %8 = qnn.transpose %7 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x16x1x1xf32>) -> tensor<1x1x1x16xf32>
  return %8 : tensor<1x1x1x16xf32>
}

// A gate per channel arrives as a reshape: it only moves extents of one.
// CHECK-LABEL: func.func @gate
//   CHECK-NOT:   qnn.transpose
//       CHECK:   qnn.mul %arg0, %arg1 : (tensor<1x4x6x8xf32>, tensor<1x1x1x8xf32>)
func.func @gate(%x: tensor<1x4x6x8xf32>, %g: tensor<1x1x1x8xf32>) -> tensor<1x4x6x8xf32> {
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = qnn.reshape %g : (tensor<1x1x1x8xf32>) -> tensor<1x8x1x1xf32>
  %2 = qnn.mul %0, %1 : (tensor<1x8x4x6xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x4x6xf32>
  %3 = qnn.transpose %2 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x4x6xf32>) -> tensor<1x4x6x8xf32>
  return %3 : tensor<1x4x6x8xf32>
}

// Pixels in a row, channels last: N×C×(H·W) and its transpose are one reshape.
// CHECK-LABEL: func.func @tokens
//  CHECK-NEXT:   %[[T:.*]] = qnn.reshape %arg0 : (tensor<2x4x6x8xf32>) -> tensor<2x24x8xf32>
//  CHECK-NEXT:   return %[[T]]
func.func @tokens(%x: tensor<2x4x6x8xf32>) -> tensor<2x24x8xf32> {
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<2x4x6x8xf32>) -> tensor<2x8x4x6xf32>
  %1 = qnn.reshape %0 : (tensor<2x8x4x6xf32>) -> tensor<2x8x24xf32>
  %2 = qnn.transpose %1 {permutation = array<i64: 0, 2, 1>} : (tensor<2x8x24xf32>) -> tensor<2x24x8xf32>
  return %2 : tensor<2x24x8xf32>
}

// Flattened pixels in front of a matmul: rows c·2 + h become rows h·2 + c.
// CHECK-LABEL: func.func @classifier
//   CHECK-DAG:   %[[W:.*]] = qnn.constant dense<{{\[\[}}1.000000e+00], [3.000000e+00], [2.000000e+00], [4.000000e+00]]>
//   CHECK-DAG:   %[[X:.*]] = qnn.reshape %arg0
//       CHECK:   qnn.matmul %[[X]], %[[W]]
func.func @classifier(%x: tensor<3x2x1x2xf32>) -> tensor<3x1xf32> {
  %w = qnn.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32> : tensor<4x1xf32>
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<3x2x1x2xf32>) -> tensor<3x2x2x1xf32>
  %1 = qnn.reshape %0 : (tensor<3x2x2x1xf32>) -> tensor<3x4xf32>
  %2 = qnn.matmul %1, %w : (tensor<3x4xf32>, tensor<4x1xf32>) -> tensor<3x1xf32>
  return %2 : tensor<3x1xf32>
}

// The slices of attention's one transpose are views and stay behind it.
// CHECK-LABEL: func.func @attention
//       CHECK:   qnn.transpose
//  CHECK-NEXT:   qnn.slice
//  CHECK-NEXT:   qnn.slice
func.func @attention(%x: tensor<5x2x3x4xf32>) -> (tensor<1x3x5x4xf32>, tensor<1x3x5x4xf32>) {
  %0 = qnn.transpose %x {permutation = array<i64: 1, 2, 0, 3>} : (tensor<5x2x3x4xf32>) -> tensor<2x3x5x4xf32>
  %1 = qnn.slice %0 {offsets = array<i64: 0, 0, 0, 0>, sizes = array<i64: 1, 3, 5, 4>, strides = array<i64: 1, 1, 1, 1>} : (tensor<2x3x5x4xf32>) -> tensor<1x3x5x4xf32>
  %2 = qnn.slice %0 {offsets = array<i64: 1, 0, 0, 0>, sizes = array<i64: 1, 3, 5, 4>, strides = array<i64: 1, 1, 1, 1>} : (tensor<2x3x5x4xf32>) -> tensor<1x3x5x4xf32>
  return %1, %2 : tensor<1x3x5x4xf32>, tensor<1x3x5x4xf32>
}
