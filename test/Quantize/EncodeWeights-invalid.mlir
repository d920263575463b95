// RUN: not dyadic-opt %s --qnn-encode-weights=weights=int5,nf4:asymmetric,int4:group=0,fc=int4:group=32,int8:tensor:group=2 2>&1 | FileCheck %s
// RUN: not dyadic-opt %s --qnn-quantize=weights=int4:group=64:asymmetric,nf4 2>&1 | FileCheck %s --check-prefix=INTEGERS

// All of them at once.
// CHECK: error: expected weights of kind int8, int4, int3, int2, nf4, codebook4, codebook3, codebook2 or pow2, with :group=N or :tensor, and :asymmetric for integers, but got int5
// CHECK: but got nf4:asymmetric
// CHECK: but got int4:group=0
// CHECK: error: there is no convolution, matrix product or table named "fc" whose weights could be int4:group=32
// CHECK: but got int8:tensor:group=2

// INTEGERS: error: expected weights of kind int8, int4 or codebook4, with a scale per channel, or int4:group=N, for products with 8-bit activations, but got int4:group=64:asymmetric: use --scheme weight-only for it
// INTEGERS: but got nf4: use --scheme weight-only for it
func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}
