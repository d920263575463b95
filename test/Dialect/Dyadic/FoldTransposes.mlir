// RUN: dyadic-opt %s --canonicalize | FileCheck %s

// Heads are read from rows of all heads, and the context is written so.
// CHECK-LABEL: @attention
// CHECK-NOT: dyadic.transpose
// CHECK: dyadic.batch_matmul %arg0, %arg1 {lhs_permutation = array<i64: 0, 2, 1, 3>, lhs_zp = 3 : i32, rhs_permutation = array<i64: 0, 2, 1, 3>, rhs_zp = 128 : i32, transpose_rhs = true}
// CHECK-SAME: -> tensor<1x2x5x5xi32>
// CHECK: dyadic.batch_matmul %{{.*}}, %arg2 {lhs_zp = 0 : i32, output_permutation = array<i64: 0, 2, 1, 3>, rhs_permutation = array<i64: 0, 2, 1, 3>, rhs_zp = 128 : i32}
// CHECK-SAME: -> tensor<1x5x2x4xi32>
// CHECK-NOT: dyadic.transpose
func.func @attention(%q: tensor<1x5x2x4xui8>, %k: tensor<1x5x2x4xui8>, %v: tensor<1x5x2x4xui8>) -> tensor<1x5x2x4xui8> {
  %qt = dyadic.transpose %q {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x5x2x4xui8>) -> tensor<1x2x5x4xui8>
  %kt = dyadic.transpose %k {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x5x2x4xui8>) -> tensor<1x2x4x5xui8>
  %vt = dyadic.transpose %v {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x5x2x4xui8>) -> tensor<1x2x5x4xui8>
  %s = dyadic.batch_matmul %qt, %kt {lhs_zp = 3 : i32, rhs_zp = 128 : i32} : (tensor<1x2x5x4xui8>, tensor<1x2x4x5xui8>) -> tensor<1x2x5x5xi32>
  %p = dyadic.requantize %s {multiplier = array<i32: 8388608>, shift = array<i32: 30>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x2x5x5xi32>) -> tensor<1x2x5x5xui8>
  %c = dyadic.batch_matmul %p, %vt {lhs_zp = 0 : i32, rhs_zp = 128 : i32} : (tensor<1x2x5x5xui8>, tensor<1x2x5x4xui8>) -> tensor<1x2x5x4xi32>
  %d = dyadic.requantize %c {multiplier = array<i32: 8388608>, shift = array<i32: 30>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x2x5x4xi32>) -> tensor<1x2x5x4xui8>
  %e = dyadic.transpose %d {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x2x5x4xui8>) -> tensor<1x5x2x4xui8>
  return %e : tensor<1x5x2x4xui8>
}

// The left operand's sums run over its last dimension in memory only.
// CHECK-LABEL: @transposed_lhs
// CHECK: dyadic.transpose
func.func @transposed_lhs(%l: tensor<4x5xui8>, %r: tensor<4x6xui8>) -> tensor<5x6xi32> {
  %t = dyadic.transpose %l {permutation = array<i64: 1, 0>} : (tensor<4x5xui8>) -> tensor<5x4xui8>
  %0 = dyadic.batch_matmul %t, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<5x4xui8>, tensor<4x6xui8>) -> tensor<5x6xi32>
  return %0 : tensor<5x6xi32>
}

// CHECK-LABEL: @swapped_back
// CHECK-NOT: transpose
// CHECK: dyadic.batch_matmul %arg0, %arg1 {lhs_zp = 0 : i32, rhs_zp = 0 : i32}
func.func @swapped_back(%l: tensor<5x4xui8>, %r: tensor<4x6xui8>) -> tensor<5x6xi32> {
  %t = dyadic.transpose %r {permutation = array<i64: 1, 0>} : (tensor<4x6xui8>) -> tensor<6x4xui8>
  %0 = dyadic.batch_matmul %l, %t {lhs_zp = 0 : i32, rhs_zp = 0 : i32, transpose_rhs = true} : (tensor<5x4xui8>, tensor<6x4xui8>) -> tensor<5x6xi32>
  return %0 : tensor<5x6xi32>
}
