// RUN: dyadic-opt %s --tosa-to-qnn | FileCheck %s

// What our integer ops don't say is loops of upstream's arithmetic.

// 48 bits are in 64 outside.
// CHECK-LABEL: @wide(
// CHECK-SAME: %[[X:.*]]: tensor<2x3xi64>) -> tensor<2x3xui16>
// CHECK: %[[R:.*]] = qnn.compute(%[[X]]) {name = "tosa.rescale"} : (tensor<2x3xi64>) -> tensor<2x3xui16> {
// CHECK: arith.trunci %{{.*}} : i64 to i48
// CHECK: arith.constant 65535 : i32
// CHECK: qnn.yield %{{.*}} : tensor<2x3xi16>
// CHECK: return %[[R]]
func.func @wide(%x: tensor<2x3xi48>) -> tensor<2x3xi16> {
  %m = "tosa.const"() {values = dense<[16384, 16385, 16386]> : tensor<3xi16>} : () -> tensor<3xi16>
  %s = "tosa.const"() {values = dense<20> : tensor<3xi8>} : () -> tensor<3xi8>
  %z = "tosa.const"() {values = dense<0> : tensor<1xi48>} : () -> tensor<1xi48>
  %o = "tosa.const"() {values = dense<-32768> : tensor<1xi16>} : () -> tensor<1xi16>
  %0 = tosa.rescale %x, %m, %s, %z, %o {input_unsigned = false, output_unsigned = true, per_channel = true, rounding_mode = SINGLE_ROUND, scale32 = false} : (tensor<2x3xi48>, tensor<3xi16>, tensor<3xi8>, tensor<1xi48>, tensor<1xi16>) -> tensor<2x3xi16>
  return %0 : tensor<2x3xi16>
}

// Of 32 bits; INEXACT_ROUND is half up. One reads what the other computes.
// CHECK-LABEL: @sum
// CHECK: %[[R:.*]] = qnn.compute(%arg0) {name = "tosa.rescale"} : (tensor<4xi32>) -> tensor<4xi32>
// CHECK: %[[S:.*]] = qnn.compute(%[[R]], %arg0) {name = "tosa.add"}
// CHECK: arith.addi
// CHECK-NOT: tosa.
// CHECK: return %[[S]]
func.func @sum(%x: tensor<4xi32>) -> tensor<4xi32> {
  %m = "tosa.const"() {values = dense<1073741824> : tensor<1xi32>} : () -> tensor<1xi32>
  %s = "tosa.const"() {values = dense<31> : tensor<1xi8>} : () -> tensor<1xi8>
  %z = "tosa.const"() {values = dense<0> : tensor<1xi32>} : () -> tensor<1xi32>
  %0 = tosa.rescale %x, %m, %s, %z, %z {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = INEXACT_ROUND, scale32 = true} : (tensor<4xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
  %1 = tosa.add %0, %x : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %1 : tensor<4xi32>
}

// A boolean is a byte outside.
// CHECK-LABEL: @compare
// CHECK-SAME: -> tensor<4xi1>
// CHECK: qnn.compute(%arg0, %arg1) {name = "tosa.greater"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
// CHECK: arith.cmpf ogt
// CHECK: arith.extui %{{.*}} : i1 to i8
func.func @compare(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xi1> {
  %0 = tosa.greater %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// Weights that are computed, with a zero point.
// CHECK-LABEL: @convolution
// CHECK: qnn.compute(%arg0, %arg1) {name = "tosa.conv2d"} : (tensor<1x4x4x2xi8>, tensor<3x2x2x2xi8>) -> tensor<1x3x3x3xi32>
// CHECK: linalg.conv_2d
func.func @convolution(%x: tensor<1x4x4x2xi8>, %w: tensor<3x2x2x2xi8>) -> tensor<1x3x3x3xi32> {
  %b = "tosa.const"() {values = dense<[1, 2, 3]> : tensor<3xi32>} : () -> tensor<3xi32>
  %xz = "tosa.const"() {values = dense<5> : tensor<1xi8>} : () -> tensor<1xi8>
  %wz = "tosa.const"() {values = dense<-3> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %w, %b, %xz, %wz {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x4x4x2xi8>, tensor<3x2x2x2xi8>, tensor<3xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x3x3x3xi32>
  return %0 : tensor<1x3x3x3xi32>
}
