// RUN: dyadic-opt %s --qnn-normalize-arithmetic | FileCheck %s

// CHECK-LABEL: func.func @division
//       CHECK:   %[[C:.*]] = qnn.constant dense<2.500000e-01>
//       CHECK:   qnn.mul %arg0, %[[C]]
func.func @division(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qnn.constant dense<4.0> : tensor<f32> : tensor<f32>
  %0 = qnn.div %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// (x - 1) + 4, and a factor of 1.
// CHECK-LABEL: func.func @merge
//       CHECK:   %[[C:.*]] = qnn.constant dense<3.000000e+00>
//       CHECK:   %[[Y:.*]] = qnn.add %arg0, %[[C]]
//       CHECK:   return %[[Y]]
func.func @merge(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = qnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %four = qnn.constant dense<4.0> : tensor<1xf32> : tensor<1xf32>
  %0 = qnn.sub %x, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qnn.mul %0, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = qnn.add %1, %four : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// CHECK-LABEL: func.func @relu6
//  CHECK-NOT:   qnn.maximum
//      CHECK:   qnn.clamp %arg0 {max = 6.000000e+00 : f32, min = 0.000000e+00 : f32}
func.func @relu6(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = qnn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %six = qnn.constant dense<6.0> : tensor<f32> : tensor<f32>
  %0 = qnn.maximum %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qnn.minimum %0, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// An addition of 0 that widens the shape stays, as does a division of a constant.
// CHECK-LABEL: func.func @kept
//       CHECK:   qnn.add
//       CHECK:   qnn.div
func.func @kept(%x: tensor<1xf32>) -> tensor<4xf32> {
  %zeros = qnn.constant dense<0.0> : tensor<4xf32> : tensor<4xf32>
  %one = qnn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %0 = qnn.add %x, %zeros : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = qnn.div %one, %0 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// x + x·g, with a gate for each channel; not where both have one size.
// CHECK-LABEL: func.func @gate_beside_identity
//       CHECK:   %[[ONE:.*]] = qnn.constant dense<1.000000e+00> : tensor<f32>
//       CHECK:   %[[MORE:.*]] = qnn.add %arg1, %[[ONE]] : (tensor<1x1x4xf32>, tensor<f32>) -> tensor<1x1x4xf32>
//       CHECK:   %[[Y:.*]] = qnn.mul %arg0, %[[MORE]]
//       CHECK:   %[[SQUARE:.*]] = qnn.mul %arg2, %arg2
//       CHECK:   %[[SUM:.*]] = qnn.add %arg2, %[[SQUARE]]
//       CHECK:   return %[[Y]], %[[SUM]]
func.func @gate_beside_identity(%x: tensor<1x8x4xf32>, %g: tensor<1x1x4xf32>, %z: tensor<4xf32>) -> (tensor<1x8x4xf32>, tensor<4xf32>) {
  %0 = qnn.mul %x, %g : (tensor<1x8x4xf32>, tensor<1x1x4xf32>) -> tensor<1x8x4xf32>
  %1 = qnn.add %x, %0 : (tensor<1x8x4xf32>, tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  %2 = qnn.mul %z, %z : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = qnn.add %z, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3 : tensor<1x8x4xf32>, tensor<4xf32>
}
