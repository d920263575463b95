// RUN: dyadic-opt %s --dyadic-plan-memory -verify-diagnostics

func.func @not_fused(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expected nothing but kernels, reshapes and control flow: run --dyadic-fuse-kernels first}}
  %0 = qnn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
