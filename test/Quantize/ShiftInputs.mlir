// RUN: dyadic-opt %s --qnn-shift-inputs -split-input-file | FileCheck %s
// RUN: dyadic-opt %s --qnn-shift-inputs=keep-float=conv -split-input-file | FileCheck %s --check-prefix=KEPT
// RUN: dyadic-opt %s --qnn-shift-inputs --qnn-quantize -split-input-file | FileCheck %s --check-prefix=QUANTIZED

// The bias loses the shift times the sum of the weights, and the border is of what 0
// becomes.
// CHECK-LABEL: func @image(%arg0: tensor<1x2x2x1xf32> {qnn.range = #qnn.range<-1.000000e+00 : f64, 1.000000e+00 : f64>}
//       CHECK:   %[[C:.*]] = qnn.constant dense<2.500000e-01> : tensor<f32>
//       CHECK:   %[[X:.*]] = qnn.add %arg0, %[[C]] {qnn.float_reason = "it moves an input onto the values of its type", qnn.range = [#qnn.range<-7.500000e-01 : f64, 1.250000e+00 : f64>]}
//       CHECK:   %[[B:.*]] = qnn.constant dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
//       CHECK:   %[[P:.*]] = qnn.pad %[[X]] {high = array<i64: 0, 1, 1, 0>, low = array<i64: 0, 0, 0, 0>, qnn.range = {{.*}}, value = 2.500000e-01 : f32} {{.*}} -> tensor<1x3x3x1xf32>
//       CHECK:   qnn.conv2d %[[P]], %{{.*}}, %[[B]] {qnn.input_means = array<f32: 7.500000e-01>
// KEPT-LABEL: func @image
//       KEPT:   qnn.conv2d %arg0
// QUANTIZED-LABEL: func @image
//       QUANTIZED:   %[[X:.*]] = qnn.add %arg0
//       QUANTIZED:   quant.qcast %[[X]] : {{.*}} to tensor<1x2x2x1x!quant.uniform<u8:f32, 0.0078431377187371254:96>>
//       QUANTIZED:   qnn.pad
//       QUANTIZED:   qnn.conv2d
func.func @image(%x: tensor<1x2x2x1xf32> {qnn.range = #qnn.range<-1.0, 1.0>, qnn.shift = 0.25 : f32}) -> tensor<1x2x2x2xf32> {
  %w = qnn.constant dense<[[[[1.0], [0.0]], [[1.0], [0.0]]], [[[1.0], [1.0]], [[1.0], [1.0]]]]> : tensor<2x2x2x1xf32> : tensor<2x2x2x1xf32>
  %b = qnn.constant dense<[1.0, 3.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = qnn.conv2d %x, %w, %b {pads = array<i64: 0, 0, 1, 1>, qnn.input_means = array<f32: 0.5>, qnn.range = [#qnn.range<-9.0, 9.0>]} : (tensor<1x2x2x1xf32>, tensor<2x2x2x1xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32> loc("conv")
  return %0 : tensor<1x2x2x2xf32>
}

// -----

// What only moves elements keeps to its operand's range. Without a bias there is one now.
// CHECK-LABEL: func @moved
//       CHECK:   %[[X:.*]] = qnn.add %arg0
//       CHECK:   %[[T:.*]] = qnn.transpose %[[X]] {{.*}}qnn.range = [#qnn.range<-7.500000e-01 : f64, 1.250000e+00 : f64>]
//       CHECK:   %[[B:.*]] = qnn.constant dense<-1.000000e+00> : tensor<1xf32>
//       CHECK:   qnn.matmul %[[T]], %{{.*}}, %[[B]]
func.func @moved(%x: tensor<2x3xf32> {qnn.range = #qnn.range<-1.0, 1.0>, qnn.shift = 0.25 : f32}) -> tensor<3x1xf32> {
  %w = qnn.constant dense<2.0> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.transpose %x {permutation = array<i64: 1, 0>, qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = qnn.matmul %0, %w {qnn.range = [#qnn.range<-4.0, 4.0>]} : (tensor<3x2xf32>, tensor<2x1xf32>) -> tensor<3x1xf32>
  return %1 : tensor<3x1xf32>
}

// -----

// What a sum reads, too, stays as it is; so does what weights of run time multiply.
// CHECK-LABEL: func @stays
//   CHECK-NOT:   qnn.pad
//       CHECK:   qnn.matmul %arg0
//       CHECK:   qnn.add %{{.*}}, %arg0
//       CHECK:   qnn.matmul %arg1, %arg1
// QUANTIZED-LABEL: func @stays(
//   QUANTIZED-NOT: qnn.shift
//       QUANTIZED: return
func.func @stays(%x: tensor<2x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>, qnn.shift = 0.25 : f32}, %y: tensor<2x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>, qnn.shift = 0.25 : f32}) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = qnn.constant dense<2.0> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-4.0, 4.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = qnn.add %0, %x {qnn.range = [#qnn.range<-5.0, 5.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = qnn.matmul %y, %y {qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1, %2 : tensor<2x2xf32>, tensor<2x2xf32>
}
