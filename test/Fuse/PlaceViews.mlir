// RUN: dyadic-opt %s --dyadic-place-views -split-input-file | FileCheck %s
// RUN: dyadic-opt %s --dyadic-place-views --dyadic-plan-memory -split-input-file | FileCheck %s --check-prefix=PLAN
// RUN: dyadic-opt %s --dyadic-place-views=overwrite=false --dyadic-plan-memory=keep-all -split-input-file | FileCheck %s --check-prefix=KEEP

// The first kernel writes the interior of a 5×6 image of two channels: its
// first element is element (1·6 + 1)·2, a row is 12 elements. A second reader,
// strided, and the border stay.
// CHECK-LABEL: func @padded
// CHECK: dyadic.kernel(%arg0) :
// CHECK: dyadic.kernel(%{{.*}}) {in_place = array<i64: 0>}
// CHECK: dyadic.kernel(%{{.*}}) :
// PLAN: dyadic.arena_bytes = 128
// PLAN: dyadic.kernel(%arg0) {arena_offsets = array<i64: 14>, layouts = [strided<[60, 12, 2, 1]>]}
// PLAN: {arena_offsets = array<i64: 0>, in_place = array<i64: 0>}
// PLAN: {arena_offsets = array<i64: -1>}
// What is strided is kept as a copy, too.
// KEEP: layouts = [strided<[60, 12, 2, 1]>]
// KEEP: dyadic.kernel(%0) {arena_offsets = array<i64: 64>}
// KEEP: dyadic.slice
func.func @padded(%x: tensor<1x3x4x2xf32>) -> (tensor<1x3x4x2xf32>, tensor<1x5x6x2xf32>) {
  %0 = dyadic.kernel(%x) : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xui8> {
  ^bb0(%a: tensor<1x3x4x2xf32>):
    %r = dyadic.quantize %a {inverse_scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xui8>
    dyadic.yield %r : tensor<1x3x4x2xui8>
  }
  %1 = dyadic.kernel(%0) : (tensor<1x3x4x2xui8>) -> tensor<1x5x6x2xui8> {
  ^bb0(%a: tensor<1x3x4x2xui8>):
    %r = dyadic.pad %a {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 7 : i32} : (tensor<1x3x4x2xui8>) -> tensor<1x5x6x2xui8>
    dyadic.yield %r : tensor<1x5x6x2xui8>
  }
  %2 = dyadic.kernel(%0) : (tensor<1x3x4x2xui8>) -> tensor<1x3x4x2xf32> {
  ^bb0(%a: tensor<1x3x4x2xui8>):
    %r = dyadic.dequantize %a {scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<1x3x4x2xui8>) -> tensor<1x3x4x2xf32>
    dyadic.yield %r : tensor<1x3x4x2xf32>
  }
  %3 = dyadic.kernel(%1) : (tensor<1x5x6x2xui8>) -> tensor<1x5x6x2xf32> {
  ^bb0(%a: tensor<1x5x6x2xui8>):
    %r = dyadic.dequantize %a {scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<1x5x6x2xui8>) -> tensor<1x5x6x2xf32>
    dyadic.yield %r : tensor<1x5x6x2xf32>
  }
  return %2, %3 : tensor<1x3x4x2xf32>, tensor<1x5x6x2xf32>
}

// -----

// One operand is an argument, one is there twice: only the other is in place,
// behind the three channels of the first. A slice of the result with an odd
// offset is read where it is.
// CHECK-LABEL: func @slots
// CHECK: dyadic.kernel(%arg2) :
// CHECK: dyadic.kernel(%arg1) :
// CHECK: dyadic.kernel({{.*}}) {in_place = array<i64: 1>}
// CHECK: dyadic.concat
// CHECK: dyadic.kernel({{.*}}) {in_place = array<i64: 0>}
// CHECK: dyadic.slice
// PLAN: dyadic.kernel(%arg2) {arena_offsets = array<i64: 64>}
// PLAN: dyadic.kernel(%arg1) {arena_offsets = array<i64: 3>, layouts = [strided<[40, 10, 1]>]}
// PLAN: dyadic.kernel(%arg0, %1, %0) {arena_offsets = array<i64: 0>, in_place = array<i64: 1>}
// PLAN: dyadic.kernel(%2) {arena_offsets = array<i64: 1>, in_place = array<i64: 0>, layouts = [strided<[40, 10, 1]>]}
func.func @slots(%x: tensor<1x4x3xui8>, %y: tensor<1x4x3xf32>, %z: tensor<1x4x2xf32>) -> tensor<1x4x5xf32> {
  %0 = dyadic.kernel(%z) : (tensor<1x4x2xf32>) -> tensor<1x4x2xui8> {
  ^bb0(%a: tensor<1x4x2xf32>):
    %r = dyadic.quantize %a {inverse_scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<1x4x2xf32>) -> tensor<1x4x2xui8>
    dyadic.yield %r : tensor<1x4x2xui8>
  }
  %1 = dyadic.kernel(%y) : (tensor<1x4x3xf32>) -> tensor<1x4x3xui8> {
  ^bb0(%a: tensor<1x4x3xf32>):
    %r = dyadic.quantize %a {inverse_scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<1x4x3xf32>) -> tensor<1x4x3xui8>
    dyadic.yield %r : tensor<1x4x3xui8>
  }
  %2 = dyadic.kernel(%x, %1, %0) : (tensor<1x4x3xui8>, tensor<1x4x3xui8>, tensor<1x4x2xui8>) -> tensor<1x4x10xui8> {
  ^bb0(%a: tensor<1x4x3xui8>, %b: tensor<1x4x3xui8>, %c: tensor<1x4x2xui8>):
    %r = dyadic.concat %a, %b, %c, %c {axis = 2 : i64} : (tensor<1x4x3xui8>, tensor<1x4x3xui8>, tensor<1x4x2xui8>, tensor<1x4x2xui8>) -> tensor<1x4x10xui8>
    dyadic.yield %r : tensor<1x4x10xui8>
  }
  %3 = dyadic.kernel(%2) : (tensor<1x4x10xui8>) -> tensor<1x4x5xui8> {
  ^bb0(%a: tensor<1x4x10xui8>):
    %r = dyadic.slice %a {offsets = array<i64: 0, 0, 1>, sizes = array<i64: 1, 4, 5>, strides = array<i64: 1, 1, 1>} : (tensor<1x4x10xui8>) -> tensor<1x4x5xui8>
    dyadic.yield %r : tensor<1x4x5xui8>
  }
  %4 = dyadic.kernel(%3) : (tensor<1x4x5xui8>) -> tensor<1x4x5xf32> {
  ^bb0(%a: tensor<1x4x5xui8>):
    %r = dyadic.dequantize %a {scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<1x4x5xui8>) -> tensor<1x4x5xf32>
    dyadic.yield %r : tensor<1x4x5xf32>
  }
  return %4 : tensor<1x4x5xf32>
}

// -----

// Refused: every second element of a row (%1), an operand that is returned and
// a concat that is (%3 and %0 in %5).
// CHECK-LABEL: func @refused
// CHECK-NOT: in_place
// CHECK: qnn.concat
// CHECK: {in_place = array<i64: 0>}
// CHECK: qnn.pad
// CHECK-NOT: in_place
func.func @refused(%x: tensor<4x6xf32>) -> (tensor<4x3xf32>, tensor<24xf32>, tensor<4x6xf32>, tensor<4x12xf32>, tensor<6x8xf32>) {
  %0 = dyadic.kernel(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32> {
  ^bb0(%a: tensor<4x6xf32>):
    %r = qnn.relu %a : (tensor<4x6xf32>) -> tensor<4x6xf32>
    dyadic.yield %r : tensor<4x6xf32>
  }
  %1 = dyadic.kernel(%0) : (tensor<4x6xf32>) -> tensor<4x3xf32> {
  ^bb0(%a: tensor<4x6xf32>):
    %r = qnn.slice %a {offsets = array<i64: 0, 0>, sizes = array<i64: 4, 3>, strides = array<i64: 1, 2>} : (tensor<4x6xf32>) -> tensor<4x3xf32>
    dyadic.yield %r : tensor<4x3xf32>
  }
  %2 = dyadic.kernel(%1) : (tensor<4x3xf32>) -> tensor<4x3xf32> {
  ^bb0(%a: tensor<4x3xf32>):
    %r = qnn.relu %a : (tensor<4x3xf32>) -> tensor<4x3xf32>
    dyadic.yield %r : tensor<4x3xf32>
  }
  %3 = dyadic.kernel(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32> {
  ^bb0(%a: tensor<4x6xf32>):
    %r = qnn.relu %a : (tensor<4x6xf32>) -> tensor<4x6xf32>
    dyadic.yield %r : tensor<4x6xf32>
  }
  %flat = qnn.reshape %3 : (tensor<4x6xf32>) -> tensor<24xf32>
  %4 = dyadic.kernel(%flat) : (tensor<24xf32>) -> tensor<24xf32> {
  ^bb0(%a: tensor<24xf32>):
    %r = qnn.relu %a : (tensor<24xf32>) -> tensor<24xf32>
    dyadic.yield %r : tensor<24xf32>
  }
  %5 = dyadic.kernel(%3, %0) : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x12xf32> {
  ^bb0(%a: tensor<4x6xf32>, %b: tensor<4x6xf32>):
    %r = qnn.concat %a, %b {axis = 1 : i64} : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x12xf32>
    dyadic.yield %r : tensor<4x12xf32>
  }
  %6 = dyadic.kernel(%0) : (tensor<4x6xf32>) -> tensor<6x8xf32> {
  ^bb0(%a: tensor<4x6xf32>):
    %r = qnn.pad %a {low = array<i64: 1, 1>, high = array<i64: 1, 1>, value = 0.0 : f32} : (tensor<4x6xf32>) -> tensor<6x8xf32>
    dyadic.yield %r : tensor<6x8xf32>
  }
  %7 = dyadic.kernel(%6) : (tensor<6x8xf32>) -> tensor<6x8xf32> {
  ^bb0(%a: tensor<6x8xf32>):
    %r = qnn.relu %a : (tensor<6x8xf32>) -> tensor<6x8xf32>
    dyadic.yield %r : tensor<6x8xf32>
  }
  return %2, %4, %3, %5, %7 : tensor<4x3xf32>, tensor<24xf32>, tensor<4x6xf32>, tensor<4x12xf32>, tensor<6x8xf32>
}

// -----

// The operand is read as one row of eight, which strides can't do; what reads it
// otherwise would have been fine.
// CHECK-LABEL: func @reshaped
// CHECK-NOT: in_place
func.func @reshaped(%x: tensor<2x4xf32>) -> (tensor<8xf32>, tensor<2x8xf32>) {
  %0 = dyadic.kernel(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %r = qnn.relu %a : (tensor<2x4xf32>) -> tensor<2x4xf32>
    dyadic.yield %r : tensor<2x4xf32>
  }
  %1 = dyadic.kernel(%x, %0) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32> {
  ^bb0(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>):
    %r = qnn.concat %a, %b {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
    dyadic.yield %r : tensor<2x8xf32>
  }
  %flat = qnn.reshape %0 : (tensor<2x4xf32>) -> tensor<8xf32>
  %2 = dyadic.kernel(%flat) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %r = qnn.softmax %a {axis = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32>
    dyadic.yield %r : tensor<8xf32>
  }
  %3 = dyadic.kernel(%1) : (tensor<2x8xf32>) -> tensor<2x8xf32> {
  ^bb0(%a: tensor<2x8xf32>):
    %r = qnn.softmax %a {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
    dyadic.yield %r : tensor<2x8xf32>
  }
  return %2, %3 : tensor<8xf32>, tensor<2x8xf32>
}

// -----

// The sum is written over the term that the second kernel read before: the
// first term is read again by the last kernel, and operands of a softmax aren't
// read element by element.
// CHECK-LABEL: func @overwritten
// CHECK: dyadic.kernel(%arg0) :
// CHECK: dyadic.kernel(%0) :
// CHECK: dyadic.kernel(%0, %1) {in_place = array<i64: 1>}
// CHECK: qnn.add
// CHECK: dyadic.kernel(%2) :
// CHECK: qnn.softmax
func.func @overwritten(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = dyadic.kernel(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %r = qnn.relu %a : (tensor<2x4xf32>) -> tensor<2x4xf32>
    dyadic.yield %r : tensor<2x4xf32>
  }
  %1 = dyadic.kernel(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %r = qnn.softmax %a {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
    dyadic.yield %r : tensor<2x4xf32>
  }
  %2 = dyadic.kernel(%0, %1) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>):
    %r = qnn.add %a, %b : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    dyadic.yield %r : tensor<2x4xf32>
  }
  %3 = dyadic.kernel(%2) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %r = qnn.softmax %a {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
    dyadic.yield %r : tensor<2x4xf32>
  }
  %4 = dyadic.kernel(%0, %3) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>):
    %r = qnn.add %a, %b : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    dyadic.yield %r : tensor<2x4xf32>
  }
  return %4 : tensor<2x4xf32>
}

// -----

// A movement with an op behind it has nothing in place, the op's other operand
// neither: the last kernel reads it.
// CHECK-LABEL: func @movement_with_a_sum
// CHECK-NOT: in_place
// CHECK: return
func.func @movement_with_a_sum(%x: tensor<2x4xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %0 = dyadic.kernel(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %r = qnn.relu %a : (tensor<2x4xf32>) -> tensor<2x4xf32>
    dyadic.yield %r : tensor<2x4xf32>
  }
  %1 = qnn.reshape %0 : (tensor<2x4xf32>) -> tensor<4x2xf32>
  %2 = dyadic.kernel(%x, %1) : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> {
  ^bb0(%a: tensor<2x4xf32>, %b: tensor<4x2xf32>):
    %t = qnn.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x4xf32>) -> tensor<4x2xf32>
    %r = qnn.add %t, %b : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
    dyadic.yield %r : tensor<4x2xf32>
  }
  %3 = dyadic.kernel(%2) : (tensor<4x2xf32>) -> tensor<4x2xf32> {
  ^bb0(%a: tensor<4x2xf32>):
    %r = qnn.softmax %a {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32>
    dyadic.yield %r : tensor<4x2xf32>
  }
  %4 = dyadic.kernel(%1) : (tensor<4x2xf32>) -> tensor<4x2xf32> {
  ^bb0(%a: tensor<4x2xf32>):
    %r = qnn.softmax %a {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32>
    dyadic.yield %r : tensor<4x2xf32>
  }
  return %3, %4 : tensor<4x2xf32>, tensor<4x2xf32>
}
