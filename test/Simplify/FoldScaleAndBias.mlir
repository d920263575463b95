// RUN: dyadic-opt %s --qnn-fold-scale-and-bias --canonicalize | FileCheck %s

// (w·x + 1)·[2, 3] + [10, 20]
// CHECK-LABEL: func.func @behind
//   CHECK-DAG:   %[[W:.*]] = qnn.constant dense<{{\[\[\[\[}}2.000000e+00]]], {{\[\[\[}}6.000000e+00]]]]>
//   CHECK-DAG:   %[[B:.*]] = qnn.constant dense<[1.200000e+01, 2.300000e+01]>
//       CHECK:   %[[Y:.*]] = qnn.conv2d %arg0, %[[W]], %[[B]] {pads = array<i64: 1, 1, 1, 1>}
//  CHECK-NEXT:   return %[[Y]]
func.func @behind(%x: tensor<1x2x2x1xf32>) -> tensor<1x4x4x2xf32> {
  %w = qnn.constant dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32> : tensor<2x1x1x1xf32>
  %b = qnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %s = qnn.constant dense<[[[[2.0, 3.0]]]]> : tensor<1x1x1x2xf32> : tensor<1x1x1x2xf32>
  %a = qnn.constant dense<[10.0, 20.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.conv2d %x, %w, %b {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x2x2x1xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x4x4x2xf32>
  %1 = qnn.mul %0, %s : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x4x4x2xf32>
  %2 = qnn.add %1, %a : (tensor<1x4x4x2xf32>, tensor<2xf32>) -> tensor<1x4x4x2xf32>
  return %2 : tensor<1x4x4x2xf32>
}

// x·[2, 3] + [10, 20] into [[1, 2], [3, 4]]: the bias is [70, 100].
// CHECK-LABEL: func.func @in_front_of_matmul
//   CHECK-DAG:   %[[W:.*]] = qnn.constant dense<{{\[\[}}2.000000e+00, 4.000000e+00], [9.000000e+00, 1.200000e+01]]>
//   CHECK-DAG:   %[[B:.*]] = qnn.constant dense<[7.000000e+01, 1.000000e+02]>
//       CHECK:   qnn.matmul %arg0, %[[W]], %[[B]]
func.func @in_front_of_matmul(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = qnn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %s = qnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %a = qnn.constant dense<[10.0, 20.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.mul %x, %s : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %1 = qnn.add %0, %a : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %2 = qnn.matmul %1, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// Grouped: each output channel sees its own input channel.
// CHECK-LABEL: func.func @in_front_of_depthwise
//       CHECK:   qnn.constant dense<{{\[\[\[\[}}2.000000e+00]]], {{\[\[\[}}3.000000e+00]]]]>
//       CHECK:   qnn.conv2d %arg0
func.func @in_front_of_depthwise(%x: tensor<1x2x2x2xf32>) -> tensor<1x4x4x2xf32> {
  %w = qnn.constant dense<1.0> : tensor<2x1x1x1xf32> : tensor<2x1x1x1xf32>
  %s = qnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.mul %x, %s : (tensor<1x2x2x2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %1 = qnn.conv2d %0, %w {groups = 2 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x4x4x2xf32>
  return %1 : tensor<1x4x4x2xf32>
}

// The zeros around the image would miss the addend: only the factor goes.
// CHECK-LABEL: func.func @padded
//   CHECK-DAG:   %[[A:.*]] = qnn.constant dense<2.500000e+00>
//   CHECK-DAG:   %[[W:.*]] = qnn.constant dense<4.000000e+00> : tensor<1x1x1x1xf32>
//       CHECK:   %[[X:.*]] = qnn.add %arg0, %[[A]]
//       CHECK:   qnn.conv2d %[[X]], %[[W]]
func.func @padded(%x: tensor<1x2x2x1xf32>) -> tensor<1x4x4x1xf32> {
  %w = qnn.constant dense<1.0> : tensor<1x1x1x1xf32> : tensor<1x1x1x1xf32>
  %s = qnn.constant dense<4.0> : tensor<f32> : tensor<f32>
  %a = qnn.constant dense<10.0> : tensor<f32> : tensor<f32>
  %0 = qnn.mul %x, %s : (tensor<1x2x2x1xf32>, tensor<f32>) -> tensor<1x2x2x1xf32>
  %1 = qnn.add %0, %a : (tensor<1x2x2x1xf32>, tensor<f32>) -> tensor<1x2x2x1xf32>
  %2 = qnn.conv2d %1, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x2x2x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x1xf32>
  return %2 : tensor<1x4x4x1xf32>
}

// Two by two pixels of one channel each are four channels before they move.
// CHECK-LABEL: func.func @depth_to_space
//   CHECK-DAG:   %[[W:.*]] = qnn.constant dense<{{.*}}2.000000e+00{{.*}}4.000000e+00{{.*}}6.000000e+00{{.*}}8.000000e+00{{.*}}> : tensor<4x1x1x1xf32>
//   CHECK-DAG:   %[[B:.*]] = qnn.constant dense<{{\[?}}5.000000e-01
//       CHECK:   %[[C:.*]] = qnn.conv2d %arg0, %[[W]], %[[B]]
//  CHECK-NEXT:   %[[R:.*]] = qnn.relu %[[C]]
//  CHECK-NEXT:   qnn.reshape %[[R]]
//  CHECK-NEXT:   qnn.transpose
//  CHECK-NEXT:   %[[D:.*]] = qnn.reshape
//  CHECK-NEXT:   return %[[D]]
func.func @depth_to_space(%x: tensor<1x3x3x1xf32>) -> tensor<1x6x6x1xf32> {
  %w = qnn.constant dense<[[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[4.0]]]]> : tensor<4x1x1x1xf32> : tensor<4x1x1x1xf32>
  %s = qnn.constant dense<2.0> : tensor<1xf32> : tensor<1xf32>
  %a = qnn.constant dense<0.5> : tensor<1xf32> : tensor<1xf32>
  %0 = qnn.conv2d %x, %w : (tensor<1x3x3x1xf32>, tensor<4x1x1x1xf32>) -> tensor<1x3x3x4xf32>
  %1 = qnn.reshape %0 : (tensor<1x3x3x4xf32>) -> tensor<1x3x3x2x2x1xf32>
  %2 = qnn.transpose %1 {permutation = array<i64: 0, 1, 3, 2, 4, 5>} : (tensor<1x3x3x2x2x1xf32>) -> tensor<1x3x2x3x2x1xf32>
  %3 = qnn.reshape %2 : (tensor<1x3x2x3x2x1xf32>) -> tensor<1x6x6x1xf32>
  %4 = qnn.mul %3, %s : (tensor<1x6x6x1xf32>, tensor<1xf32>) -> tensor<1x6x6x1xf32>
  %5 = qnn.add %4, %a : (tensor<1x6x6x1xf32>, tensor<1xf32>) -> tensor<1x6x6x1xf32>
  %6 = qnn.relu %5 : (tensor<1x6x6x1xf32>) -> tensor<1x6x6x1xf32>
  return %6 : tensor<1x6x6x1xf32>
}

// A transpose that makes pixels of channels keeps what stands behind it.
// CHECK-LABEL: func.func @channels_move
//       CHECK:   qnn.conv2d
//       CHECK:   qnn.transpose
//       CHECK:   qnn.mul
func.func @channels_move(%x: tensor<1x3x3x1xf32>) -> tensor<1x4x3x3xf32> {
  %w = qnn.constant dense<[[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[4.0]]]]> : tensor<4x1x1x1xf32> : tensor<4x1x1x1xf32>
  %s = qnn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> : tensor<3xf32>
  %0 = qnn.conv2d %x, %w : (tensor<1x3x3x1xf32>, tensor<4x1x1x1xf32>) -> tensor<1x3x3x4xf32>
  %1 = qnn.transpose %0 {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x3x3x4xf32>) -> tensor<1x4x3x3xf32>
  %2 = qnn.mul %1, %s : (tensor<1x4x3x3xf32>, tensor<3xf32>) -> tensor<1x4x3x3xf32>
  return %2 : tensor<1x4x3x3xf32>
}

// CHECK-LABEL: func.func @layer_norm
//   CHECK-DAG:   %[[S:.*]] = qnn.constant dense<[2.000000e+00, 3.000000e+00]>
//   CHECK-DAG:   %[[B:.*]] = qnn.constant dense<[1.000000e+00, 4.000000e+00]>
//       CHECK:   qnn.layer_norm %arg0, %[[S]], %[[B]]
func.func @layer_norm(%x: tensor<5x2xf32>) -> tensor<5x2xf32> {
  %one = qnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %zero = qnn.constant dense<0.0> : tensor<2xf32> : tensor<2xf32>
  %s = qnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %b = qnn.constant dense<[1.0, 4.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.layer_norm %x, %one, %zero {epsilon = 1.0e-5 : f32} : (tensor<5x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<5x2xf32>
  %1 = qnn.mul %0, %s : (tensor<5x2xf32>, tensor<2xf32>) -> tensor<5x2xf32>
  %2 = qnn.add %1, %b : (tensor<5x2xf32>, tensor<2xf32>) -> tensor<5x2xf32>
  return %2 : tensor<5x2xf32>
}

// Another reader wants the unscaled tensor; a constant per row is not per channel.
// CHECK-LABEL: func.func @kept
//       CHECK:   qnn.matmul
//       CHECK:   qnn.mul
//       CHECK:   qnn.matmul
//       CHECK:   qnn.add
func.func @kept(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %w = qnn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %s = qnn.constant dense<[2.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %rows = qnn.constant dense<[[2.0], [3.0], [4.0]]> : tensor<3x1xf32> : tensor<3x1xf32>
  %0 = qnn.matmul %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = qnn.mul %0, %s : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %2 = qnn.matmul %1, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %3 = qnn.add %2, %rows : (tensor<3x2xf32>, tensor<3x1xf32>) -> tensor<3x2xf32>
  return %0, %1, %3 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}
