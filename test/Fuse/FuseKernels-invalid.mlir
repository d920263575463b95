// RUN: dyadic-opt %s --dyadic-fuse-kernels -verify-diagnostics

func.func @level_2(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5>> {
  // expected-error @+1 {{expected integer or f32 tensors: run --lower-qnn-to-dyadic first}}
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<u8:f32, 0.5>>
  return %0 : tensor<4x!quant.uniform<u8:f32, 0.5>>
}
