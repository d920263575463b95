// RUN: dyadic-opt %s --qnn-fold-activations | FileCheck %s

!wide = !quant.uniform<u8:f32, 0.1:128>
!relu = !quant.uniform<u8:f32, 0.05>
!w = !quant.uniform<i8<-127:127>:f32, 0.01>

// CHECK-LABEL: func @relu
// CHECK: %[[C:.*]] = qnn.conv2d {{.*}} -> tensor<1x2x2x1x!quant.uniform<u8:f32, 5.000000e-02>>
// CHECK-NEXT: return %[[C]]
func.func @relu(%x: tensor<1x2x2x1x!wide>, %w: tensor<1x1x1x1x!w>) -> tensor<1x2x2x1x!relu> {
  %0 = qnn.conv2d %x, %w : (tensor<1x2x2x1x!wide>, tensor<1x1x1x1x!w>) -> tensor<1x2x2x1x!wide>
  %1 = qnn.relu %0 : (tensor<1x2x2x1x!wide>) -> tensor<1x2x2x1x!relu>
  return %1 : tensor<1x2x2x1x!relu>
}

// The sum's readers are two: it keeps its type, and the relu stays.
// CHECK-LABEL: func @two_readers
// CHECK: qnn.add {{.*}} -> tensor<4x!quant.uniform<u8:f32, 1.000000e-01:128>>
// CHECK: qnn.relu
func.func @two_readers(%x: tensor<4x!wide>) -> (tensor<4x!wide>, tensor<4x!relu>) {
  %0 = qnn.add %x, %x : (tensor<4x!wide>, tensor<4x!wide>) -> tensor<4x!wide>
  %1 = qnn.relu %0 : (tensor<4x!wide>) -> tensor<4x!relu>
  return %0, %1 : tensor<4x!wide>, tensor<4x!relu>
}

// The type holds values below 1: the clamp stays, behind a sum of its type.
// CHECK-LABEL: func @cuts_more_than_the_type
// CHECK: qnn.add {{.*}} -> tensor<4x!quant.uniform<u8:f32, 5.000000e-02>>
// CHECK: qnn.clamp
func.func @cuts_more_than_the_type(%x: tensor<4x!wide>) -> tensor<4x!relu> {
  %0 = qnn.add %x, %x : (tensor<4x!wide>, tensor<4x!wide>) -> tensor<4x!wide>
  %1 = qnn.clamp %0 {min = 1.0 : f32, max = 100.0 : f32} : (tensor<4x!wide>) -> tensor<4x!relu>
  return %1 : tensor<4x!relu>
}

// CHECK-LABEL: func @clamp_at_both_ends
// CHECK: qnn.add
// CHECK-NOT: qnn.clamp
func.func @clamp_at_both_ends(%x: tensor<4x!wide>) -> tensor<4x!relu> {
  %0 = qnn.add %x, %x : (tensor<4x!wide>, tensor<4x!wide>) -> tensor<4x!wide>
  %1 = qnn.clamp %0 {min = 0.0 : f32, max = 12.75 : f32} : (tensor<4x!wide>) -> tensor<4x!relu>
  return %1 : tensor<4x!relu>
}

// A pooling's result has its input's type.
// CHECK-LABEL: func @same_type
// CHECK: qnn.max_pool2d {{.*}} -> tensor<1x2x2x1x!quant.uniform<u8:f32, 1.000000e-01:128>>
// CHECK: qnn.relu
func.func @same_type(%x: tensor<1x2x2x1x!wide>) -> tensor<1x2x2x1x!relu> {
  %0 = qnn.max_pool2d %x {kernel = array<i64: 1, 1>} : (tensor<1x2x2x1x!wide>) -> tensor<1x2x2x1x!wide>
  %1 = qnn.relu %0 : (tensor<1x2x2x1x!wide>) -> tensor<1x2x2x1x!relu>
  return %1 : tensor<1x2x2x1x!relu>
}
