// RUN: dyadic-opt %s --qnn-quantize=scheme=dynamic -split-input-file | FileCheck %s
// RUN: dyadic-opt %s --qnn-quantize=scheme=dynamic-tensor -split-input-file | FileCheck %s --check-prefix=TENSOR
// RUN: not dyadic-opt %s --qnn-quantize=scheme=dynamite -split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: expected scheme static, dynamic, dynamic-tensor, weight-only, but got 'dynamite'

// No ranges are needed. What two products read is rounded once, row by row; the
// third one of them has no weights.
// CHECK-LABEL: func @products
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x2xf32>)
// CHECK: %[[R:.*]] = qnn.dynamic_round %[[X]] {outer = 2 : i64}
// CHECK: %[[A:.*]] = qnn.matmul %[[R]], %{{.*}} : (tensor<1x3x2xf32>, tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {5.000000e-01,1.000000e+00}>>) -> tensor<1x3x2xf32>
// CHECK: %[[B:.*]] = qnn.matmul %[[R]],
// CHECK: qnn.matmul %[[A]], %{{.*}} {qnn.float_reason = "this scheme is for contractions with weights"}
// TENSOR-LABEL: func @products
// TENSOR: qnn.dynamic_round %{{.*}} {outer = 1 : i64}
func.func @products(%x: tensor<1x3x2xf32>) -> tensor<1x3x3xf32> {
  %w = qnn.constant dense<[[63.5, 127.0], [-1.0, 2.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %a = qnn.matmul %x, %w : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
  %b = qnn.matmul %x, %w : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
  %t = qnn.transpose %b {permutation = array<i64: 0, 2, 1>} : (tensor<1x3x2xf32>) -> tensor<1x2x3xf32>
  %c = qnn.matmul %a, %t : (tensor<1x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x3x3xf32>
  return %c : tensor<1x3x3xf32>
}

// -----

// A pixel of the first result depends on one pixel; one of the second on nine.
// CHECK-LABEL: func @images
// CHECK: qnn.dynamic_round %{{.*}} {outer = 3 : i64}
// CHECK: qnn.conv2d
// CHECK: qnn.relu {{.*}}qnn.float_reason
// CHECK: qnn.dynamic_round %{{.*}} {outer = 1 : i64}
// CHECK: qnn.conv2d {{.*}}pads = array<i64: 1, 1, 1, 1>
func.func @images(%x: tensor<2x4x4x1xf32>) -> tensor<2x4x4x1xf32> {
  %w = qnn.constant dense<1.0> : tensor<1x1x1x1xf32> : tensor<1x1x1x1xf32>
  %v = qnn.constant dense<1.0> : tensor<1x3x3x1xf32> : tensor<1x3x3x1xf32>
  %0 = qnn.conv2d %x, %w : (tensor<2x4x4x1xf32>, tensor<1x1x1x1xf32>) -> tensor<2x4x4x1xf32>
  %1 = qnn.relu %0 : (tensor<2x4x4x1xf32>) -> tensor<2x4x4x1xf32>
  %2 = qnn.conv2d %1, %v {pads = array<i64: 1, 1, 1, 1>} : (tensor<2x4x4x1xf32>, tensor<1x3x3x1xf32>) -> tensor<2x4x4x1xf32>
  return %2 : tensor<2x4x4x1xf32>
}

// -----

// A table is stored as bytes, each row with a scale.
// CHECK-LABEL: func @table
// CHECK: %[[B:.*]] = qnn.constant dense<{{\[\[}}127, -64], [127, 0], [64, 127]]> : tensor<3x2xi8>
// CHECK: %[[G:.*]] = qnn.gather %[[B]], %arg0 {axis = 0 : i64} : {{.*}} -> tensor<2x2x!quant.uniform<i8<-127:127>:f32, 1.000000e+00>>
// CHECK: %[[S:.*]] = qnn.constant dense<{{\[\[}}2.000000e+00], [1.000000e+00], [5.000000e-01]]>
// CHECK: %[[T:.*]] = qnn.gather %[[S]], %arg0 {axis = 0 : i64} : {{.*}} -> tensor<2x1xf32>
// CHECK: %[[X:.*]] = quant.dcast %[[G]]
// CHECK: qnn.mul %[[X]], %[[T]]
func.func @table(%i: tensor<2xi64>) -> tensor<2x2xf32> {
  %t = qnn.constant dense<[[254.0, -127.0], [127.0, 0.0], [32.0, 63.5]]> : tensor<3x2xf32> : tensor<3x2xf32>
  %0 = qnn.gather %t, %i {axis = 0 : i64} : (tensor<3x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
