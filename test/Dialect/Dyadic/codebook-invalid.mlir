// RUN: dyadic-opt %s -split-input-file -verify-diagnostics

func.func @entries(%x: tensor<1x2xui8>, %w: tensor<2x1xi4>, %b: tensor<1xi32>) {
  // expected-error @+1 {{expected a codebook of 16 entries, but got 2}}
  %0 = dyadic.matmul %x, %w, %b {codebook = array<i8: 1, 2>} : (tensor<1x2xui8>, tensor<2x1xi4>, tensor<1xi32>) -> tensor<1x1xi32>
  return
}

// -----

func.func @width(%x: tensor<1x1x1x2xui8>, %w: tensor<1x1x1x2xi8>, %b: tensor<1xi32>) {
  // expected-error @+1 {{expected weights of type i4 with a codebook, but got 'i8'}}
  %0 = dyadic.conv2d %x, %w, %b {codebook = array<i8: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>} : (tensor<1x1x1x2xui8>, tensor<1x1x1x2xi8>, tensor<1xi32>) -> tensor<1x1x1x1xi32>
  return
}
