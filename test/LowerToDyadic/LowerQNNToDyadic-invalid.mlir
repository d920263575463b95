// RUN: dyadic-opt %s --lower-qnn-to-dyadic -split-input-file -verify-diagnostics

!a = !quant.uniform<u8:f32, 0.5:3>
func.func @run_time_product(%x: tensor<2x2x!a>, %b: tensor<2xf32>) -> tensor<2x2x!a> {
  // expected-error @+2 {{expected no bias beside a right operand that is computed at run time}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.matmul %x, %x, %b : (tensor<2x2x!a>, tensor<2x2x!a>, tensor<2xf32>) -> tensor<2x2x!a>
  return %0 : tensor<2x2x!a>
}

// -----

!a = !quant.uniform<u8:f32, 0.5:3>
!w = !quant.uniform<i8<-127:127>:f32, 1.0e-9>
func.func @bias_beyond_32_bits(%x: tensor<2x2x!a>) -> tensor<2x2x!a> {
  %w = qnn.constant dense<1> : tensor<2x2xi8> : tensor<2x2x!w>
  %b = qnn.constant dense<2.0> : tensor<2xf32> : tensor<2xf32>
  // expected-error @+2 {{expected a bias of at most 32 bits, but that of channel 0 is}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.matmul %x, %w, %b : (tensor<2x2x!a>, tensor<2x2x!w>, tensor<2xf32>) -> tensor<2x2x!a>
  return %0 : tensor<2x2x!a>
}

// -----

!a = !quant.uniform<u8:f32, 1.0>
!w = !quant.uniform<i8<-127:127>:f32, 1.0>
func.func @sum_beyond_32_bits(%x: tensor<1x70000x!a>) -> tensor<1x1x!a> {
  %w = qnn.constant dense<127> : tensor<70000x1xi8> : tensor<70000x1x!w>
  // expected-error @+1 {{expected sums of at most 32 bits, but channel 0 may reach [0, 2266950000]}}
  %0 = qnn.matmul %x, %w : (tensor<1x70000x!a>, tensor<70000x1x!w>) -> tensor<1x1x!a>
  return %0 : tensor<1x1x!a>
}

// -----

!a = !quant.uniform<u8:f32, 1.0>
!b = !quant.uniform<u8:f32, 1.0e-9>
func.func @unreachable_scale(%x: tensor<1x!a>) -> tensor<1x!b> {
  // expected-error @+2 {{expected operands of at most 2^24 times the result's scale}}
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.mul %x, %x : (tensor<1x!a>, tensor<1x!a>) -> tensor<1x!b>
  return %0 : tensor<1x!b>
}

// -----

!a = !quant.uniform<u8:f32, 1.0>
func.func @no_integer_form(%x: tensor<1x!a>) -> tensor<1x!a> {
  // expected-error @+1 {{failed to legalize}}
  %0 = qnn.softmax %x {axis = 0} : (tensor<1x!a>) -> tensor<1x!a>
  return %0 : tensor<1x!a>
}
