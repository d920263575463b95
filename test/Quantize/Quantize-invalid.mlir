// RUN: dyadic-opt %s --qnn-quantize -split-input-file -verify-diagnostics

func.func @twice(%x: tensor<1xf32>) -> tensor<1x!quant.uniform<u8:f32, 0.1>> {
  // expected-error @+1 {{expected f32 tensors: this function has been quantized already}}
  %0 = quant.qcast %x : tensor<1xf32> to tensor<1x!quant.uniform<u8:f32, 0.1>>
  return %0 : tensor<1x!quant.uniform<u8:f32, 0.1>>
}
