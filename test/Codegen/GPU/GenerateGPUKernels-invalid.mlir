// RUN: dyadic-opt %s -split-input-file -verify-diagnostics --dyadic-generate-gpu-kernels

// expected-error@below {{expected a function @main of one block}}
module {}

// -----

module attributes {dyadic.arena_bytes = 64 : i64} {
  func.func @main(%x: tensor<4xui8>) -> tensor<4xui8> {
    // expected-error@below {{expected arena_offsets: run --dyadic-plan-memory first}}
    %0 = dyadic.kernel(%x) : (tensor<4xui8>) -> tensor<4xui8> {
    ^bb0(%a: tensor<4xui8>):
      %1 = dyadic.clamp %a {min = 3 : i32, max = 200 : i32} : (tensor<4xui8>) -> tensor<4xui8>
      dyadic.yield %1 : tensor<4xui8>
    }
    return %0 : tensor<4xui8>
  }
}

// -----

module attributes {dyadic.arena_bytes = 64 : i64} {
  func.func @main(%x: tensor<1x3x3x2xi16>) -> tensor<1x2x2x1xi32> {
    %0 = dyadic.kernel(%x) {arena_offsets = array<i64: -1>} : (tensor<1x3x3x2xi16>) -> tensor<1x2x2x1xi32> {
    ^bb0(%a: tensor<1x3x3x2xi16>):
      %w = dyadic.constant dense<1> : tensor<1x2x2x2xi8> : tensor<1x2x2x2xi8>
      %b = dyadic.constant dense<1> : tensor<1xi32> : tensor<1xi32>
      // expected-error@below {{expected f32, ui8 or i8 activations, but got 'i16'}}
      %1 = dyadic.conv2d %a, %w, %b : (tensor<1x3x3x2xi16>, tensor<1x2x2x2xi8>, tensor<1xi32>) -> tensor<1x2x2x1xi32>
      dyadic.yield %1 : tensor<1x2x2x1xi32>
    }
    return %0 : tensor<1x2x2x1xi32>
  }
}
