// RUN: dyadic-opt %s --tosa-to-qnn | FileCheck %s
// RUN: dyadic-opt %s --tosa-to-qnn --lower-qnn-to-dyadic | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @arithmetic
// CHECK: %[[A:.*]] = qnn.add %arg0, %arg1 : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
// CHECK: %[[M:.*]] = qnn.mul %[[A]], %arg0
// CHECK: %[[N:.*]] = qnn.neg %[[M]]
// CHECK: %[[R:.*]] = qnn.sqrt %[[N]]
// CHECK: qnn.reciprocal %[[R]]
// CHECK-NOT: tosa
func.func @arithmetic(%x: tensor<2x3xf32>, %y: tensor<1x3xf32>) -> tensor<2x3xf32> {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.add %x, %y : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  %1 = tosa.mul %0, %x, %shift : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<1xi8>) -> tensor<2x3xf32>
  %2 = tosa.negate %1, %zp, %zp : (tensor<2x3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x3xf32>
  %3 = tosa.rsqrt %2 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %3 : tensor<2x3xf32>
}

// CHECK-LABEL: @functions
// CHECK: qnn.relu
// CHECK: qnn.clamp {{.*}} {max = 6.000000e+00 : f32, min = 0.000000e+00 : f32}
// CHECK: qnn.sigmoid
// CHECK: qnn.tanh
// CHECK: qnn.exp
// CHECK: qnn.maximum
// CHECK: qnn.pow
func.func @functions(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = tosa.clamp %x {min_val = 0.0 : f32, max_val = 3.40282347E+38 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = tosa.sigmoid %1 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = tosa.tanh %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = tosa.exp %3 : (tensor<4xf32>) -> tensor<4xf32>
  %5 = tosa.maximum %4, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %6 = tosa.pow %5, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %6 : tensor<4xf32>
}

// A table maps storage values: level 3, whatever they stand for.
// CHECK-LABEL: @table
// CHECK: %[[S:.*]] = quant.scast %arg0 : tensor<2x!quant.uniform<i8:f32, 1.000000e-01>> to tensor<2xi8>
// CHECK: %[[L:.*]] = dyadic.lookup %[[S]], dense<7> : tensor<256xi8> : (tensor<2xi8>) -> tensor<2xi8>
// CHECK: quant.scast %[[L]] : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32, 2.000000e-01:5>>
// CHECK: dyadic.lookup %arg1
// LOWER-LABEL: @table
// LOWER-SAME: %arg0: tensor<2xi8>, %arg1: tensor<2xi8>) -> (tensor<2xi8>, tensor<2xi8>)
// LOWER-NEXT: %[[L:.*]] = dyadic.lookup %arg0
// LOWER-NEXT: %[[M:.*]] = dyadic.lookup %arg1
// LOWER-NEXT: return %[[L]], %[[M]]
func.func @table(%q: tensor<2x!quant.uniform<i8:f32, 0.1>>, %i: tensor<2xi8>) -> (tensor<2x!quant.uniform<i8:f32, 0.2:5>>, tensor<2xi8>) {
  %t = "tosa.const"() {values = dense<7> : tensor<256xi8>} : () -> tensor<256xi8>
  %0 = tosa.table %q, %t : (tensor<2x!quant.uniform<i8:f32, 0.1>>, tensor<256xi8>) -> tensor<2x!quant.uniform<i8:f32, 0.2:5>>
  %1 = tosa.table %i, %t : (tensor<2xi8>, tensor<256xi8>) -> tensor<2xi8>
  return %0, %1 : tensor<2x!quant.uniform<i8:f32, 0.2:5>>, tensor<2xi8>
}
