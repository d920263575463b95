// RUN: dyadic-opt %s --tosa-to-qnn | FileCheck %s

// The zero point −5 goes into the padding and, times the sum of the weights,
// into the bias: 100 + 5 · 3 · 4.
// CHECK-LABEL: @convolution
// CHECK-DAG: %[[B:.*]] = dyadic.constant dense<160> : tensor<8xi32>
// CHECK-DAG: %[[W:.*]] = dyadic.constant dense<3> : tensor<8x1x1x4xi8>
// CHECK: %[[P:.*]] = dyadic.pad %arg0 {high = array<i64: 0, 0, 0, 0>, low = array<i64: 0, 1, 0, 0>, value = -5 : i32}
// CHECK: %[[S:.*]] = dyadic.conv2d %[[P]], %[[W]], %[[B]] {strides = array<i64: 1, 2>}
// CHECK: dyadic.requantize %[[S]] {clamp_max = 127 : i32, clamp_min = -128 : i32, multiplier = array<i32: 1073741824, 1073741825, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824>, output_zp = -5 : i32, rounding = #dyadic.rounding<double_round>, shift = array<i32: 38, 38, 38, 38, 38, 38, 38, 38>}
func.func @convolution(%x: tensor<1x7x7x4xi8>) -> tensor<1x8x4x8xi8> {
  %w = "tosa.const"() {values = dense<3> : tensor<8x1x1x4xi8>} : () -> tensor<8x1x1x4xi8>
  %b = "tosa.const"() {values = dense<100> : tensor<1xi32>} : () -> tensor<1xi32>
  %zp = "tosa.const"() {values = dense<-5> : tensor<1xi8>} : () -> tensor<1xi8>
  %z0 = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %z32 = "tosa.const"() {values = dense<0> : tensor<1xi32>} : () -> tensor<1xi32>
  %m = "tosa.const"() {values = dense<[1073741824, 1073741825, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824]> : tensor<8xi32>} : () -> tensor<8xi32>
  %s = "tosa.const"() {values = dense<38> : tensor<8xi8>} : () -> tensor<8xi8>
  %0 = tosa.conv2d %x, %w, %b, %zp, %z0 {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 0, 0, 0>, stride = array<i64: 1, 2>} : (tensor<1x7x7x4xi8>, tensor<8x1x1x4xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x8x4x8xi32>
  %1 = tosa.rescale %0, %m, %s, %z32, %zp {input_unsigned = false, output_unsigned = false, per_channel = true, rounding_mode = DOUBLE_ROUND, scale32 = true} : (tensor<1x8x4x8xi32>, tensor<8xi32>, tensor<8xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x8x4x8xi8>
  return %1 : tensor<1x8x4x8xi8>
}

// 2×2×1×2 becomes 2×2×2×1: both outputs read the only channel.
// CHECK-LABEL: @depthwise
// CHECK: %[[W:.*]] = dyadic.constant dense<{{\[\[\[\[}}1], [3]], {{\[\[}}5], [7]]], {{\[\[\[}}2], [4]], {{\[\[}}6], [8]]]]> : tensor<2x2x2x1xi8>
// CHECK: dyadic.conv2d %arg0, %[[W]], %{{.*}} : (tensor<1x3x3x1xi8>, tensor<2x2x2x1xi8>, tensor<2xi32>) -> tensor<1x2x2x2xi32>
func.func @depthwise(%x: tensor<1x3x3x1xi8>) -> tensor<1x2x2x2xi32> {
  %w = "tosa.const"() {values = dense<[[[[1, 2]], [[3, 4]]], [[[5, 6]], [[7, 8]]]]> : tensor<2x2x1x2xi8>} : () -> tensor<2x2x1x2xi8>
  %b = "tosa.const"() {values = dense<[10, 20]> : tensor<2xi32>} : () -> tensor<2xi32>
  %z0 = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.depthwise_conv2d %x, %w, %b, %z0, %z0 {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x3x3x1xi8>, tensor<2x2x1x2xi8>, tensor<2xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x2xi32>
  return %0 : tensor<1x2x2x2xi32>
}

// A constant right side is weights; −2 · (1 + 3) and −2 · (2 + 4) are the bias.
// CHECK-LABEL: @products
// CHECK: %[[B:.*]] = dyadic.constant dense<[-8, -12]> : tensor<2xi32>
// CHECK: dyadic.matmul %arg0, %{{.*}}, %[[B]]
// CHECK: dyadic.batch_matmul %arg0, %arg1 {lhs_zp = 2 : i32, rhs_zp = 3 : i32}
func.func @products(%x: tensor<1x3x2xi8>, %y: tensor<1x2x2xi8>) -> (tensor<1x3x2xi32>, tensor<1x3x2xi32>) {
  %w = "tosa.const"() {values = dense<[[[1, 2], [3, 4]]]> : tensor<1x2x2xi8>} : () -> tensor<1x2x2xi8>
  %za = "tosa.const"() {values = dense<2> : tensor<1xi8>} : () -> tensor<1xi8>
  %z0 = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %zb = "tosa.const"() {values = dense<3> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.matmul %x, %w, %za, %z0 : (tensor<1x3x2xi8>, tensor<1x2x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x3x2xi32>
  %1 = tosa.matmul %x, %y, %za, %zb : (tensor<1x3x2xi8>, tensor<1x2x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x3x2xi32>
  return %0, %1 : tensor<1x3x2xi32>, tensor<1x3x2xi32>
}

// Rescales to i32 are the weights of the sum: 3 · 2^15 / 2^15 and 1.
// CHECK-LABEL: @sums
// CHECK: dyadic.add %arg0, %arg1 {lhs_multiplier = 3 : i32, lhs_zp = 4 : i32, rhs_multiplier = -1 : i32, rhs_zp = 0 : i32}
// CHECK: dyadic.mul %arg0, %arg1 {lhs_zp = 0 : i32, rhs_zp = 0 : i32}
func.func @sums(%x: tensor<2x3xi8>, %y: tensor<1x3xi8>) -> (tensor<2x3xi32>, tensor<2x3xi32>) {
  %z4 = "tosa.const"() {values = dense<4> : tensor<1xi8>} : () -> tensor<1xi8>
  %z0 = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %z32 = "tosa.const"() {values = dense<0> : tensor<1xi32>} : () -> tensor<1xi32>
  %m3 = "tosa.const"() {values = dense<98304> : tensor<1xi32>} : () -> tensor<1xi32>
  %m1 = "tosa.const"() {values = dense<32768> : tensor<1xi32>} : () -> tensor<1xi32>
  %s = "tosa.const"() {values = dense<15> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.rescale %x, %m3, %s, %z4, %z32 {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<2x3xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi32>) -> tensor<2x3xi32>
  %1 = tosa.rescale %y, %m1, %s, %z0, %z32 {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<1x3xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi32>) -> tensor<1x3xi32>
  %2 = tosa.sub %0, %1 : (tensor<2x3xi32>, tensor<1x3xi32>) -> tensor<2x3xi32>
  %3 = tosa.mul %x, %y, %z0 : (tensor<2x3xi8>, tensor<1x3xi8>, tensor<1xi8>) -> tensor<2x3xi32>
  return %2, %3 : tensor<2x3xi32>, tensor<2x3xi32>
}

// Of nine elements the mean is a sum times (2^30 + 1) · 2^4 / 9.
// CHECK-LABEL: @pools
// CHECK: dyadic.pad {{.*}}value = -128
// CHECK: %[[M:.*]] = dyadic.max_pool2d
// CHECK: %[[S:.*]] = dyadic.sum_pool2d %[[M]] {input_zp = 1 : i32, kernel = array<i64: 3, 3>}
// CHECK: %[[Q:.*]] = dyadic.requantize %[[S]] {{.*}}multiplier = array<i32: 1908874355>, output_zp = 2 : i32, rounding = #dyadic.rounding<half_up>, shift = array<i32: 34>
// CHECK: dyadic.clamp %[[Q]] {max = 100 : i32, min = -7 : i32}
func.func @pools(%x: tensor<1x6x6x2xi8>) -> tensor<1x1x1x2xi8> {
  %z1 = "tosa.const"() {values = dense<1> : tensor<1xi8>} : () -> tensor<1xi8>
  %z2 = "tosa.const"() {values = dense<2> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.max_pool2d %x {kernel = array<i64: 3, 3>, pad = array<i64: 1, 0, 1, 0>, stride = array<i64: 2, 2>} : (tensor<1x6x6x2xi8>) -> tensor<1x3x3x2xi8>
  %1 = tosa.avg_pool2d %0, %z1, %z2 {acc_type = i32, kernel = array<i64: 3, 3>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x3x3x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x1x1x2xi8>
  %2 = tosa.clamp %1 {min_val = -7 : i8, max_val = 100 : i8} : (tensor<1x1x1x2xi8>) -> tensor<1x1x1x2xi8>
  return %2 : tensor<1x1x1x2xi8>
}

// What the rescales alone know of signs, the types say; 200 is a byte.
// CHECK-LABEL: @unsigned
// CHECK-SAME: (%arg0: tensor<4xui8>) -> tensor<4xui8>
// CHECK: dyadic.requantize %arg0 {{.*}}input_zp = 200 : i32, {{.*}}output_zp = 0 : i32{{.*}}: (tensor<4xui8>) -> tensor<4xi8>
// CHECK: dyadic.requantize {{.*}}output_zp = 128 : i32{{.*}}: (tensor<4xi8>) -> tensor<4xui8>
func.func @unsigned(%x: tensor<4xi8>) -> tensor<4xi8> {
  %z200 = "tosa.const"() {values = dense<-56> : tensor<1xi8>} : () -> tensor<1xi8>
  %z128 = "tosa.const"() {values = dense<-128> : tensor<1xi8>} : () -> tensor<1xi8>
  %z0 = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %m = "tosa.const"() {values = dense<1073741824> : tensor<1xi32>} : () -> tensor<1xi32>
  %s = "tosa.const"() {values = dense<30> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.rescale %x, %m, %s, %z200, %z0 {input_unsigned = true, output_unsigned = false, per_channel = false, rounding_mode = INEXACT_ROUND, scale32 = true} : (tensor<4xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<4xi8>
  %1 = tosa.rescale %0, %m, %s, %z0, %z128 {input_unsigned = false, output_unsigned = true, per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<4xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<4xi8>
  return %1 : tensor<4xi8>
}
