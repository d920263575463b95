// RUN: dyadic-opt %s --dyadic-plan-memory -split-input-file | FileCheck %s
// RUN: dyadic-opt %s --dyadic-plan-memory=keep-all -split-input-file | FileCheck %s --check-prefix=KEEP

// The third result takes the first one's place; a reshape lives with its
// operand; what is returned has no place.
// CHECK: dyadic.arena_bytes = 320
// CHECK: dyadic.kernel(%arg0) {arena_offsets = array<i64: 0>}
// CHECK: dyadic.kernel(%{{.*}}) {arena_offsets = array<i64: 128>}
// CHECK: dyadic.kernel(%{{.*}}) {arena_offsets = array<i64: 0>}
// CHECK: dyadic.kernel(%{{.*}}) {arena_offsets = array<i64: -1>}
// KEEP: dyadic.arena_bytes = 448
// KEEP: arena_offsets = array<i64: 0>
// KEEP: arena_offsets = array<i64: 128>
// KEEP: arena_offsets = array<i64: 256>
// KEEP: arena_offsets = array<i64: -1>
func.func @chain(%x: tensor<100xf32>) -> tensor<10x10xf32> {
  %0 = dyadic.kernel(%x) : (tensor<100xf32>) -> tensor<100xui8> {
  ^bb0(%a: tensor<100xf32>):
    %r = dyadic.quantize %a {inverse_scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<100xf32>) -> tensor<100xui8>
    dyadic.yield %r : tensor<100xui8>
  }
  %1 = dyadic.kernel(%0) : (tensor<100xui8>) -> tensor<100xui8> {
  ^bb0(%a: tensor<100xui8>):
    %r = dyadic.clamp %a {min = 1 : i32, max = 9 : i32} : (tensor<100xui8>) -> tensor<100xui8>
    dyadic.yield %r : tensor<100xui8>
  }
  %2 = dyadic.reshape %1 : (tensor<100xui8>) -> tensor<10x10xui8>
  %3 = dyadic.kernel(%2) : (tensor<10x10xui8>) -> tensor<10x10xui8> {
  ^bb0(%a: tensor<10x10xui8>):
    %r = dyadic.clamp %a {min = 1 : i32, max = 9 : i32} : (tensor<10x10xui8>) -> tensor<10x10xui8>
    dyadic.yield %r : tensor<10x10xui8>
  }
  %4 = dyadic.kernel(%3) : (tensor<10x10xui8>) -> tensor<10x10xf32> {
  ^bb0(%a: tensor<10x10xui8>):
    %r = dyadic.dequantize %a {scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<10x10xui8>) -> tensor<10x10xf32>
    dyadic.yield %r : tensor<10x10xf32>
  }
  return %4 : tensor<10x10xf32>
}

// -----

// An argument that is returned, twice even, is copied each time.
// CHECK: dyadic.arena_bytes = 64
// CHECK-LABEL: func @argument
// CHECK: %[[A:.*]] = dyadic.kernel(%arg0) {arena_offsets = array<i64: -1>}
// CHECK: qnn.slice
// CHECK: %[[B:.*]] = dyadic.kernel(%arg0) {arena_offsets = array<i64: -1>}
// CHECK: return %[[A]], %[[B]]
func.func @argument(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func @constant
// CHECK: %[[A:.*]] = dyadic.kernel() {arena_offsets = array<i64: -1>}
// CHECK: qnn.constant
// CHECK: return %[[A]]
func.func @constant() -> tensor<2xf32> {
  %0 = qnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// The kernel behind reads the result too, through a reshape: it stays in the
// arena until it has been copied.
// CHECK: dyadic.arena_bytes = 128
// CHECK-LABEL: func @returned_and_read
// CHECK: %[[A:.*]] = dyadic.kernel(%arg0) {arena_offsets = array<i64: 0>}
// CHECK: %[[R:.*]] = qnn.reshape %[[A]]
// CHECK: %[[B:.*]] = dyadic.kernel(%[[R]]) {arena_offsets = array<i64: -1>}
// CHECK: %[[C:.*]] = dyadic.kernel(%[[A]]) {arena_offsets = array<i64: -1>}
// CHECK: return %[[C]], %[[B]]
func.func @returned_and_read(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>) {
  %0 = dyadic.kernel(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %r = qnn.relu %a : (tensor<4xf32>) -> tensor<4xf32>
    dyadic.yield %r : tensor<4xf32>
  }
  %1 = qnn.reshape %0 : (tensor<4xf32>) -> tensor<2x2xf32>
  %2 = dyadic.kernel(%1) : (tensor<2x2xf32>) -> tensor<2x2xf32> {
  ^bb0(%a: tensor<2x2xf32>):
    %r = qnn.exp %a : (tensor<2x2xf32>) -> tensor<2x2xf32>
    dyadic.yield %r : tensor<2x2xf32>
  }
  return %0, %2 : tensor<4xf32>, tensor<2x2xf32>
}
