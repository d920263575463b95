// RUN: dyadic-opt %s --qnn-quantize | FileCheck %s

// 0.25 rounds to 32/127 = 0.251968…; with a mean of 100 that input moves the sum by
// 0.1968…, which the bias takes back.
// CHECK-LABEL: func.func @mean_error
//       CHECK:   %[[BIAS:.*]] = qnn.constant dense<0.803149{{.*}}> : tensor<1xf32>
//       CHECK:   qnn.matmul %{{.*}}, %{{.*}}, %[[BIAS]] :
func.func @mean_error(%x: tensor<1x2xf32> {qnn.range = #qnn.range<0.0, 255.0>}) -> tensor<1x1xf32> {
  %w = qnn.constant dense<[[1.0], [0.25]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %b = qnn.constant dense<1.0> : tensor<1xf32> : tensor<1xf32>
  %0 = qnn.matmul %x, %w, %b {qnn.range = [#qnn.range<0.0, 100.0>], qnn.input_means = array<f32: 3.0, 100.0>} : (tensor<1x2xf32>, tensor<2x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// Without a bias there is one afterwards; a weight of a depthwise filter belongs to
// its own channel.
// CHECK-LABEL: func.func @depthwise
//       CHECK:   %[[BIAS:.*]] = qnn.constant dense<[-0.19684{{[0-9]*}}, 0.000000e+00]> : tensor<2xf32>
//       CHECK:   qnn.conv2d %{{.*}}, %{{.*}}, %[[BIAS]] {groups = 2 : i64}
func.func @depthwise(%x: tensor<1x1x2x2xf32> {qnn.range = #qnn.range<0.0, 255.0>}) -> tensor<1x1x1x2xf32> {
  %w = qnn.constant dense<[[[[1.0], [0.25]]], [[[1.0], [0.25]]]]> : tensor<2x1x2x1xf32> : tensor<2x1x2x1xf32>
  %0 = qnn.conv2d %x, %w {groups = 2 : i64, qnn.range = [#qnn.range<0.0, 100.0>], qnn.input_means = array<f32: 100.0, 0.0>} : (tensor<1x1x2x2xf32>, tensor<2x1x2x1xf32>) -> tensor<1x1x1x2xf32>
  return %0 : tensor<1x1x1x2xf32>
}
