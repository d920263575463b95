// RUN: not dyadic-opt %s --qnn-quantize=weights=int3 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not dyadic-opt %s --qnn-quantize=weights=fc=int4 2>&1 | FileCheck %s --check-prefix=NAME

// KIND: error: expected weights of kind int8, int4 or codebook4, with a scale per channel, for products with 8-bit activations, but got int3: use --scheme weight-only for it
// NAME: error: there is no convolution or matrix product named "fc" whose weights could be int4
func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}
