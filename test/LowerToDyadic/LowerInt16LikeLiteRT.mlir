// RUN: dyadic-opt %s --lower-qnn-to-dyadic --split-input-file --verify-diagnostics | FileCheck %s

!x = !quant.uniform<i16:f32, 0.5>
!w = !quant.uniform<i8:f32, 0.25>
!b = !quant.uniform<i32:f32, 0.125>

// The upper and the lower bytes are multiplied apart; 0.5 · 0.25 / 0.5 = 2^14 · 2^-16.
// CHECK-LABEL: func @conv
// CHECK: %[[P:.*]]:2 = qnn.compute(%arg0) {name = "SplitBytes"} : (tensor<1x2x2x2xi16>) -> (tensor<1x2x2x2xi8>, tensor<1x2x2x2xui8>)
// CHECK-DAG: dyadic.conv2d %[[P]]#0, {{.*}} -> tensor<1x2x2x1xi32>
// CHECK-DAG: dyadic.conv2d %[[P]]#1, {{.*}} -> tensor<1x2x2x1xi32>
// CHECK-DAG: qnn.constant dense<7> : tensor<1xi64>
// CHECK-DAG: qnn.constant dense<16384> : tensor<1xi32>
// CHECK-DAG: qnn.constant dense<16> : tensor<1xi32>
// CHECK: qnn.compute({{.*}}) {name = "ScaleSums"}
func.func @conv(%x: tensor<1x2x2x2x!x>) -> tensor<1x2x2x1x!x> attributes {qnn.rounding = "double_round"} {
  %w = qnn.constant dense<1> : tensor<1x1x1x2xi8> : tensor<1x1x1x2x!w>
  %b = qnn.constant dense<7> : tensor<1xi32> : tensor<1x!b>
  %0 = qnn.conv2d %x, %w, %b : (tensor<1x2x2x2x!x>, tensor<1x1x1x2x!w>, tensor<1x!b>) -> tensor<1x2x2x1x!x>
  return %0 : tensor<1x2x2x1x!x>
}

// -----

!x = !quant.uniform<i16:f32, 0.5>
!w = !quant.uniform<i8:f32, 0.25>

// Fully connected layers scale their sums as f64.
// CHECK-LABEL: func @dense
// CHECK: qnn.constant dense<2.500000e-01> : tensor<1xf64>
// CHECK: qnn.compute({{.*}}) {name = "ScaleSums"}
// CHECK: arith.sitofp %{{.*}} : i64 to f64
func.func @dense(%x: tensor<1x2x!x>) -> tensor<1x1x!x> attributes {qnn.rounding = "double_round"} {
  %w = qnn.constant dense<1> : tensor<2x1xi8> : tensor<2x1x!w>
  %0 = qnn.matmul %x, %w : (tensor<1x2x!x>, tensor<2x1x!w>) -> tensor<1x1x!x>
  return %0 : tensor<1x1x!x>
}

// -----

!x = !quant.uniform<i16:f32, 0.000244140625>
!y = !quant.uniform<i16:f32, 0.000030517578125>

// 256 steps of a sigmoid, which lines connect.
// CHECK-LABEL: func @sigmoid
// CHECK: %[[T:.*]] = dyadic.constant dense<"0x00800000AB820000
// CHECK: qnn.compute(%arg0, %[[T]]) {name = "sigmoid"}
func.func @sigmoid(%x: tensor<4x!x>) -> tensor<4x!y> attributes {qnn.rounding = "double_round"} {
  %0 = qnn.sigmoid %x : (tensor<4x!x>) -> tensor<4x!y>
  return %0 : tensor<4x!y>
}

// -----

!x = !quant.uniform<i16:f32, 0.5:3>
!w = !quant.uniform<i8:f32, 0.25>

// Zero points other than 0 have no such form.
func.func @zero_point(%x: tensor<1x2x!x>) -> tensor<1x1x!x> attributes {qnn.rounding = "double_round"} {
  %w = qnn.constant dense<1> : tensor<2x1xi8> : tensor<2x1x!w>
  // expected-warning @below {{qnn.matmul is computed in float: its result may be a step away}}
  %0 = qnn.matmul %x, %w : (tensor<1x2x!x>, tensor<2x1x!w>) -> tensor<1x1x!x>
  return %0 : tensor<1x1x!x>
}
