// RUN: dyadic-opt %s --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// Rounding that a model asks for stays, whatever it is between.

// CHECK-LABEL: @kept
// CHECK: qnn.quantize
// CHECK: qnn.dequantize
func.func @kept(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qnn.quantize %x : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5:128>>
  %1 = qnn.dequantize %0 : (tensor<4x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @cast_back
// CHECK-NEXT: return %arg0
func.func @cast_back(%x: tensor<4xui8>) -> tensor<4xui8> {
  %0 = qnn.storage_cast %x : (tensor<4xui8>) -> tensor<4x!quant.uniform<u8:f32, 0.5:128>>
  %1 = qnn.storage_cast %0 : (tensor<4x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<4xui8>
  return %1 : tensor<4xui8>
}

// -----

func.func @signs(%x: tensor<4xi8>) {
  // expected-error@+1 {{expected a quantized type and the integer that stores it, but got 'i8' and '!quant.uniform<u8:f32, 5.000000e-01:128>'}}
  %0 = qnn.storage_cast %x : (tensor<4xi8>) -> tensor<4x!quant.uniform<u8:f32, 0.5:128>>
  return
}
