// RUN: dyadic-opt %s --tosa-to-qnn -split-input-file -verify-diagnostics

// All at once.
func.func @several(%x: tensor<4xf32>, %s: tensor<1xi8>) -> tensor<4xf32> {
  // expected-error @+1 {{has no counterpart in qnn}}
  %0 = tosa.custom %x {domain_name = "d", implementation_attrs = "", operator_name = "o"} : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{expected shift to be a constant}}
  %1 = tosa.mul %0, %x, %s : (tensor<4xf32>, tensor<4xf32>, tensor<1xi8>) -> tensor<4xf32>
  // expected-error @+1 {{expected nan_mode PROPAGATE, but got IGNORE}}
  %2 = tosa.maximum %1, %x {nan_mode = IGNORE} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{expected static shapes, but got 'tensor<?xf32>': run --tosa-infer-shapes first}}
  %0 = tosa.abs %x : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @integers(%x: tensor<1x2x2x1xi8>, %w: tensor<1x1x1x1xi4>, %b: tensor<1xi32>) -> tensor<1x2x2x1xi32> {
  %zp = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %wz = "tosa.const"() {values = dense<0> : tensor<1xi4>} : () -> tensor<1xi4>
  // expected-error @+1 {{'tosa.conv2d' op has no counterpart in qnn}}
  %0 = tosa.conv2d %x, %w, %b, %zp, %wz {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x2x2x1xi8>, tensor<1x1x1x1xi4>, tensor<1xi32>, tensor<1xi8>, tensor<1xi4>) -> tensor<1x2x2x1xi32>
  return %0 : tensor<1x2x2x1xi32>
}

// -----

func.func @zero_point(%x: tensor<1x2x4xf32>, %y: tensor<1x4x5xf32>, %zp: tensor<1xf32>) -> tensor<1x2x5xf32> {
  // expected-error @+1 {{expected a_zp to be a constant}}
  %0 = tosa.matmul %x, %y, %zp, %zp : (tensor<1x2x4xf32>, tensor<1x4x5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x5xf32>
  return %0 : tensor<1x2x5xf32>
}

// -----

func.func @bilinear(%x: tensor<1x2x2x1xf32>) -> tensor<1x3x3x1xf32> {
  %scale = tosa.const_shape {values = dense<[2, 1, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %zero = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
  // expected-error @+1 {{expected mode NEAREST_NEIGHBOR, but got BILINEAR}}
  %0 = tosa.resize %x, %scale, %zero, %zero {mode = BILINEAR}
    : (tensor<1x2x2x1xf32>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x3x3x1xf32>
  return %0 : tensor<1x3x3x1xf32>
}

// -----

func.func @quantized(%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  // expected-error @+1 {{quantized TOSA is taken only where storage values are moved, compared or looked up}}
  %0 = tosa.add %x, %x : (tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
  return %0 : tensor<4x!quant.uniform<i8:f32, 0.5>>
}

// -----

func.func @without_operands() -> tensor<4xf32> {
  // expected-error @+1 {{'tosa.custom' op has no counterpart in qnn}}
  %0:2 = tosa.custom {domain_name = "d", implementation_attrs = "", operator_name = "o"} : () -> (tensor<4xf32>, tensor<4xi8>)
  return %0#0 : tensor<4xf32>
}

// -----

func.func @bias(%x: tensor<1x4x4x2xf32>, %w: tensor<3x1x1x2xf32>, %b: tensor<1xf32>) -> tensor<1x4x4x3xf32> {
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  // expected-error @+1 {{expected a bias of one element to be a constant}}
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
    : (tensor<1x4x4x2xf32>, tensor<3x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x3xf32>
  return %0 : tensor<1x4x4x3xf32>
}
