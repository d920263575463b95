// RUN: dyadic-opt %s --qnn-equalize -split-input-file | FileCheck %s

// The second channel is 64 times the first, what reads it a 64th.
// CHECK-LABEL: @between_products
//   CHECK-DAG:   %[[W1:.*]] = qnn.constant dense<8.000000e+00> : tensor<1x2xf32>
//   CHECK-DAG:   %[[B:.*]] = qnn.constant dense<[8.000000e+00, 2.500000e+00]>
//       CHECK:   qnn.matmul %{{.*}}, %[[W1]], %[[B]] {{.*}}qnn.range = [#qnn.range<-8.000000e+00 : f64, 8.000000e+00 : f64>]
//       CHECK:   qnn.relu {{.*}}qnn.channel_powers = array<f32: 9.600000e+00, 2.500000e+01>
//  CHECK-SAME:   qnn.channel_ranges = array<f32: 0.000000e+00, 8.000000e+00, 0.000000e+00, 8.000000e+00>
//       CHECK:   %[[W2:.*]] = qnn.constant dense<1.250000e-01> : tensor<2x1xf32>
//       CHECK:   qnn.matmul %{{.*}}, %[[W2]] {qnn.input_means = array<f32: 4.000000e+00, 4.000000e+00>}
func.func @between_products(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w1 = qnn.constant dense<[[1.0, 64.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %b1 = qnn.constant dense<[1.0, 20.0]> : tensor<2xf32> : tensor<2xf32>
  %w2 = qnn.constant dense<[[1.0], [0.015625]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.matmul %x, %w1, %b1 {qnn.range = [#qnn.range<-64.0, 64.0>], qnn.channel_ranges = array<f32: -1.0, 1.0, -64.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3200.0>} : (tensor<1x1xf32>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %1 = qnn.relu %0 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.15, 1600.0>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = qnn.matmul %1, %w2 {qnn.input_means = array<f32: 0.5, 32.0>} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// -----

// Both operands of a sum scale alike, and so does what else reads it.
// CHECK-LABEL: @residual
// CHECK-COUNT-2: qnn.matmul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 8.000000e+00 : f64>]
//       CHECK:   qnn.add {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 1.600000e+01 : f64>]
// CHECK-COUNT-2: qnn.constant dense<1.250000e-01>
func.func @residual(%x: tensor<1x1xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %w1 = qnn.constant dense<[[1.0, 64.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %w2 = qnn.constant dense<[[1.0], [0.015625]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = qnn.add %0, %1 {qnn.range = [#qnn.range<0.0, 128.0>], qnn.channel_ranges = array<f32: 0.0, 2.0, 0.0, 128.0>, qnn.channel_powers = array<f32: 1.2, 12000.0>} : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %3 = qnn.matmul %2, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %4 = qnn.matmul %0, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %3, %4 : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// A depthwise filter parts two groups: only the one behind it is uneven. What the
// observer cut off, a half of the second channel, stays cut off.
// CHECK-LABEL: @depthwise
//       CHECK:   qnn.conv2d {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 1.000000e+00 : f64>]
//       CHECK:   qnn.constant dense<8.000000e+00> : tensor<2x1x1x1xf32>
//       CHECK:   qnn.conv2d {{.*}}groups = 2 {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 8.000000e+00 : f64>]
//       CHECK:   qnn.slice {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 8.000000e+00 : f64>]
//       CHECK:   qnn.constant dense<1.250000e-01> : tensor<1x1x1x2xf32>
func.func @depthwise(%x: tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32> {
  %w1 = qnn.constant dense<1.0> : tensor<2x1x1x1xf32> : tensor<2x1x1x1xf32>
  %w2 = qnn.constant dense<[[[[1.0]]], [[[64.0]]]]> : tensor<2x1x1x1xf32> : tensor<2x1x1x1xf32>
  %w3 = qnn.constant dense<[[[[1.0, 0.015625]]]]> : tensor<1x1x1x2xf32> : tensor<1x1x1x2xf32>
  %0 = qnn.conv2d %x, %w1 {qnn.range = [#qnn.range<0.0, 1.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 1.0>, qnn.channel_powers = array<f32: 0.3, 0.3>} : (tensor<1x1x1x1xf32>, tensor<2x1x1x1xf32>) -> tensor<1x1x1x2xf32>
  %1 = qnn.conv2d %0, %w2 {groups = 2 : i64, qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 128.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1x1x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x1x1x2xf32>
  %2 = qnn.slice %1 {offsets = array<i64: 0, 0, 0, 0>, sizes = array<i64: 1, 1, 1, 2>, strides = array<i64: 1, 1, 1, 1>, qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 128.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %3 = qnn.conv2d %2, %w3 : (tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x1xf32>
  return %3 : tensor<1x1x1x1xf32>
}

// -----

// A sigmoid and a clamp aren't homogeneous, a mean over channels mixes them, a
// result is the caller's, and even channels have nothing to gain.
// CHECK-LABEL: @stays
// CHECK-COUNT-4: qnn.matmul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 6.400000e+01 : f64>]
//       CHECK:   qnn.matmul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 1.000000e+00 : f64>]
func.func @stays(%x: tensor<1x1xf32>) -> (tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>) {
  %w1 = qnn.constant dense<[[1.0, 64.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %w2 = qnn.constant dense<[[1.0], [0.015625]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %even = qnn.constant dense<1.0> : tensor<1x2xf32> : tensor<1x2xf32>
  %w3 = qnn.constant dense<1.0> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = qnn.sigmoid %0 {qnn.range = [#qnn.range<0.0, 1.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 1.0>, qnn.channel_powers = array<f32: 0.3, 0.3>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = qnn.matmul %1, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %3 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %4 = qnn.matmul %3, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %5 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %6 = qnn.clamp %5 {min = 0.0 : f32, max = 6.0 : f32, qnn.range = [#qnn.range<0.0, 6.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 6.0>, qnn.channel_powers = array<f32: 0.3, 30.0>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %7 = qnn.matmul %6, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %8 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %9 = qnn.reduce_mean %8 {axes = array<i64: 1>, qnn.range = [#qnn.range<0.0, 33.0>], qnn.channel_ranges = array<f32: 0.0, 33.0>, qnn.channel_powers = array<f32: 900.0>} : (tensor<1x2xf32>) -> tensor<1x1xf32>
  %10 = qnn.matmul %x, %even {qnn.range = [#qnn.range<0.0, 1.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 1.0>, qnn.channel_powers = array<f32: 0.3, 0.3>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %11 = qnn.matmul %10, %w3 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %2, %3, %7, %9, %11 : tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// No factor passes through a hard swish: a multiplication behind it divides.
// CHECK-LABEL: @behind_function
//       CHECK:   %[[SUMS:.*]] = qnn.matmul {{.*}}qnn.range = [#qnn.range<-6.400000e+01 : f64, 6.400000e+01 : f64>]
//       CHECK:   %[[SWISH:.*]] = qnn.hard_swish %[[SUMS]] {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 6.400000e+01 : f64>]
//       CHECK:   %[[INVERSES:.*]] = qnn.constant dense<[8.000000e+00, 1.250000e-01]>
//       CHECK:   %[[SCALED:.*]] = qnn.mul %[[SWISH]], %[[INVERSES]] {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 8.000000e+00 : f64>]
//       CHECK:   %[[W2:.*]] = qnn.constant dense<1.250000e-01> : tensor<2x1xf32>
//       CHECK:   qnn.matmul %[[SCALED]], %[[W2]]
func.func @behind_function(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w1 = qnn.constant dense<[[1.0, 64.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %w2 = qnn.constant dense<[[1.0], [0.015625]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<-64.0, 64.0>], qnn.channel_ranges = array<f32: -1.0, 1.0, -64.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3200.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = qnn.hard_swish %0 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.15, 1600.0>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = qnn.matmul %1, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// -----

// What a gate multiplies scales, the gate doesn't.
// CHECK-LABEL: @gate
//       CHECK:   qnn.matmul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 8.000000e+00 : f64>]
//       CHECK:   qnn.sigmoid {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 1.000000e+00 : f64>]
//       CHECK:   qnn.mul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 8.000000e+00 : f64>]
//       CHECK:   qnn.constant dense<1.250000e-01> : tensor<2x1xf32>
func.func @gate(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w1 = qnn.constant dense<[[1.0, 64.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %w2 = qnn.constant dense<[[1.0], [0.015625]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = qnn.sigmoid %x {qnn.range = [#qnn.range<0.0, 1.0>], qnn.channel_ranges = array<f32: 0.0, 1.0>, qnn.channel_powers = array<f32: 0.3>} : (tensor<1x1xf32>) -> tensor<1x1xf32>
  %2 = qnn.mul %0, %1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x2xf32>, tensor<1x1xf32>) -> tensor<1x2xf32>
  %3 = qnn.matmul %2, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %3 : tensor<1x1xf32>
}

// -----

// Each input of a concatenation has some of the channels. Factors are any numbers.
// CHECK-LABEL: @concatenation
//       CHECK:   qnn.constant dense<2.828427{{[0-9]*}}> : tensor<1x1xf32>
//       CHECK:   qnn.matmul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 2.828427{{[0-9]*}} : f64>]
//       CHECK:   qnn.constant dense<22.6274{{[0-9]*}}> : tensor<1x1xf32>
//       CHECK:   qnn.matmul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 22.6274{{[0-9]*}} : f64>]
//       CHECK:   qnn.concat {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 22.6274{{[0-9]*}} : f64>]
//       CHECK:   qnn.constant dense<{{\[\[}}0.353553{{[0-9]*}}], [0.0441941{{[0-9]*}}]]> : tensor<2x1xf32>
//       CHECK:   qnn.constant dense<0.0441941{{[0-9]*}}> : tensor<1x1xf32>
func.func @concatenation(%x: tensor<1x1xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %one = qnn.constant dense<1.0> : tensor<1x1xf32> : tensor<1x1xf32>
  %large = qnn.constant dense<64.0> : tensor<1x1xf32> : tensor<1x1xf32>
  %small = qnn.constant dense<0.015625> : tensor<1x1xf32> : tensor<1x1xf32>
  %w2 = qnn.constant dense<[[1.0], [0.015625]]> : tensor<2x1xf32> : tensor<2x1xf32>
  %0 = qnn.matmul %x, %one {qnn.range = [#qnn.range<0.0, 1.0>], qnn.channel_ranges = array<f32: 0.0, 1.0>, qnn.channel_powers = array<f32: 0.3>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %1 = qnn.matmul %x, %large {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 64.0>, qnn.channel_powers = array<f32: 3000.0>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %2 = qnn.concat %0, %1 {axis = 1, qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x2xf32>
  %3 = qnn.matmul %2, %w2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %4 = qnn.matmul %1, %small : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %3, %4 : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// A tensor that is there twice has two places: nothing can be scaled.
// CHECK-LABEL: @twice
//       CHECK:   qnn.matmul {{.*}}qnn.range = [#qnn.range<0.000000e+00 : f64, 6.400000e+01 : f64>]
func.func @twice(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w1 = qnn.constant dense<[[1.0, 64.0]]> : tensor<1x2xf32> : tensor<1x2xf32>
  %w2 = qnn.constant dense<[[1.0], [0.015625], [1.0], [0.015625]]> : tensor<4x1xf32> : tensor<4x1xf32>
  %0 = qnn.matmul %x, %w1 {qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0>} : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = qnn.concat %0, %0 {axis = 1, qnn.range = [#qnn.range<0.0, 64.0>], qnn.channel_ranges = array<f32: 0.0, 1.0, 0.0, 64.0, 0.0, 1.0, 0.0, 64.0>, qnn.channel_powers = array<f32: 0.3, 3000.0, 0.3, 3000.0>} : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x4xf32>
  %2 = qnn.matmul %1, %w2 : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// -----

// What a product reads of a layer norm is divided; the sum reads it as it was.
// CHECK-LABEL: @layer_norm
//       CHECK:   %[[NORM:.*]] = qnn.layer_norm
//       CHECK:   %[[T:.*]] = qnn.constant dense<[1.000000e+00, 1.000000e+00, 8.000000e+00, 1.250000e-01]> : tensor<4xf32>
//       CHECK:   %[[READ:.*]] = qnn.mul %[[NORM]], %[[T]]
//       CHECK:   qnn.matmul %[[READ]]
//       CHECK:   qnn.add %{{.*}}, %[[NORM]]
func.func @layer_norm(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %scale = qnn.constant dense<[1.0, 1.0, 0.015625, 64.0]> : tensor<4xf32> : tensor<4xf32>
  %bias = qnn.constant dense<0.0> : tensor<4xf32> : tensor<4xf32>
  %w = qnn.constant dense<1.0> : tensor<4x4xf32> : tensor<4x4xf32>
  %0 = qnn.layer_norm %x, %scale, %bias {epsilon = 1.0e-5 : f32, qnn.range = [#qnn.range<-128.0, 128.0>], qnn.channel_ranges = array<f32: -2.0, 2.0, -2.0, 2.0, -0.03125, 0.03125, -128.0, 128.0>, qnn.channel_powers = array<f32: 1.0, 1.0, 0.0002, 4.0>} : (tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  %1 = qnn.matmul %0, %w {qnn.input_means = array<f32: 0.0, 0.0, 0.0, 0.0>} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %2 = qnn.add %1, %0 : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  return %2 : tensor<1x4xf32>
}
