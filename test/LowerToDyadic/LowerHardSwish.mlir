// RUN: dyadic-opt %s --lower-qnn-to-dyadic | FileCheck %s

// 3 is 512 steps of the sums. The product's unit is (3/512)²/6.
// CHECK-LABEL: @sums
//       CHECK:   %[[GATE:.*]] = dyadic.clamp %arg0 {max = 512 : i32, min = -512 : i32}
//       CHECK:   %[[PRODUCT:.*]] = dyadic.mul %arg0, %[[GATE]] {lhs_zp = 0 : i32, rhs_zp = -512 : i32} {{.*}} -> tensor<1x2xi32>
//       CHECK:   dyadic.requantize %[[PRODUCT]] {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 12582912>, output_zp = 3 : i32, shift = array<i32: 36>}
func.func @sums(%h: tensor<1x2x!quant.uniform<i16<-512:4096>:f32, 0.005859375>>) -> tensor<1x2x!quant.uniform<u8:f32, 0.03125:3>> {
  %0 = quant.dcast %h : tensor<1x2x!quant.uniform<i16<-512:4096>:f32, 0.005859375>> to tensor<1x2xf32>
  %1 = qnn.hard_swish %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = quant.qcast %1 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<u8:f32, 0.03125:3>>
  return %2 : tensor<1x2x!quant.uniform<u8:f32, 0.03125:3>>
}

// (2·f(x) + 1) · [1, ¼]: the sum is one of 87381 units of 2·f, the same in each channel.
// CHECK-LABEL: @affine
//   CHECK-NOT:   qnn
//       CHECK:   dyadic.requantize {{.*}}input_zp = -87381 : i32, multiplier = array<i32: 12582912, 12582912>, {{.*}}shift = array<i32: 35, 37>
func.func @affine(%h: tensor<1x2x!quant.uniform<i16<-512:4096>:f32, 0.005859375>>) -> tensor<1x2x!quant.uniform<u8:f32, 0.03125>> {
  %two = qnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %one = qnn.constant dense<1.0> : tensor<1x1xf32> : tensor<1x1xf32>
  %inverses = qnn.constant dense<[1.0, 0.25]> : tensor<2xf32> : tensor<2xf32>
  %0 = quant.dcast %h : tensor<1x2x!quant.uniform<i16<-512:4096>:f32, 0.005859375>> to tensor<1x2xf32>
  %1 = qnn.hard_swish %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = qnn.mul %1, %two : (tensor<1x2xf32>, tensor<f32>) -> tensor<1x2xf32>
  %3 = qnn.add %2, %one : (tensor<1x2xf32>, tensor<1x1xf32>) -> tensor<1x2xf32>
  %4 = qnn.mul %3, %inverses : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %5 = quant.qcast %4 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<u8:f32, 0.03125>>
  return %5 : tensor<1x2x!quant.uniform<u8:f32, 0.03125>>
}

// No multiplier is negative, and no zero point differs from channel to channel.
// CHECK-LABEL: @stays_float
// CHECK-COUNT-2: qnn.hard_swish
func.func @stays_float(%h: tensor<1x2x!quant.uniform<i16<-512:4096>:f32, 0.005859375>>) -> (tensor<1x2x!quant.uniform<u8:f32, 0.03125>>, tensor<1x2x!quant.uniform<u8:f32, 0.03125>>) {
  %signs = qnn.constant dense<[1.0, -1.0]> : tensor<2xf32> : tensor<2xf32>
  %0 = quant.dcast %h : tensor<1x2x!quant.uniform<i16<-512:4096>:f32, 0.005859375>> to tensor<1x2xf32>
  %1 = qnn.hard_swish %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = qnn.mul %1, %signs : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %3 = quant.qcast %2 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<u8:f32, 0.03125>>
  %4 = qnn.hard_swish %0 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %5 = qnn.add %4, %signs : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %6 = quant.qcast %5 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<u8:f32, 0.03125>>
  return %3, %6 : tensor<1x2x!quant.uniform<u8:f32, 0.03125>>, tensor<1x2x!quant.uniform<u8:f32, 0.03125>>
}
