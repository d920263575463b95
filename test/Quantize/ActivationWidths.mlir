// RUN: dyadic-opt %s --qnn-quantize=widths=int16 | FileCheck %s
// RUN: dyadic-opt %s --qnn-quantize=widths=hid*=int16 | FileCheck %s --check-prefix=NAMED
// RUN: dyadic-opt %s --qnn-quantize=widths=int16,hidden=int8 | FileCheck %s --check-prefix=BUT
// RUN: not dyadic-opt %s --qnn-quantize=widths=int32,nowhere=int16 2>&1 | FileCheck %s --check-prefix=INVALID

// INVALID-DAG: error: expected activations of int8 or int16, but got int32
// INVALID-DAG: error: there is no op or input named "nowhere" whose result could be int16

// 16 bits are symmetric around 0, and have nothing below where nothing was seen.
// CHECK-LABEL: func @layers
// CHECK: quant.qcast %arg0 {{.*}} to tensor<1x2x!quant.uniform<i16:f32, 0.001{{[0-9]*}}>>
// CHECK: qnn.matmul {{.*}} -> tensor<1x2x!quant.uniform<i16<0:32767>:f32, 2.000000e+00>>
// NAMED-LABEL: func @layers
// NAMED: quant.qcast %arg0 {{.*}} to tensor<1x2x!quant.uniform<u8:f32,
// NAMED: qnn.matmul {{.*}} -> tensor<1x2x!quant.uniform<i16<0:32767>:f32, 2.000000e+00>>
// BUT-LABEL: func @layers
// BUT: quant.qcast %arg0 {{.*}}i16:f32
// BUT: qnn.matmul {{.*}} -> tensor<1x2x!quant.uniform<u8:f32,
func.func @layers(%x: tensor<1x2xf32> {qnn.range = #qnn.range<-32.767, 1.0>}) -> tensor<1x2xf32> {
  %w = qnn.constant dense<[[127.0, 63.5], [1.0, 2.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<0.0, 65534.0>]} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("hidden")
  %1 = qnn.matmul %0, %w {qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("last")
  return %1 : tensor<1x2xf32>
}

// A product of two tensors takes bytes, whatever moved them there; what is added to
// 16 bits has as many.
// CHECK-LABEL: func @attention
// CHECK: qnn.constant {{.*}} : tensor<2x2xi16> : tensor<2x2x!quant.uniform<i16
// CHECK: qnn.matmul {{.*}} -> tensor<2x2x!quant.uniform<u8:f32,
// CHECK: qnn.add {{.*}} -> tensor<2x2x!quant.uniform<i16
func.func @attention(%x: tensor<2x2xf32> {qnn.range = #qnn.range<-1.0, 1.0>}) -> tensor<2x2xf32> {
  %w = qnn.constant dense<[[127.0, 63.5], [1.0, 2.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32> loc("hidden")
  %t = qnn.transpose %0 {permutation = array<i64: 1, 0>, qnn.range = [#qnn.range<-2.0, 2.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = qnn.matmul %0, %t {qnn.range = [#qnn.range<-4.0, 4.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = qnn.add %1, %w {qnn.range = [#qnn.range<-4.0, 4.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = qnn.matmul %2, %w {qnn.range = [#qnn.range<-8.0, 8.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %3 : tensor<2x2xf32>
}
