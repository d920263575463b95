// RUN: dyadic-opt %s --lower-qnn-to-dyadic --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dyadic-opt %s --lower-qnn-to-dyadic=rounding=half_up --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=UP

!x = !quant.uniform<i16:f32, 0.5>
!w = !quant.uniform<i8:f32, 0.25>

// The upper and the lower bytes are multiplied apart. A bias of 1.0 is 8 steps of
// 0.5 * 0.25, and 0.5 * 0.25 / 0.5 = 2^23 * 2^-25; ties go to even.
// CHECK-LABEL: func @conv
// CHECK: %[[P:.*]]:2 = qnn.compute(%arg0) {name = "SplitBytes"} : (tensor<1x2x2x2xi16>) -> (tensor<1x2x2x2xi8>, tensor<1x2x2x2xui8>)
// CHECK-DAG: %[[H:.*]] = dyadic.pad %[[P]]#0
// CHECK-DAG: %[[L:.*]] = dyadic.pad %[[P]]#1
// CHECK-DAG: dyadic.conv2d %[[H]], {{.*}} -> tensor<1x3x3x1xi32>
// CHECK-DAG: dyadic.conv2d %[[L]], {{.*}} -> tensor<1x3x3x1xi32>
// CHECK-DAG: qnn.constant dense<8> : tensor<1xi64>
// CHECK-DAG: qnn.constant dense<8388608> : tensor<1xi32>
// CHECK-DAG: qnn.constant dense<25> : tensor<1xi32>
// CHECK: qnn.compute({{.*}}) {name = "ScaleSums"}
// CHECK: arith.andi
// CHECK: arith.shrsi
// UP-LABEL: func @conv
// UP: {name = "ScaleSums"}
// UP-NOT: arith.andi
// UP: arith.shrsi
func.func @conv(%x: tensor<1x2x2x2x!x>) -> tensor<1x3x3x1x!x> {
  %w = qnn.constant dense<1> : tensor<1x1x1x2xi8> : tensor<1x1x1x2x!w>
  %b = qnn.constant dense<1.0> : tensor<1xf32> : tensor<1xf32>
  %0 = qnn.conv2d %x, %w, %b {pads = array<i64: 0, 0, 1, 1>} : (tensor<1x2x2x2x!x>, tensor<1x1x1x2x!w>, tensor<1xf32>) -> tensor<1x3x3x1x!x>
  return %0 : tensor<1x3x3x1x!x>
}

// -----

!x = !quant.uniform<i16:f32, 0.5>
!y = !quant.uniform<u8:f32, 0.5:3>
!w = !quant.uniform<i8<-127:127>:f32:1, {0.25, 0.5}>

// Bytes may come out, and each channel has its scale.
// CHECK-LABEL: func @matmul
// CHECK: dyadic.matmul
// CHECK: dyadic.matmul
// CHECK-DAG: qnn.constant dense<[25, 24]> : tensor<2xi32>
// CHECK: qnn.compute({{.*}}) {name = "ScaleSums"} : ({{.*}}) -> tensor<1x2xui8>
func.func @matmul(%x: tensor<1x2x!x>) -> tensor<1x2x!y> {
  %w = qnn.constant dense<1> : tensor<2x2xi8> : tensor<2x2x!w>
  %0 = qnn.matmul %x, %w : (tensor<1x2x!x>, tensor<2x2x!w>) -> tensor<1x2x!y>
  return %0 : tensor<1x2x!y>
}

// -----

!x = !quant.uniform<i16:f32, 0.5>
!y = !quant.uniform<i16<0:32767>:f32, 0.25>

// Functions are computed in f32; what only cuts is a clamp behind a rescale.
// CHECK-LABEL: func @functions
// CHECK: dyadic.dequantize %arg0 {{.*}} : (tensor<4xi16>) -> tensor<4xf32>
// CHECK: qnn.sigmoid {{.*}} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK: dyadic.quantize {{.*}} -> tensor<4xi16>
// CHECK: %[[R:.*]] = dyadic.requantize %arg0
// CHECK: dyadic.clamp %[[R]] {max = 32767 : i32, min = 0 : i32}
func.func @functions(%x: tensor<4x!x>) -> (tensor<4x!y>, tensor<4x!y>) {
  %0 = qnn.sigmoid %x : (tensor<4x!x>) -> tensor<4x!y>
  %1 = qnn.relu %x : (tensor<4x!x>) -> tensor<4x!y>
  return %0, %1 : tensor<4x!y>, tensor<4x!y>
}

// -----

!x = !quant.uniform<i16:f32, 1.0>
!y = !quant.uniform<i16:f32, 0.0000001>
!w = !quant.uniform<i8:f32, 1.0>

func.func @scale(%x: tensor<1x2x!x>) -> tensor<1x1x!y> {
  %w = qnn.constant dense<1> : tensor<2x1xi8> : tensor<2x1x!w>
  // expected-error @+2 {{expected sums of at most 2^23 times the result's scale, but got 1.0}}
  // expected-error @+1 {{failed to legalize operation 'qnn.matmul'}}
  %0 = qnn.matmul %x, %w : (tensor<1x2x!x>, tensor<2x1x!w>) -> tensor<1x1x!y>
  return %0 : tensor<1x1x!y>
}
