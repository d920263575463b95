// RUN: dyadic-opt %s --dyadic-to-tosa --cse | FileCheck %s
// And back: the same ops, their ui8 less 128.
// RUN: dyadic-opt %s --dyadic-to-tosa --tosa-to-qnn | FileCheck %s --check-prefix=BACK

// A factor of 16 bits is one of 32; 2^30 · 2^−44 is as good as 2 · 2^−15.
// CHECK-LABEL: @gate
// CHECK: tosa.mul {{.*}} -> tensor<1x2x2x8xi32>
// CHECK: %[[S:.*]] = "tosa.const"() <{values = dense<44>
// CHECK: tosa.rescale %{{.*}}, %{{.*}}, %[[S]], {{.*}}rounding_mode = SINGLE_ROUND
// BACK-LABEL: @gate
// BACK: dyadic.mul
func.func @gate(%x: tensor<1x2x2x8xui8>, %f: tensor<1x1x1x8xi16>) -> tensor<1x2x2x8xui8> {
  %0 = dyadic.mul %x, %f {lhs_zp = 7 : i32, rhs_zp = 0 : i32} : (tensor<1x2x2x8xui8>, tensor<1x1x1x8xi16>) -> tensor<1x2x2x8xi32>
  %1 = dyadic.requantize %0 {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 2>, output_zp = 3 : i32, shift = array<i32: 15>, rounding = #dyadic.rounding<half_up>} : (tensor<1x2x2x8xi32>) -> tensor<1x2x2x8xui8>
  return %1 : tensor<1x2x2x8xui8>
}

// The border of 7 is the zero point −121, and the bias gives its share back:
// 10 + 7 · (1 + 2) and 20 + 7 · (3 + 4). The last row is read by no window.
// CHECK-LABEL: @convolution
// CHECK-SAME: (%arg0: tensor<1x4x3x2xui8>) -> tensor<1x2x5x2xui8>
// CHECK: %[[X:.*]] = tosa.rescale %arg0, %{{.*}} {input_unsigned = true, output_unsigned = false, {{.*}}} : (tensor<1x4x3x2xui8>, {{.*}} -> tensor<1x4x3x2xi8>
// CHECK: %[[B:.*]] = "tosa.const"() <{values = dense<[31, 69]>
// CHECK: %[[T:.*]] = tosa.slice %[[X]], {{.*}} -> tensor<1x3x3x2xi8>
// CHECK: %[[ZP:.*]] = "tosa.const"() <{values = dense<-121>
// CHECK: %[[S:.*]] = tosa.conv2d %[[T]], %{{.*}}, %[[B]], %[[ZP]], %{{.*}} {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 1, 1>, stride = array<i64: 2, 1>}
// CHECK: dense<[1073741824, 1610612736]> : tensor<2xi32>
// CHECK: dense<[37, 36]> : tensor<2xi8>
// CHECK: %[[R:.*]] = tosa.rescale %[[S]], {{.*}}per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = true
// CHECK: %[[C:.*]] = tosa.clamp %[[R]] {max_val = 72 : i8, min_val = -128 : i8}
// CHECK: tosa.rescale %[[C]], {{.*}}output_unsigned = true
// BACK-LABEL: @convolution
// BACK: dyadic.conv2d
// BACK: dyadic.requantize
func.func @convolution(%x: tensor<1x4x3x2xui8>) -> tensor<1x2x5x2xui8> {
  %w = dyadic.constant dense<[[[[1, 2]]], [[[3, 4]]]]> : tensor<2x1x1x2xi8> : tensor<2x1x1x2xi8>
  %b = dyadic.constant dense<[10, 20]> : tensor<2xi32> : tensor<2xi32>
  %0 = dyadic.pad %x {high = array<i64: 0, 0, 1, 0>, low = array<i64: 0, 0, 1, 0>, value = 7 : i32} : (tensor<1x4x3x2xui8>) -> tensor<1x4x5x2xui8>
  %1 = dyadic.conv2d %0, %w, %b {strides = array<i64: 2, 1>} : (tensor<1x4x5x2xui8>, tensor<2x1x1x2xi8>, tensor<2xi32>) -> tensor<1x2x5x2xi32>
  %2 = dyadic.requantize %1 {clamp_max = 200 : i32, clamp_min = 0 : i32, multiplier = array<i32: 8388608, 12582912>, output_zp = 0 : i32, shift = array<i32: 30, 29>, rounding = #dyadic.rounding<half_up>} : (tensor<1x2x5x2xi32>) -> tensor<1x2x5x2xui8>
  return %2 : tensor<1x2x5x2xui8>
}

// CHECK-LABEL: @arithmetic
// CHECK: dense<98304> : tensor<1xi32>
// CHECK: %[[L:.*]] = tosa.rescale {{.*}} -> tensor<2x3xi32>
// CHECK: %[[R:.*]] = tosa.rescale {{.*}} -> tensor<2x3xi32>
// CHECK: tosa.sub %[[L]], %[[R]]
// CHECK: rounding_mode = DOUBLE_ROUND
// CHECK: tosa.table
// CHECK: tosa.reduce_sum
// BACK-LABEL: @arithmetic
// BACK: dyadic.add %{{.*}}, %{{.*}} {lhs_multiplier = 3 : i32, lhs_zp = -123 : i32, rhs_multiplier = -1 : i32, rhs_zp = 1 : i32}
// BACK: dyadic.requantize {{.*}}double_round
// BACK: dyadic.lookup
// BACK: %[[S:.*]] = dyadic.reduce_sum
// BACK: dyadic.requantize %[[S]]
func.func @arithmetic(%x: tensor<2x3xui8>, %y: tensor<2x3xi8>) -> tensor<2xi8> {
  %0 = dyadic.add %x, %y {lhs_multiplier = 3 : i32, lhs_zp = 5 : i32, rhs_multiplier = -1 : i32, rhs_zp = 1 : i32} : (tensor<2x3xui8>, tensor<2x3xi8>) -> tensor<2x3xi32>
  %1 = dyadic.requantize %0 {clamp_max = 127 : i32, clamp_min = -128 : i32, multiplier = array<i32: 1073741824>, output_zp = 3 : i32, shift = array<i32: 33>, rounding = #dyadic.rounding<double_round>} : (tensor<2x3xi32>) -> tensor<2x3xi8>
  %2 = dyadic.lookup %1, dense<9> : tensor<256xi8> : (tensor<2x3xi8>) -> tensor<2x3xi8>
  %3 = dyadic.reduce_sum %2 {axes = array<i64: 1>, input_zp = 0 : i32, keep_dims = false} : (tensor<2x3xi8>) -> tensor<2xi32>
  %4 = dyadic.requantize %3 {clamp_max = 127 : i32, clamp_min = -128 : i32, multiplier = array<i32: 1073741824>, output_zp = 3 : i32, shift = array<i32: 33>, rounding = #dyadic.rounding<half_up>} : (tensor<2xi32>) -> tensor<2xi8>
  return %4 : tensor<2xi8>
}

// TOSA has no zero points of i32.
// CHECK-LABEL: @shifted
// CHECK: %[[P:.*]] = tosa.mul
// CHECK: %[[S:.*]] = tosa.sub %[[P]], %{{.*}} -> tensor<2x3xi32>
// CHECK: tosa.rescale %[[S]]
func.func @shifted(%x: tensor<2x3xui8>) -> tensor<2x3xi8> {
  %0 = dyadic.mul %x, %x {lhs_zp = 5 : i32, rhs_zp = 0 : i32} : (tensor<2x3xui8>, tensor<2x3xui8>) -> tensor<2x3xi32>
  %1 = dyadic.requantize %0 {clamp_max = 127 : i32, clamp_min = -128 : i32, input_zp = 700 : i32, multiplier = array<i32: 1073741824>, output_zp = 3 : i32, shift = array<i32: 40>, rounding = #dyadic.rounding<half_up>} : (tensor<2x3xi32>) -> tensor<2x3xi8>
  return %1 : tensor<2x3xi8>
}

// Every second element: rows of two, and their first column.
// CHECK-LABEL: @move
// CHECK: tosa.slice {{.*}} -> tensor<5x2xi8>
// CHECK: tosa.pad {{.*}} -> tensor<6x2xi8>
// CHECK: tosa.reshape {{.*}} -> tensor<3x2x2xi8>
// CHECK: tosa.slice {{.*}} -> tensor<3x1x2xi8>
// CHECK: tosa.reshape {{.*}} -> tensor<3x2xi8>
// CHECK: tosa.transpose
// CHECK: tosa.concat
func.func @move(%x: tensor<7x2xi8>) -> tensor<4x3xi8> {
  %0 = dyadic.slice %x {offsets = array<i64: 1, 0>, sizes = array<i64: 3, 2>, strides = array<i64: 2, 1>} : (tensor<7x2xi8>) -> tensor<3x2xi8>
  %1 = dyadic.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<3x2xi8>) -> tensor<2x3xi8>
  %2 = dyadic.concat %1, %1 {axis = 0 : i64} : (tensor<2x3xi8>, tensor<2x3xi8>) -> tensor<4x3xi8>
  return %2 : tensor<4x3xi8>
}
