// RUN: dyadic-opt %s --dyadic-fuse-kernels | FileCheck %s
// RUN: dyadic-opt %s --dyadic-fuse-kernels=fuse=false | FileCheck %s --check-prefix=APART

// An anchor, what finishes it, a residual sum that was there before and a table
// are one kernel; the constants are inside. Unfused, sums stay in a kernel.
// CHECK-LABEL: func @anchor
// CHECK-NEXT: %[[K:.*]] = dyadic.kernel(%arg0, %arg1)
// CHECK: dyadic.constant
// CHECK: dyadic.constant
// CHECK: dyadic.matmul
// CHECK: dyadic.requantize
// CHECK: dyadic.add
// CHECK: dyadic.requantize
// CHECK: dyadic.clamp
// CHECK: dyadic.yield {{.*}} : tensor<2x2xui8>
// CHECK: return %[[K]]
// APART-LABEL: func @anchor
// APART: dyadic.kernel
// APART: dyadic.matmul
// APART-NEXT: dyadic.requantize
// APART-NEXT: dyadic.yield
// APART: dyadic.kernel
// APART: dyadic.add
// APART-NEXT: dyadic.requantize
// APART-NEXT: dyadic.yield
// APART: dyadic.kernel
// APART: dyadic.clamp
func.func @anchor(%x: tensor<2x2xui8>, %y: tensor<2x2xui8>) -> tensor<2x2xui8> {
  %w = dyadic.constant dense<1> : tensor<2x2xi8> : tensor<2x2xi8>
  %b = dyadic.constant dense<0> : tensor<2xi32> : tensor<2xi32>
  %0 = dyadic.matmul %x, %w, %b : (tensor<2x2xui8>, tensor<2x2xi8>, tensor<2xi32>) -> tensor<2x2xi32>
  %1 = dyadic.requantize %0 {multiplier = array<i32: 1>, shift = array<i32: 1>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<2x2xi32>) -> tensor<2x2xui8>
  %2 = dyadic.add %1, %y {lhs_zp = 0 : i32, rhs_zp = 0 : i32, lhs_multiplier = 1 : i32, rhs_multiplier = 1 : i32} : (tensor<2x2xui8>, tensor<2x2xui8>) -> tensor<2x2xi32>
  %3 = dyadic.requantize %2 {multiplier = array<i32: 1>, shift = array<i32: 1>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<2x2xi32>) -> tensor<2x2xui8>
  %4 = dyadic.clamp %3 {min = 1 : i32, max = 9 : i32} : (tensor<2x2xui8>) -> tensor<2x2xui8>
  return %4 : tensor<2x2xui8>
}

// Two ops read the clamp: it ends its kernel, and each goes its own way.
// CHECK-LABEL: func @two_readers
// CHECK: %[[A:.*]] = dyadic.kernel(%arg0)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: dyadic.clamp
// CHECK-NEXT: dyadic.yield
// CHECK: dyadic.kernel(%[[A]])
// CHECK: dyadic.kernel(%[[A]])
func.func @two_readers(%x: tensor<4xui8>) -> (tensor<4xui8>, tensor<4xf32>) {
  %0 = dyadic.clamp %x {min = 1 : i32, max = 9 : i32} : (tensor<4xui8>) -> tensor<4xui8>
  %1 = dyadic.clamp %0 {min = 2 : i32, max = 8 : i32} : (tensor<4xui8>) -> tensor<4xui8>
  %2 = dyadic.dequantize %0 {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4xui8>) -> tensor<4xf32>
  return %1, %2 : tensor<4xui8>, tensor<4xf32>
}

// Chains that meet are one kernel; what is broadcast comes from another.
// CHECK-LABEL: func @chains_meet
// CHECK: %[[S:.*]] = dyadic.kernel(%arg2)
// CHECK: qnn.sigmoid
// CHECK: dyadic.kernel(%arg0, %arg1, %[[S]])
// CHECK-NEXT: ^bb0
// CHECK-NEXT: dyadic.dequantize
// CHECK-NEXT: qnn.relu
// CHECK-NEXT: qnn.add
// CHECK-NEXT: qnn.mul
func.func @chains_meet(%x: tensor<4x4xui8>, %y: tensor<4x4xf32>, %z: tensor<4xf32>) -> tensor<4x4xf32> {
  %0 = dyadic.dequantize %x {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4x4xui8>) -> tensor<4x4xf32>
  %1 = qnn.relu %y : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = qnn.sigmoid %z : (tensor<4xf32>) -> tensor<4xf32>
  %3 = qnn.add %0, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = qnn.mul %3, %2 : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  return %4 : tensor<4x4xf32>
}

