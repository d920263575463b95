// RUN: dyadic-opt %s --dyadic-to-tosa --cse | FileCheck %s

// NaN becomes the least value: clamp's IGNORE. Casts round to the nearest even.
// CHECK-LABEL: @borders
// CHECK: tosa.clamp {{.*}} {max_val = 1.550000e+02 : f32, min_val = -1.000000e+02 : f32, nan_mode = IGNORE}
// CHECK: tosa.cast {{.*}} -> tensor<4xi32>
// CHECK: tosa.add
// CHECK: %[[Q:.*]] = tosa.cast {{.*}} -> tensor<4xi8>
// CHECK: dense<-28> : tensor<1xi8>
// CHECK: tosa.rescale %[[Q]]
// CHECK: tosa.cast {{.*}} -> tensor<4xf32>
// CHECK: tosa.mul
func.func @borders(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dyadic.quantize %x {inverse_scale = 2.0 : f32, zero_point = 100 : i32} : (tensor<4xf32>) -> tensor<4xui8>
  %1 = dyadic.dequantize %0 {scale = 0.5 : f32, zero_point = 100 : i32} : (tensor<4xui8>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
