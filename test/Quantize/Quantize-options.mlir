// RUN: dyadic-opt %s --qnn-quantize=activations=u4 -verify-diagnostics

// expected-error @+1 {{expected activations of type u8 or i8, but got u4}}
func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}