// A chain that meets an anchor's result is computed behind the anchor.
// CHECK-LABEL: func @chain_meets_anchor
// CHECK: dyadic.kernel(%arg1, %arg0)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: qnn.relu
// CHECK-NEXT: qnn.softmax
// CHECK-NEXT: qnn.add
// CHECK-NOT: dyadic.kernel
func.func @chain_meets_anchor(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = qnn.relu %y : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = qnn.softmax %x {axis = 1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = qnn.add %0, %1 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// The sum joins one of two anchors; the kernel stands behind the other.
// CHECK-LABEL: func @two_anchors
// CHECK: %[[A:.*]] = dyadic.kernel(%arg1)
// CHECK: qnn.softmax
// CHECK: dyadic.kernel(%arg0, %[[A]])
// CHECK: qnn.softmax
// CHECK-NEXT: qnn.add
func.func @two_anchors(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qnn.softmax %x {axis = 0} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = qnn.softmax %y {axis = 0} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = qnn.add %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// A sum with two readers is computed twice rather than stored.
// CHECK-LABEL: func @shared_sum
// CHECK-COUNT-2: dyadic.kernel(%arg0)
// APART-LABEL: func @shared_sum
// APART-COUNT-2: dyadic.mul
func.func @shared_sum(%x: tensor<4xui8>) -> (tensor<4xui8>, tensor<4xi8>) {
  %0 = dyadic.mul %x, %x {lhs_zp = 0 : i32, rhs_zp = 0 : i32} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xi32>
  %1 = dyadic.requantize %0 {multiplier = array<i32: 1>, shift = array<i32: 1>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<4xi32>) -> tensor<4xui8>
  %2 = dyadic.requantize %0 {multiplier = array<i32: 1>, shift = array<i32: 1>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 127 : i32} : (tensor<4xi32>) -> tensor<4xi8>
  return %1, %2 : tensor<4xui8>, tensor<4xi8>
}

// CHECK-LABEL: func @reshape_stays_outside
// CHECK: dyadic.kernel
// CHECK: dyadic.reshape
// CHECK: dyadic.kernel
func.func @reshape_stays_outside(%x: tensor<4xui8>) -> tensor<2x2xui8> {
  %0 = dyadic.clamp %x {min = 1 : i32, max = 9 : i32} : (tensor<4xui8>) -> tensor<4xui8>
  %1 = dyadic.reshape %0 : (tensor<4xui8>) -> tensor<2x2xui8>
  %2 = dyadic.clamp %1 {min = 2 : i32, max = 8 : i32} : (tensor<2x2xui8>) -> tensor<2x2xui8>
  return %2 : tensor<2x2xui8>
}

// Two ops that read the same and one of them the other are in its kernel, too.
// CHECK-LABEL: @diamond
//       CHECK:   %[[K:.*]] = dyadic.kernel
//       CHECK:     dyadic.requantize {{.*}} -> tensor<4xi16>
//       CHECK:     dyadic.clamp
//       CHECK:     dyadic.mul
//       CHECK:     dyadic.requantize {{.*}} -> tensor<4xui8>
//   CHECK-NOT:   dyadic.kernel
//       CHECK:   return %[[K]]
func.func @diamond(%x: tensor<4xui8>) -> tensor<4xui8> {
  %0 = dyadic.mul %x, %x {lhs_zp = 3 : i32, rhs_zp = 3 : i32} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xi32>
  %1 = dyadic.requantize %0 {multiplier = array<i32: 1>, shift = array<i32: 6>, output_zp = 0 : i32, clamp_min = -99 : i32, clamp_max = 999 : i32} : (tensor<4xi32>) -> tensor<4xi16>
  %2 = dyadic.clamp %1 {min = -99 : i32, max = 99 : i32} : (tensor<4xi16>) -> tensor<4xi16>
  %3 = dyadic.mul %1, %2 {lhs_zp = 0 : i32, rhs_zp = -99 : i32} : (tensor<4xi16>, tensor<4xi16>) -> tensor<4xi32>
  %4 = dyadic.requantize %3 {multiplier = array<i32: 1>, shift = array<i32: 10>, output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<4xi32>) -> tensor<4xui8>
  return %4 : tensor<4xui8>
}

// Floats that a sum reads and that are multiplied by constants and quantized, too, leave
// their kernel as both. It stands in front of the sum; nothing joins behind the bytes.
// CHECK-LABEL: func @floats_and_bytes
// CHECK: %[[K:.*]]:2 = dyadic.kernel(%arg0) : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xui8>)
// CHECK: %[[N:.*]] = qnn.softmax
// CHECK-NEXT: %[[M:.*]] = qnn.mul {{.*}}, %[[N]]
// CHECK-NEXT: %[[Q:.*]] = dyadic.quantize %[[M]]
// CHECK-NEXT: dyadic.yield %[[N]], %[[Q]]
// CHECK: %[[S:.*]] = dyadic.kernel(%[[K]]#0, %arg1)
// CHECK: qnn.add
// CHECK: %[[C:.*]] = dyadic.kernel(%[[K]]#1)
// CHECK: dyadic.clamp
// CHECK: return %[[S]], %[[C]], %[[K]]#1
// APART-LABEL: func @floats_and_bytes
// APART-NOT: :2 = dyadic.kernel
// APART: return
func.func @floats_and_bytes(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xui8>, tensor<4x8xui8>) {
  %n = qnn.softmax %x {axis = 1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = qnn.add %n, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = qnn.constant dense<2.0> : tensor<8xf32> : tensor<8xf32>
  %m = qnn.mul %c, %n : (tensor<8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = dyadic.quantize %m {inverse_scale = 50.0 : f32, zero_point = 3 : i32} : (tensor<4x8xf32>) -> tensor<4x8xui8>
  %l = dyadic.clamp %q {min = 1 : i32, max = 9 : i32} : (tensor<4x8xui8>) -> tensor<4x8xui8>
  return %s, %l, %q : tensor<4x8xf32>, tensor<4x8xui8>, tensor<4x8xui8>
}

// Two kinds of bytes, and nobody who reads the floats.
// CHECK-LABEL: func @bytes_twice
// CHECK: %[[K:.*]]:2 = dyadic.kernel(%arg0, %arg1) : {{.*}} -> (tensor<4xui8>, tensor<4xi8>)
// CHECK: qnn.add
// CHECK-NEXT: dyadic.quantize
// CHECK-NEXT: dyadic.quantize
// CHECK: return %[[K]]#1, %[[K]]#0
func.func @bytes_twice(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xi8>, tensor<4xui8>) {
  %s = qnn.add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %i = dyadic.quantize %s {inverse_scale = 50.0 : f32, zero_point = 3 : i32} : (tensor<4xf32>) -> tensor<4xi8>
  %u = dyadic.quantize %s {inverse_scale = 40.0 : f32, zero_point = 3 : i32} : (tensor<4xf32>) -> tensor<4xui8>
  return %i, %u : tensor<4xi8>, tensor<4xui8>
}

// Kernels of their own: bytes of floats that are moved only, bytes in which others have a
// say, and bytes that one pointwise op reads.
// CHECK-LABEL: func @bytes_apart
// CHECK-NOT: :2 = dyadic.kernel
// CHECK: return
func.func @bytes_apart(%x: tensor<4x8xf32>, %y: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xui8>, tensor<4x8xf32>, tensor<2x8xui8>, tensor<4x8xf32>) {
  %0 = qnn.slice %x {offsets = array<i64: 0, 0>, sizes = array<i64: 2, 8>, strides = array<i64: 1, 1>} : (tensor<4x8xf32>) -> tensor<2x8xf32>
  %1 = qnn.relu %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = dyadic.quantize %0 {inverse_scale = 50.0 : f32, zero_point = 3 : i32} : (tensor<2x8xf32>) -> tensor<2x8xui8>
  %3 = qnn.softmax %x {axis = 1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = qnn.relu %3 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = dyadic.quantize %3 {inverse_scale = 50.0 : f32, zero_point = 3 : i32} : (tensor<4x8xf32>) -> tensor<4x8xui8>
  %6 = dyadic.dequantize %5 {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4x8xui8>) -> tensor<4x8xf32>
  %7 = qnn.sigmoid %y : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %8 = qnn.mul %1, %7 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %9 = qnn.softmax %8 {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %10 = qnn.add %9, %y : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %11 = qnn.add %9, %1 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %12 = dyadic.quantize %11 {inverse_scale = 50.0 : f32, zero_point = 3 : i32} : (tensor<2x8xf32>) -> tensor<2x8xui8>
  return %10, %2, %4, %12, %6 : tensor<2x8xf32>, tensor<2x8xui8>, tensor<4x8xf32>, tensor<2x8xui8>, tensor<4x8xf32>
}
