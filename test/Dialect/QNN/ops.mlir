// Every op survives text and bytecode.
// RUN: dyadic-opt %s | dyadic-opt | FileCheck %s
// RUN: dyadic-opt %s --emit-bytecode | dyadic-opt | FileCheck %s

!q = !quant.uniform<u8:f32, 0.5:128>

// CHECK-LABEL: func.func @contractions
func.func @contractions(%x: tensor<1x8x8x4xf32>, %w: tensor<6x3x3x2xf32>, %b: tensor<6xf32>, %m: tensor<4x5xf32>) {
  // CHECK: qnn.conv2d %{{.*}}, %{{.*}}, %{{.*}} {groups = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
  // CHECK-SAME: -> tensor<1x4x4x6xf32>
  %0 = qnn.conv2d %x, %w, %b {groups = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x8x8x4xf32>, tensor<6x3x3x2xf32>, tensor<6xf32>) -> tensor<1x4x4x6xf32>
  // CHECK: qnn.matmul %{{.*}}, %{{.*}} : (tensor<1x8x8x4xf32>, tensor<4x5xf32>) -> tensor<1x8x8x5xf32>
  %1 = qnn.matmul %x, %m : (tensor<1x8x8x4xf32>, tensor<4x5xf32>) -> tensor<1x8x8x5xf32>
  return
}

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: tensor<2x4xf32>, %y: tensor<4xf32>) {
  // CHECK: qnn.relu
  %0 = qnn.relu %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: qnn.clamp %{{.*}} {max = 6.000000e+00 : f32, min = 0.000000e+00 : f32}
  %1 = qnn.clamp %x {min = 0.0 : f32, max = 6.0 : f32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: qnn.hard_sigmoid %{{.*}} {alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32}
  %2 = qnn.hard_sigmoid %x {alpha = 0.2 : f32, beta = 0.5 : f32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: qnn.add %{{.*}}, %{{.*}} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %3 = qnn.add %x, %y : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// CHECK-LABEL: func.func @windows
func.func @windows(%x: tensor<1x5x5x2x!q>) -> tensor<1x1x1x2x!q> {
  // CHECK: qnn.max_pool2d %{{.*}} {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x5x5x2x!quant.uniform<u8:f32, 5.000000e-01:128>>)
  %0 = qnn.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x5x5x2x!q>) -> tensor<1x2x2x2x!q>
  // CHECK: qnn.reduce_mean %{{.*}} {axes = array<i64: 1, 2>}
  %1 = qnn.reduce_mean %0 {axes = array<i64: 1, 2>} : (tensor<1x2x2x2x!q>) -> tensor<1x1x1x2x!q>
  return %1 : tensor<1x1x1x2x!q>
}

// CHECK-LABEL: func.func @movement
func.func @movement(%x: tensor<1x2x3x4xf32> {qnn.range = #qnn.range<-1.5, 2.25>}) {
  // CHECK: qnn.transpose %{{.*}} {permutation = array<i64: 0, 3, 1, 2>}
  %0 = qnn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x2x3x4xf32>) -> tensor<1x4x2x3xf32>
  // CHECK: qnn.reshape %{{.*}} : (tensor<1x4x2x3xf32>) -> tensor<4x6xf32>
  %1 = qnn.reshape %0 : (tensor<1x4x2x3xf32>) -> tensor<4x6xf32>
  // CHECK: qnn.slice
  %2 = qnn.slice %1 {offsets = array<i64: 0, 1>, sizes = array<i64: 2, 3>, strides = array<i64: 3, 2>} : (tensor<4x6xf32>) -> tensor<2x3xf32>
  // CHECK: qnn.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %3 = qnn.concat %2, %2 {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  // CHECK: qnn.resize %{{.*}} {cols = array<i64: 0, 0, 1>, rows = array<i64: 1>}
  %4 = qnn.resize %x {rows = array<i64: 1>, cols = array<i64: 0, 0, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x1x3x4xf32>
  // CHECK: qnn.softmax %{{.*}} {axis = 3 : i64}
  %5 = qnn.softmax %x {axis = 3 : i64} : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return
}

// CHECK-LABEL: func.func @integers
func.func @integers(%table: tensor<5x3x!q>, %i: tensor<1x2xi64>, %mask: tensor<2x1xi1>, %x: tensor<2x3xf32>) {
  // CHECK: qnn.gather %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<5x3x!quant.uniform<u8:f32, 5.000000e-01:128>>, tensor<1x2xi64>) -> tensor<1x2x3x!quant.uniform<u8:f32, 5.000000e-01:128>>
  %0 = qnn.gather %table, %i {axis = 0 : i64} : (tensor<5x3x!q>, tensor<1x2xi64>) -> tensor<1x2x3x!q>
  // CHECK: qnn.reshape %{{.*}} : (tensor<1x2xi64>) -> tensor<2xi64>
  %1 = qnn.reshape %i : (tensor<1x2xi64>) -> tensor<2xi64>
  // CHECK: qnn.cast %{{.*}} : (tensor<2x1xi1>) -> tensor<2x1xf32>
  %2 = qnn.cast %mask : (tensor<2x1xi1>) -> tensor<2x1xf32>
  // CHECK: qnn.less
  %3 = qnn.less %x, %2 : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  // CHECK: qnn.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x1xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = qnn.select %2, %x, %3 : (tensor<2x1xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}
