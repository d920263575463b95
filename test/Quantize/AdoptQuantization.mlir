// RUN: dyadic-opt %s --qnn-adopt-quantization --split-input-file | FileCheck %s

// A convolution takes what is stored, the type behind the relu, and the scales of
// its weights, whose zero point is gone.

// CHECK-LABEL: @conv
// CHECK: %[[W:.*]] = qnn.constant dense<{{\[\[\[\[}}-28, 99]]], {{\[\[\[}}100, -100]]]]> : tensor<2x1x1x2xi8> : tensor<2x1x1x2x!quant.uniform<i8:f32:0, {5.000000e-01,5.000000e-01}>>
// CHECK: %[[Y:.*]] = qnn.conv2d %arg0, %[[W]] : ({{.*}}) -> tensor<1x2x2x2x!quant.uniform<u8:f32, 1.000000e+00>>
// CHECK: %[[R:.*]] = qnn.relu %[[Y]]
// CHECK: %[[D:.*]] = qnn.dequantize %[[R]] :
// CHECK: return %[[D]]
func.func @conv(%x: tensor<1x2x2x2x!quant.uniform<u8:f32, 0.25:3>>) -> tensor<1x2x2x2xf32> {
  %q = qnn.constant dense<[[[[100, 227]]], [[[228, 28]]]]> : tensor<2x1x1x2xui8> : tensor<2x1x1x2x!quant.uniform<u8:f32, 0.5:128>>
  %w = qnn.dequantize %q : (tensor<2x1x1x2x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<2x1x1x2xf32>
  %r = qnn.dequantize %x : (tensor<1x2x2x2x!quant.uniform<u8:f32, 0.25:3>>) -> tensor<1x2x2x2xf32>
  %y = qnn.conv2d %r, %w : (tensor<1x2x2x2xf32>, tensor<2x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  %z = qnn.relu %y : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %s = qnn.quantize %z : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2x!quant.uniform<u8:f32, 1.0>>
  %d = qnn.dequantize %s : (tensor<1x2x2x2x!quant.uniform<u8:f32, 1.0>>) -> tensor<1x2x2x2xf32>
  return %d : tensor<1x2x2x2xf32>
}

// -----

// Nothing quantizes the product: its sums are dequantized. No 8 bits hold 227,
// so each weight is two, and the input is there twice.

// CHECK-LABEL: @sums
// CHECK-DAG: %[[X:.*]] = qnn.concat %arg0, %arg0 {axis = 1 : i64}
// CHECK-DAG: %[[W:.*]] = qnn.constant dense<{{\[\[}}113, 50], [-2, -2], [114, 50], [-1, -1]]> : tensor<4x2xi8>
// CHECK: %[[Y:.*]] = qnn.matmul %[[X]], %[[W]] : ({{.*}}) -> tensor<3x2x!quant.uniform<i32:f32, 1.250000e-01>>
// CHECK: qnn.dequantize %[[Y]]
func.func @sums(%x: tensor<3x2x!quant.uniform<u8:f32, 0.25:3>>) -> tensor<3x2xf32> {
  %q = qnn.constant dense<[[230, 103], [0, 0]]> : tensor<2x2xui8> : tensor<2x2x!quant.uniform<u8:f32, 0.5:3>>
  %w = qnn.dequantize %q : (tensor<2x2x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<2x2xf32>
  %r = qnn.dequantize %x : (tensor<3x2x!quant.uniform<u8:f32, 0.25:3>>) -> tensor<3x2xf32>
  %y = qnn.matmul %r, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Movements trade places with borders; a sum has its operands' own scales.

// CHECK-LABEL: @movements
// CHECK: %[[P:.*]] = qnn.max_pool2d %arg0 {kernel = array<i64: 2, 2>} : ({{.*}}) -> tensor<1x1x1x2x!quant.uniform<i8:f32, 5.000000e-01:-7>>
// CHECK: %[[S:.*]] = qnn.add %[[P]], %arg1 : ({{.*}}) -> tensor<1x1x1x2x!quant.uniform<i8:f32, 2.000000e+00>>
// CHECK: %[[T:.*]] = qnn.reshape %[[S]]
// CHECK: qnn.dequantize %[[T]]
func.func @movements(%x: tensor<1x2x2x2x!quant.uniform<i8:f32, 0.5:-7>>, %y: tensor<1x1x1x2x!quant.uniform<i8:f32, 0.25>>) -> tensor<2xf32> {
  %0 = qnn.dequantize %x : (tensor<1x2x2x2x!quant.uniform<i8:f32, 0.5:-7>>) -> tensor<1x2x2x2xf32>
  %1 = qnn.max_pool2d %0 {kernel = array<i64: 2, 2>} : (tensor<1x2x2x2xf32>) -> tensor<1x1x1x2xf32>
  %2 = qnn.dequantize %y : (tensor<1x1x1x2x!quant.uniform<i8:f32, 0.25>>) -> tensor<1x1x1x2xf32>
  %3 = qnn.add %1, %2 : (tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %4 = qnn.reshape %3 : (tensor<1x1x1x2xf32>) -> tensor<2xf32>
  %5 = qnn.quantize %4 : (tensor<2xf32>) -> tensor<2x!quant.uniform<i8:f32, 2.0>>
  %6 = qnn.dequantize %5 : (tensor<2x!quant.uniform<i8:f32, 2.0>>) -> tensor<2xf32>
  return %6 : tensor<2xf32>
}

// -----

// What has no borders on both sides says so; constants become f32.

// CHECK-LABEL: @reasons
// CHECK-DAG: %[[W:.*]] = qnn.constant dense<{{\[\[}}1.000000e+00], [-5.000000e-01]]> : tensor<2x1xf32>
// CHECK: qnn.softmax {{.*}}qnn.float_reason = "it has no integer form"
// CHECK: qnn.matmul {{.*}}, %[[W]] {qnn.float_reason = "its input is not quantized in the model, only its weights are"}
// CHECK: qnn.sigmoid {{.*}}qnn.float_reason = "an operand is not quantized in the model"
func.func @reasons(%x: tensor<3x2x!quant.uniform<u8:f32, 0.25:3>>) -> tensor<3x1xf32> {
  %q = qnn.constant dense<[[2], [-1]]> : tensor<2x1xi8> : tensor<2x1x!quant.uniform<i8:f32, 0.5>>
  %w = qnn.dequantize %q : (tensor<2x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x1xf32>
  %r = qnn.dequantize %x : (tensor<3x2x!quant.uniform<u8:f32, 0.25:3>>) -> tensor<3x2xf32>
  %s = qnn.softmax %r {axis = 1 : i64} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %y = qnn.matmul %s, %w : (tensor<3x2xf32>, tensor<2x1xf32>) -> tensor<3x1xf32>
  %z = qnn.sigmoid %y : (tensor<3x1xf32>) -> tensor<3x1xf32>
  return %z : tensor<3x1xf32>
}
