// RUN: not dyadic-opt %s --qnn-quantize=weights=int3 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not dyadic-opt %s --qnn-quantize=weights=int4:group=64:asymmetric,int8:group=32,codebook4:group=32,int4:group=0 2>&1 | FileCheck %s --check-prefix=GROUPS
// RUN: not dyadic-opt %s --qnn-quantize=weights=fc=int4 2>&1 | FileCheck %s --check-prefix=NAME

// KIND: error: expected weights of kind int8, int4 or codebook4, with a scale per channel, or int4:group=N, for products with 8-bit activations, but got int3: use --scheme weight-only for it
// GROUPS: but got int4:group=64:asymmetric: use --scheme weight-only for it
// GROUPS: but got int8:group=32: use --scheme weight-only for it
// GROUPS: but got codebook4:group=32: use --scheme weight-only for it
// GROUPS: error: expected weights of kind int8, int4 or codebook4, with a scale per channel, or int4:group=N, but got int4:group=0
// NAME: error: there is no convolution or matrix product named "fc" whose weights could be int4
func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}
