// RUN: dyadic-opt %s --tosa-to-qnn | FileCheck %s

// CHECK-LABEL: @softmax
// CHECK-NEXT: %[[S:.*]] = qnn.softmax %arg0 {axis = 1 : i64, qnn.range = [#qnn.range<0.000000e+00 : f64, 1.000000e+00 : f64>]}
// CHECK-NEXT: return %[[S]]
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %m = tosa.reduce_max %x {axis = 1 : i32} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %d = tosa.sub %x, %m : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %e = tosa.exp %d : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %s = tosa.reduce_sum %e {axis = 1 : i32} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %r = tosa.reciprocal %s : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %0 = tosa.mul %e, %r, %shift {qnn.range = [#qnn.range<0.0 : f64, 1.0 : f64>]} : (tensor<2x3xf32>, tensor<2x1xf32>, tensor<1xi8>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// The sum is over another axis: not one.
// CHECK-LABEL: @other
// CHECK-NOT: qnn.softmax
func.func @other(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %m = tosa.reduce_max %x {axis = 1 : i32} : (tensor<3x3xf32>) -> tensor<3x1xf32>
  %d = tosa.sub %x, %m : (tensor<3x3xf32>, tensor<3x1xf32>) -> tensor<3x3xf32>
  %e = tosa.exp %d : (tensor<3x3xf32>) -> tensor<3x3xf32>
  %s = tosa.reduce_sum %e {axis = 0 : i32} : (tensor<3x3xf32>) -> tensor<1x3xf32>
  %r = tosa.reciprocal %s : (tensor<1x3xf32>) -> tensor<1x3xf32>
  %0 = tosa.mul %e, %r, %shift : (tensor<3x3xf32>, tensor<1x3xf32>, tensor<1xi8>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}
