// RUN: dyadic-opt %s --dyadic-generate-kernels -verify-diagnostics -split-input-file
// RUN: not dyadic-opt %s --dyadic-generate-kernels=cpu=avx612 2>&1 | FileCheck %s
// CHECK: unknown CPU 'avx612' {{.*}}: expected native, generic, scalar, avx2, avxvnni, avx512vnni, amx or a name such as

module attributes {dyadic.arena_bytes = 64 : i64} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{expected a dyadic.kernel: run --dyadic-fuse-kernels first}}
    %0 = qnn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

module attributes {dyadic.arena_bytes = 64 : i64} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{expected arena_offsets: run --dyadic-plan-memory first}}
    %0 = dyadic.kernel(%x) : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %1 = qnn.relu %a : (tensor<4xf32>) -> tensor<4xf32>
      dyadic.yield %1 : tensor<4xf32>
    }
    return %0 : tensor<4xf32>
  }
}

// -----

// expected-error @+1 {{expected the module attribute dyadic.arena_bytes: run --dyadic-plan-memory first}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

module attributes {dyadic.arena_bytes = 64 : i64} {
  func.func @main(%x: tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32> {
    %0 = dyadic.kernel(%x) {arena_offsets = array<i64: -1>} : (tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32> {
    ^bb0(%a: tensor<1x4x4x3xf32>):
      // expected-error @+1 {{expected no padding: run --dyadic-materialize-padding first}}
      %1 = qnn.max_pool2d %a {kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
      dyadic.yield %1 : tensor<1x4x4x3xf32>
    }
    return %0 : tensor<1x4x4x3xf32>
  }
}

// -----

module attributes {dyadic.arena_bytes = 64 : i64} {
  func.func @main(%x: tensor<2x3xf32>) -> tensor<3x2xui8> {
    %0 = dyadic.kernel(%x) {arena_offsets = array<i64: -1>} : (tensor<2x3xf32>) -> tensor<3x2xui8> {
    ^bb0(%a: tensor<2x3xf32>):
      %1 = dyadic.quantize %a {inverse_scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<2x3xf32>) -> tensor<2x3xui8>
      // expected-error @+1 {{expected operands that are in memory, but got one made in the same kernel by 'dyadic.quantize'}}
      %2 = dyadic.transpose %1 {permutation = array<i64: 1, 0>} : (tensor<2x3xui8>) -> tensor<3x2xui8>
      dyadic.yield %2 : tensor<3x2xui8>
    }
    return %0 : tensor<3x2xui8>
  }
}

// -----

// expected-error @+1 {{expected a function @main of one block}}
module {
}
