// RUN: dyadic-opt %s --tosa-to-qnn | FileCheck %s
// Maximum, minimum and sum of constants, by the interpreter:
// RUN: dyadic-opt %s --tosa-to-qnn --qnn-fold-constants | FileCheck %s --check-prefix=FOLD

// CHECK-LABEL: @pools
// CHECK: qnn.max_pool2d %arg0 {kernel = array<i64: 3, 2>, pads = array<i64: 1, 0, 0, 1>, strides = array<i64: 2, 1>}
// CHECK: qnn.avg_pool2d {{.*}} {kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 1, 1>, strides = array<i64: 2, 2>}
func.func @pools(%x: tensor<1x6x5x2xf32>) -> tensor<1x2x3x2xf32> {
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.max_pool2d %x {kernel = array<i64: 3, 2>, pad = array<i64: 1, 0, 0, 1>, stride = array<i64: 2, 1>} : (tensor<1x6x5x2xf32>) -> tensor<1x3x5x2xf32>
  %1 = tosa.avg_pool2d %0, %zp, %zp {acc_type = f32, kernel = array<i64: 2, 2>, pad = array<i64: 0, 1, 0, 1>, stride = array<i64: 2, 2>} : (tensor<1x3x5x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x3x2xf32>
  return %1 : tensor<1x2x3x2xf32>
}

// CHECK-LABEL: @reductions
// CHECK: %[[I:.*]] = qnn.reshape {{.*}} -> tensor<1x2x1x3xf32>
// CHECK: %[[M:.*]] = qnn.max_pool2d %[[I]] {kernel = array<i64: 2, 1>}
// CHECK: qnn.reshape %[[M]] : (tensor<1x1x1x3xf32>) -> tensor<1x3xf32>
// FOLD-LABEL: @reductions
// FOLD-DAG: dense<{{\[\[4.000000e\+00, 5.000000e\+00, 2.000000e\+00\]\]}}>
// FOLD-DAG: dense<{{\[\[-2.000000e\+00\], \[1.000000e\+00\]\]}}>
// FOLD-DAG: dense<{{\[\[0.000000e\+00\], \[1.000000e\+01\]\]}}>
func.func @reductions() -> (tensor<1x3xf32>, tensor<2x1xf32>, tensor<2x1xf32>) {
  %x = "tosa.const"() {values = dense<[[0.0, -2.0, 2.0], [4.0, 5.0, 1.0]]> : tensor<2x3xf32>} : () -> tensor<2x3xf32>
  %0 = tosa.reduce_max %x {axis = 0 : i32} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  %1 = tosa.reduce_min %x {axis = 1 : i32} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %2 = tosa.reduce_sum %x {axis = 1 : i32} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  return %0, %1, %2 : tensor<1x3xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}
