// RUN: dyadic-opt %s --dyadic-check-integers -split-input-file -verify-diagnostics

// Borders and bodies without floats are what is asked for.
func.func @integers(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dyadic.quantize %x {inverse_scale = 2.0 : f32, zero_point = 0 : i32} : (tensor<4xf32>) -> tensor<4xi16>
  %1 = qnn.compute(%0) : (tensor<4xi16>) -> tensor<4xi16> {
  ^bb0(%a: tensor<4xi16>):
    %b = arith.addi %a, %a : tensor<4xi16>
    qnn.yield %b : tensor<4xi16>
  }
  %2 = dyadic.dequantize %1 {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4xi16>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// All of them are named, and a rescale through floats is one.
// expected-error @+1 {{expected integers only, but 5 ops compute in float}}
func.func @floats(%x: tensor<4xui8>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xui8>) {
  %0 = dyadic.dequantize %x {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4xui8>) -> tensor<4xf32>
  // expected-error @+1 {{expected integers only, but 'qnn.exp' stays in float because it was asked to}}
  %1 = qnn.exp %0 {qnn.float_reason = "it was asked to"} : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{expected integers only, but 'Floor' stays in float}}
  %2 = qnn.compute(%y) {name = "Floor"} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %f = math.floor %a : tensor<4xf32>
    qnn.yield %f : tensor<4xf32>
  }
  // expected-error @+1 {{expected integers only, but 'qnn.compute' stays in float}}
  %3 = qnn.compute(%x) : (tensor<4xui8>) -> tensor<4xui8> {
  ^bb0(%a: tensor<4xi8>):
    %b = arith.uitofp %a : tensor<4xi8> to tensor<4xf32>
    %c = arith.fptoui %b : tensor<4xf32> to tensor<4xi8>
    qnn.yield %c : tensor<4xi8>
  }
  // expected-error @+1 {{'dyadic.dequantize' stays in float}}
  %4 = dyadic.dequantize %3 {scale = 0.5 : f32, zero_point = 0 : i32} : (tensor<4xui8>) -> tensor<4xf32>
  // expected-error @+1 {{'dyadic.quantize' stays in float}}
  %5 = dyadic.quantize %4 {inverse_scale = 4.0 : f32, zero_point = 0 : i32} : (tensor<4xf32>) -> tensor<4xui8>
  return %1, %2, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xui8>
}
