// RUN: dyadic-opt %s --qnn-propagate-layout --canonicalize --split-input-file | FileCheck %s

// Weights that come quantized are moved here and now; their scales follow.

// CHECK-LABEL: @transposed
// CHECK: %[[C:.*]] = qnn.constant dense<{{\[\[}}1, 4], [2, 5], [3, 6]]> : tensor<3x2xi8> : tensor<3x2x!quant.uniform<i8:f32:1, {5.000000e-01,2.500000e-01}>>
// CHECK: qnn.dequantize %[[C]]
// CHECK-NOT: qnn.transpose
func.func @transposed(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %q = qnn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8> : tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %w = qnn.dequantize %q : (tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x3xf32>
  %t = qnn.transpose %w {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %y = qnn.matmul %x, %t : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// A transpose of activations passes the borders to where it cancels.

// CHECK-LABEL: @activations
// CHECK-NOT: qnn.transpose
// CHECK: return
func.func @activations(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x2x3x4xf32>) -> tensor<1x4x2x3xf32>
  %1 = qnn.quantize %0 : (tensor<1x4x2x3xf32>) -> tensor<1x4x2x3x!quant.uniform<u8:f32, 0.5:128>>
  %2 = qnn.storage_cast %1 : (tensor<1x4x2x3x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x2x3xui8>
  %3 = qnn.storage_cast %2 : (tensor<1x4x2x3xui8>) -> tensor<1x4x2x3x!quant.uniform<u8:f32, 0.25:128>>
  %4 = qnn.dequantize %3 : (tensor<1x4x2x3x!quant.uniform<u8:f32, 0.25:128>>) -> tensor<1x4x2x3xf32>
  %5 = qnn.transpose %4 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x4x2x3xf32>) -> tensor<1x2x3x4xf32>
  return %5 : tensor<1x2x3x4xf32>
}

// -----

// What is merged has no dimension for its scales: it stays.

// CHECK-LABEL: @merged
// CHECK: qnn.reshape
func.func @merged(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %q = qnn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8> : tensor<2x3x!quant.uniform<i8:f32:1, {0.5, 0.25, 1.0}>>
  %w = qnn.dequantize %q : (tensor<2x3x!quant.uniform<i8:f32:1, {0.5, 0.25, 1.0}>>) -> tensor<2x3xf32>
  %r = qnn.reshape %w : (tensor<2x3xf32>) -> tensor<6xf32>
  %t = qnn.transpose %x {permutation = array<i64: 0, 1>} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %y = qnn.add %t, %r : (tensor<4x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}
