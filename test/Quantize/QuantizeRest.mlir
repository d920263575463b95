// RUN: dyadic-opt %s --qnn-quantize-rest -split-input-file | FileCheck %s

// The sum has room for twice its range, the norm the type of what reads it; the constant
// has 16 bits, scale and bias stay as they are.
// CHECK-LABEL: @residual
//       CHECK:   %[[C:.*]] = qnn.constant dense<[16384, 32767, 0, -32767]> : tensor<4xi16> : tensor<4x!quant.uniform<i16:f32, 3.0518509{{.*}}>>
//       CHECK:   %[[X:.*]] = qnn.storage_cast %arg0 : (tensor<2x4xi16>) -> tensor<2x4x!quant.uniform<i16:f32, 5.000000e-01>>
//       CHECK:   %[[SUM:.*]] = qnn.add %[[X]], %[[C]] : {{.*}} -> tensor<2x4x!quant.uniform<i16:f32, 4.88{{[0-9]*}}E-4>>
//       CHECK:   %[[NORM:.*]] = qnn.layer_norm %[[SUM]], %{{.*}}, %{{.*}} {epsilon = 1.000000e+00 : f32} : (tensor<2x4x!quant.uniform<i16:f32, 4.88{{[0-9]*}}E-4>>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x!quant.uniform<u8:f32, 2.500000e-01:3>>
//       CHECK:   qnn.storage_cast %[[NORM]] : {{.*}} -> tensor<2x4xui8>
//   CHECK-NOT:   dyadic
//       CHECK:   %[[REAL:.*]] = quant.dcast %[[SUM]]
//       CHECK:   return %{{.*}}, %[[REAL]]
func.func @residual(%q: tensor<2x4xi16>) -> (tensor<2x4xui8>, tensor<2x4xf32>) {
  %c = qnn.constant dense<[0.5, 1.0, 0.0, -1.0]> : tensor<4xf32> : tensor<4xf32>
  %0 = dyadic.dequantize %q {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<2x4xi16>) -> tensor<2x4xf32>
  %1 = qnn.add %0, %c {qnn.float_reason = "what reads it is float", qnn.range = [#qnn.range<-8.0 : f64, 4.0 : f64>]} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %2 = qnn.layer_norm %1, %c, %c {epsilon = 1.0 : f32, qnn.range = [#qnn.range<-8.0 : f64, 4.0 : f64>]} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %3 = dyadic.quantize %2 {inverse_scale = 4.0 : f32, zero_point = 3 : i32} : (tensor<2x4xf32>) -> tensor<2x4xui8>
  return %3, %1 : tensor<2x4xui8>, tensor<2x4xf32>
}

// -----

// What is read as 8 bits and as a sum's operand has 16, and a rescale: a concatenation of
// one tensor.
// CHECK-LABEL: @both
//       CHECK:   %[[S:.*]] = qnn.softmax {{.*}} -> tensor<2x4x!quant.uniform<i16:f32, 3.0517578125E-5>>
//       CHECK:   qnn.concat %[[S]] {axis = 0 : i64} : {{.*}} -> tensor<2x4x!quant.uniform<u8:f32, 3.906250e-03>>
func.func @both(%q: tensor<2x4xui8>) -> (tensor<2x4xui8>, tensor<2x4xf32>) {
  %0 = dyadic.dequantize %q {scale = 0.5 : f32, zero_point = 3 : i32} : (tensor<2x4xui8>) -> tensor<2x4xf32>
  %1 = qnn.softmax %0 {axis = 1} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = dyadic.quantize %1 {inverse_scale = 256.0 : f32, zero_point = 0 : i32} : (tensor<2x4xf32>) -> tensor<2x4xui8>
  return %2, %1 : tensor<2x4xui8>, tensor<2x4xf32>
}

// -----

// Room for the scores, 2 · 8 and 24 more, not for the mask.
// CHECK-LABEL: @masked
//       CHECK:   qnn.compute(%arg1) {name = "Cast"} : (tensor<4xi64>) -> tensor<4xi16>
//       CHECK:   qnn.storage_cast {{.*}} -> tensor<4x!quant.uniform<i16:f32, 1.000000e+00>>
//       CHECK:   %[[MASK:.*]] = qnn.mul
//       CHECK:   qnn.add %{{.*}}, %[[MASK]] : {{.*}} -> tensor<2x4x!quant.uniform<i16:f32, 0.00122{{.*}}>>
func.func @masked(%q: tensor<2x4xf32> {qnn.range = #qnn.range<-8.0 : f64, 8.0 : f64>}, %m: tensor<4xi64>) -> tensor<2x4xf32> {
  %lowest = qnn.constant dense<-3.0e38> : tensor<f32> : tensor<f32>
  %0 = qnn.cast %m {qnn.range = [#qnn.range<0.0 : f64, 1.0 : f64>]} : (tensor<4xi64>) -> tensor<4xf32>
  %1 = qnn.mul %0, %lowest {qnn.range = [#qnn.range<-3.0e38 : f64, 0.0 : f64>]} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = qnn.add %q, %1 {qnn.range = [#qnn.range<-3.0e38 : f64, 8.0 : f64>]} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %3 = qnn.softmax %2 {axis = 1} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %3 : tensor<2x4xf32>
}

// -----

// A sum that isn't a softmax's has room for all of it.
// CHECK-LABEL: @uneven
//       CHECK:   qnn.add {{.*}} -> tensor<4x!quant.uniform<i16:f32, 0.122{{.*}}>>
func.func @uneven(%q: tensor<4xf32> {qnn.range = #qnn.range<-8.0 : f64, 8.0 : f64>}) -> tensor<4xf32> {
  %c = qnn.constant dense<[0.0, -2000.0, 0.0, 0.0]> : tensor<4xf32> : tensor<4xf32>
  %0 = qnn.add %q, %c {qnn.range = [#qnn.range<-2000.0 : f64, 8.0 : f64>]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// What stays float says why.
// CHECK-LABEL: @stays
//       CHECK:   qnn.exp {{.*}}qnn.float_reason = "it was asked to"
//       CHECK:   qnn.pow {{.*}}qnn.float_reason = "it has no integer form"
//       CHECK:   qnn.mul {{.*}}qnn.float_reason = "an operand is float"
//       CHECK:   qnn.div {{.*}}qnn.float_reason = "its result has no finite calibrated range"
func.func @stays(%q: tensor<4xui8>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = dyadic.dequantize %q {scale = 0.5 : f32, zero_point = 3 : i32} : (tensor<4xui8>) -> tensor<4xf32>
  %1 = qnn.exp %0 {qnn.float_reason = "it was asked to", qnn.range = [#qnn.range<-8.0 : f64, 4.0 : f64>]} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = qnn.pow %0, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = qnn.mul %0, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = qnn.div %0, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
