// RUN: dyadic-opt %s --qnn-recognize-composites --canonicalize | FileCheck %s

// x·clamp(x + 3, 0, 6)·(1/6), the factor last
// CHECK-LABEL: func.func @hard_swish
//  CHECK-NEXT:   %[[Y:.*]] = qnn.hard_swish %arg0
//  CHECK-NEXT:   return %[[Y]]
func.func @hard_swish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = qnn.constant dense<3.0> : tensor<f32> : tensor<f32>
  %sixth = qnn.constant dense<0.16666667> : tensor<1xf32> : tensor<1xf32>
  %0 = qnn.add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qnn.clamp %0 {min = 0.0 : f32, max = 6.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = qnn.mul %x, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = qnn.mul %2, %sixth : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// What the factor is more than 1/6 stays behind: here 1/2 is 3·(1/6).
// CHECK-LABEL: func.func @hard_swish_scaled
//       CHECK:   %[[C:.*]] = qnn.constant dense<3.000000e+00>
//       CHECK:   %[[Y:.*]] = qnn.hard_swish %arg0
//       CHECK:   qnn.mul %[[Y]], %[[C]]
func.func @hard_swish_scaled(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = qnn.constant dense<3.0> : tensor<f32> : tensor<f32>
  %half = qnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %0 = qnn.add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qnn.clamp %0 {min = 0.0 : f32, max = 6.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = qnn.mul %1, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = qnn.mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// CHECK-LABEL: func.func @hard_swish_by_sigmoid
//  CHECK-NEXT:   qnn.hard_swish %arg0
func.func @hard_swish_by_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qnn.hard_sigmoid %x {alpha = 0.1666667 : f32, beta = 0.5 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = qnn.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// The gate of another tensor, with other slopes.
// CHECK-LABEL: func.func @gate
//  CHECK-NEXT:   %[[G:.*]] = qnn.hard_sigmoid %arg1 {alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32}
//  CHECK-NEXT:   qnn.mul %arg0, %[[G]]
func.func @gate(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %b = qnn.constant dense<2.5> : tensor<f32> : tensor<f32>
  %fifth = qnn.constant dense<0.2> : tensor<f32> : tensor<f32>
  %0 = qnn.add %y, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qnn.clamp %0 {min = 0.0 : f32, max = 5.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = qnn.mul %1, %fifth : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = qnn.mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// CHECK-LABEL: func.func @swish
//  CHECK-NEXT:   qnn.swish %arg0
func.func @swish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qnn.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = qnn.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// (x·0.5)·(1 + erf(x/√2))
// CHECK-LABEL: func.func @gelu
//  CHECK-NEXT:   qnn.gelu %arg0
func.func @gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %root = qnn.constant dense<0.70710677> : tensor<f32> : tensor<f32>
  %one = qnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %half = qnn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %0 = qnn.mul %x, %root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qnn.erf %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = qnn.add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = qnn.mul %x, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = qnn.mul %3, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// CHECK-LABEL: func.func @layer_norm
//   CHECK-DAG:   %[[ONES:.*]] = qnn.constant dense<1.000000e+00> : tensor<4xf32>
//   CHECK-DAG:   %[[ZEROS:.*]] = qnn.constant dense<0.000000e+00> : tensor<4xf32>
//       CHECK:   qnn.layer_norm %arg0, %[[ONES]], %[[ZEROS]] {epsilon = 9.99999974E-6 : f32}
func.func @layer_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = qnn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %0 = qnn.reduce_mean %x {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %1 = qnn.sub %x, %0 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %2 = qnn.mul %1, %1 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = qnn.reduce_mean %2 {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %4 = qnn.add %3, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %5 = qnn.sqrt %4 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %6 = qnn.div %1, %5 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @rms_norm
//   CHECK-DAG:   %[[ONES:.*]] = qnn.constant dense<1.000000e+00> : tensor<4xf32>
//   CHECK-DAG:   %[[ZEROS:.*]] = qnn.constant dense<0.000000e+00> : tensor<4xf32>
//       CHECK:   qnn.layer_norm %arg0, %[[ONES]], %[[ZEROS]] {centered = false, epsilon = 9.99999974E-6 : f32}
func.func @rms_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = qnn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %0 = qnn.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = qnn.reduce_mean %0 {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %2 = qnn.add %1, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %3 = qnn.sqrt %2 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %4 = qnn.div %x, %3 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// x · (1 / root), as language models write it, one by a division, one by a reciprocal.
// CHECK-LABEL: func.func @rms_norm_by_reciprocal
//       CHECK:   %[[NORM:.*]] = qnn.layer_norm %arg0, {{.*}} {centered = false
//       CHECK:   qnn.layer_norm %[[NORM]], {{.*}} {centered = false
func.func @rms_norm_by_reciprocal(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = qnn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %one = qnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %0 = qnn.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = qnn.reduce_mean %0 {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %2 = qnn.add %1, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %3 = qnn.sqrt %2 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %4 = qnn.div %one, %3 : (tensor<f32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %5 = qnn.mul %x, %4 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %6 = qnn.mul %5, %5 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %7 = qnn.reduce_mean %6 {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %8 = qnn.add %7, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %9 = qnn.sqrt %8 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %10 = qnn.reciprocal %9 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %11 = qnn.mul %10, %5 : (tensor<2x1xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %11 : tensor<2x4xf32>
}

// Of another tensor's squares it is none.
// CHECK-LABEL: func.func @other_squares
//   CHECK-NOT:   qnn.layer_norm
//       CHECK:   qnn.div
func.func @other_squares(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = qnn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %0 = qnn.mul %x, %y : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = qnn.reduce_mean %0 {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %2 = qnn.add %1, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %3 = qnn.sqrt %2 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %4 = qnn.div %x, %3 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// Another dimension is no layer norm; another tensor's sigmoid no swish.
// CHECK-LABEL: func.func @others
//       CHECK:   qnn.div
//       CHECK:   qnn.mul %arg1
func.func @others(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = qnn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %0 = qnn.reduce_mean %x {axes = array<i64: 0>} : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %1 = qnn.sub %x, %0 : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  %2 = qnn.mul %1, %1 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = qnn.reduce_mean %2 {axes = array<i64: 0>} : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %4 = qnn.add %3, %eps : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xf32>
  %5 = qnn.sqrt %4 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %6 = qnn.div %1, %5 : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  %7 = qnn.sigmoid %6 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %8 = qnn.mul %y, %7 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %8 : tensor<2x4xf32>
}
