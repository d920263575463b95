// RUN: dyadic-opt %s --dyadic-materialize-padding | FileCheck %s

// CHECK-LABEL: func @conv2d
// CHECK: %[[P:.*]] = qnn.pad %arg0 {high = array<i64: 0, 3, 4, 0>, low = array<i64: 0, 1, 2, 0>, value = 0.000000e+00 : f32} : {{.*}} -> tensor<1x6x8x1xf32>
// CHECK: qnn.conv2d %[[P]], %arg1 : {{.*}} -> tensor<1x6x8x1xf32>
func.func @conv2d(%x: tensor<1x2x2x1xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x6x8x1xf32> {
  %0 = qnn.conv2d %x, %w {pads = array<i64: 1, 2, 3, 4>} : (tensor<1x2x2x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x6x8x1xf32>
  return %0 : tensor<1x6x8x1xf32>
}

// CHECK-LABEL: func @max_pool2d
// CHECK: qnn.pad {{.*}}value = 0xFF800000 : f32
func.func @max_pool2d(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> {
  %0 = qnn.max_pool2d %x {kernel = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>} : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  return %0 : tensor<1x2x2x1xf32>
}

// Zeros become elements like others, if they count.
// CHECK-LABEL: func @avg_pool2d
// CHECK: qnn.pad {{.*}}value = 0.0
// CHECK: qnn.avg_pool2d %{{[0-9]+}} {count_include_pad = true, kernel = array<i64: 2, 2>} :
// CHECK: qnn.avg_pool2d %arg0 {{.*}}pads = array<i64: 1, 1, 0, 0>
func.func @avg_pool2d(%x: tensor<1x2x2x1xf32>) -> (tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>) {
  %0 = qnn.avg_pool2d %x {kernel = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, count_include_pad = true} : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  %1 = qnn.avg_pool2d %x {kernel = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>} : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  return %0, %1 : tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>
}

// CHECK-LABEL: func @nothing_to_do
// CHECK-NOT: qnn.pad
func.func @nothing_to_do(%x: tensor<1x2x2x1xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x2x2x1xf32> {
  %0 = qnn.conv2d %x, %w : (tensor<1x2x2x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x2x2x1xf32>
  return %0 : tensor<1x2x2x1xf32>
}
