// RUN: not dyadic-opt %s --split-input-file --dyadic-fuse-kernels --dyadic-plan-memory --dyadic-generate-kernels=cpu=scalar 2>&1 | FileCheck %s
// RUN: not dyadic-opt %s --split-input-file --dyadic-fuse-kernels --dyadic-plan-memory --dyadic-generate-gpu-kernels 2>&1 | FileCheck %s --check-prefix=GPU

// All that can't follow a length are named at once.
// CHECK: error: can't run at a length that varies yet: it joins along it
// CHECK: error: expected an extent that varies to be merged with, or split from, none before it: from [2, 6] to [12] its elements would change places with the length
// GPU: error: expected fixed shapes for this target, but a length is left open
func.func @main(%x: tensor<2x6xui8> {qnn.dynamic_dim = 1 : i64}) -> (tensor<2x12xui8>, tensor<12xui8>)
    attributes {qnn.lengths = array<i64: 2, 6, 2>} {
  %0 = dyadic.concat %x, %x {axis = 1 : i64} : (tensor<2x6xui8>, tensor<2x6xui8>) -> tensor<2x12xui8>
  %1 = dyadic.clamp %x {min = 1 : i32, max = 9 : i32} : (tensor<2x6xui8>) -> tensor<2x6xui8>
  %2 = dyadic.reshape %1 : (tensor<2x6xui8>) -> tensor<12xui8>
  return %0, %2 : tensor<2x12xui8>, tensor<12xui8>
}

// -----

// CHECK: error: expected a slice inside of the shortest, but dimension 1 has an extent of 2 there
func.func @main(%x: tensor<2x6xui8> {qnn.dynamic_dim = 1 : i64}) -> tensor<2x3xui8>
    attributes {qnn.lengths = array<i64: 2, 6, 2>} {
  %0 = dyadic.slice %x {offsets = array<i64: 0, 0>, sizes = array<i64: 2, 3>, strides = array<i64: 1, 1>} : (tensor<2x6xui8>) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}

// -----

// A mean whose count got lost on the way would divide by the longest's.
// CHECK: error: expected the count of each length: the mean has lost it on the way
func.func @main(%x: tensor<2x6xf32> {qnn.dynamic_dim = 1 : i64}) -> tensor<2xf32>
    attributes {qnn.lengths = array<i64: 2, 6, 2>} {
  %0 = qnn.reduce_mean %x {axes = array<i64: 1>, keep_dims = false} : (tensor<2x6xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// What lies behind the end isn't to be counted.
// CHECK: error: can't run at a length that varies yet: one scale is for all of it
func.func @main(%x: tensor<6x2xf32> {qnn.dynamic_dim = 0 : i64}) -> tensor<6x2xui8>
    attributes {qnn.lengths = array<i64: 2, 6, 2>} {
  %q, %s, %z = dyadic.dynamic_quantize %x {outer = 0 : i64} : (tensor<6x2xf32>) -> (tensor<6x2xui8>, tensor<1x1xf32>, tensor<1x1xi32>)
  return %q : tensor<6x2xui8>
}
