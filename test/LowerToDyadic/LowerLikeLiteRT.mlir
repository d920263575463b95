// RUN: dyadic-opt %s --lower-qnn-to-dyadic --split-input-file --verify-diagnostics | FileCheck %s

!a = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i8:f32, 0.25:-4>

// Both operands in 2^-20 of twice the greater scale: x/2 · 2^20 and y/4 · 2^20.
// CHECK-LABEL: func @add
// CHECK: qnn.compute(%arg0, %arg1) {name = "Add"}
// CHECK: arith.constant 524288 : i32
// CHECK-NOT: i64
// CHECK: arith.shrsi
// CHECK: qnn.yield
func.func @add(%x: tensor<4x!a>, %y: tensor<4x!b>) -> tensor<4x!a> attributes {qnn.rounding = "double_round"} {
  %0 = qnn.add %x, %y : (tensor<4x!a>, tensor<4x!b>) -> tensor<4x!a>
  return %0 : tensor<4x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// A relu between equal types is a clamp at the zero point.
// CHECK-LABEL: func @relu
// CHECK: dyadic.clamp %arg0 {max = 127 : i32, min = 3 : i32}
func.func @relu(%x: tensor<4x!a>) -> tensor<4x!a> attributes {qnn.rounding = "double_round"} {
  %0 = qnn.relu %x : (tensor<4x!a>) -> tensor<4x!a>
  return %0 : tensor<4x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// Slightly more than 1/9 decides ties.
// CHECK-LABEL: func @pool
// CHECK: %[[S:.*]] = dyadic.sum_pool2d %arg0 {input_zp = 0 : i32, kernel = array<i64: 3, 3>
// CHECK: dyadic.requantize %[[S]] {{.*}}multiplier = array<i32: 14913081>, output_zp = 0 : i32, {{.*}}shift = array<i32: 27>
func.func @pool(%x: tensor<1x3x3x2x!a>) -> tensor<1x1x1x2x!a> attributes {qnn.rounding = "double_round"} {
  %0 = qnn.avg_pool2d %x {kernel = array<i64: 3, 3>} : (tensor<1x3x3x2x!a>) -> tensor<1x1x1x2x!a>
  return %0 : tensor<1x1x1x2x!a>
}

// -----

!a = !quant.uniform<i8:f32, 0.5:3>

// How many rows and columns of the image each window has.
// CHECK-LABEL: func @padded_pool
// CHECK: %[[P:.*]] = dyadic.pad %arg0 {{.*}}value = 0 : i32
// CHECK: %[[S:.*]] = dyadic.sum_pool2d %[[P]] {input_zp = 0 : i32
// CHECK: %[[R:.*]] = dyadic.constant dense<{{\[\[\[}}1]], {{\[\[}}2]], {{\[\[}}2]]]>
// CHECK: %[[C:.*]] = dyadic.constant dense<{{\[\[}}2], [2], [1]]>
// CHECK: qnn.compute(%[[S]], %[[R]], %[[C]]) {name = "AveragePool"}
func.func @padded_pool(%x: tensor<1x3x3x2x!a>) -> tensor<1x3x3x2x!a> attributes {qnn.rounding = "double_round"} {
  %0 = qnn.avg_pool2d %x {kernel = array<i64: 2, 2>, pads = array<i64: 1, 0, 0, 1>} : (tensor<1x3x3x2x!a>) -> tensor<1x3x3x2x!a>
  return %0 : tensor<1x3x3x2x!a>
}

// -----

!u = !quant.uniform<u8:f32, 0.5>
!v = !quant.uniform<u8:f32, 0.25>

// A concatenation rescales unsigned bytes by a table of floats.
// CHECK-LABEL: func @concat
// CHECK: %[[T:.*]] = dyadic.lookup %arg1
// CHECK: dyadic.concat %arg0, %[[T]]
func.func @concat(%x: tensor<4x!u>, %y: tensor<4x!v>) -> tensor<8x!u> attributes {qnn.rounding = "double_round"} {
  %0 = qnn.concat %x, %y {axis = 0 : i64} : (tensor<4x!u>, tensor<4x!v>) -> tensor<8x!u>
  return %0 : tensor<8x!u>
}

// -----

!u = !quant.uniform<u8:f32, 0.5>

func.func @root(%x: tensor<4x!u>) -> tensor<4x!u> attributes {qnn.rounding = "double_round"} {
  // expected-warning @below {{is a table of the nearest results: LiteRT's reference may be a step away}}
  %0 = qnn.sqrt %x : (tensor<4x!u>) -> tensor<4x!u>
  return %0 : tensor<4x!u>
}
