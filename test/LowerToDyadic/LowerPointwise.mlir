// RUN: dyadic-opt %s --lower-qnn-to-dyadic | FileCheck %s

!a = !quant.uniform<u8:f32, 0.5:3>
!b = !quant.uniform<u8:f32, 0.25:4>
!s = !quant.uniform<i8:f32, 1.0:-128>

// CHECK-LABEL: func @borders
// CHECK: dyadic.quantize %arg0 {inverse_scale = 2.000000e+00 : f32, zero_point = 3 : i32} : (tensor<4xf32>) -> tensor<4xui8>
// CHECK: dyadic.dequantize %arg1 {scale = 2.500000e-01 : f32, zero_point = 4 : i32} : (tensor<4xui8>) -> tensor<4xf32>
func.func @borders(%x: tensor<4xf32>, %q: tensor<4x!b>) -> (tensor<4x!a>, tensor<4xf32>) {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!a>
  %1 = quant.dcast %q : tensor<4x!b> to tensor<4xf32>
  return %0, %1 : tensor<4x!a>, tensor<4xf32>
}

// Ratios 1 and 1/2 are exact over 2^14.
// CHECK-LABEL: func @add
// CHECK: %[[S:.*]] = dyadic.add %arg0, %arg1 {lhs_multiplier = 16384 : i32, lhs_zp = 3 : i32, rhs_multiplier = 8192 : i32, rhs_zp = 4 : i32}
// CHECK: dyadic.requantize %[[S]] {{.*}}multiplier = array<i32: 8388608>, output_zp = 3 : i32, shift = array<i32: 37>
func.func @add(%x: tensor<4x!a>, %y: tensor<4x!b>) -> tensor<4x!a> {
  %0 = qnn.add %x, %y : (tensor<4x!a>, tensor<4x!b>) -> tensor<4x!a>
  return %0 : tensor<4x!a>
}

// CHECK-LABEL: func @sub
// CHECK: dyadic.add %arg0, %arg1 {lhs_multiplier = 16384 : i32, lhs_zp = 3 : i32, rhs_multiplier = -8192 : i32, rhs_zp = 4 : i32}
func.func @sub(%x: tensor<4x!a>, %y: tensor<1x!b>) -> tensor<4x!a> {
  %0 = qnn.sub %x, %y : (tensor<4x!a>, tensor<1x!b>) -> tensor<4x!a>
  return %0 : tensor<4x!a>
}

// 0.5 · 0.25 / 1.0 = 2^23 · 2^−26, to a signed type.
// CHECK-LABEL: func @mul
// CHECK: %[[P:.*]] = dyadic.mul %arg0, %arg1 {lhs_zp = 3 : i32, rhs_zp = 4 : i32}
// CHECK: dyadic.requantize %[[P]] {clamp_max = 127 : i32, clamp_min = -128 : i32, multiplier = array<i32: 8388608>, output_zp = -128 : i32, shift = array<i32: 26>} : (tensor<4xi32>) -> tensor<4xi8>
func.func @mul(%x: tensor<4x!a>, %y: tensor<4x!b>) -> tensor<4x!s> {
  %0 = qnn.mul %x, %y : (tensor<4x!a>, tensor<4x!b>) -> tensor<4x!s>
  return %0 : tensor<4x!s>
}

// A gate that 16 elements share: 0.5 · 1/255 in 2^−15 is 64 1/4, 16384 at most, and
// the product needs no doubling. The operands may come in either order.
// CHECK-LABEL: func @gate
// CHECK: %[[F:.*]] = dyadic.requantize %arg0 {clamp_max = 32767 : i32, clamp_min = -32767 : i32, multiplier = array<i32: 8421505>, output_zp = 0 : i32, shift = array<i32: 17>} : (tensor<1x1x1x8xui8>) -> tensor<1x1x1x8xi16>
// CHECK: %[[P:.*]] = dyadic.mul %arg1, %[[F]] {lhs_zp = 3 : i32, rhs_zp = 0 : i32} : (tensor<1x4x4x8xui8>, tensor<1x1x1x8xi16>) -> tensor<1x4x4x8xi32>
// CHECK: dyadic.requantize %[[P]] {clamp_max = 255 : i32, clamp_min = 0 : i32, multiplier = array<i32: 1>, output_zp = 5 : i32, rounding = #dyadic.rounding<half_up>, shift = array<i32: 15>}
!gate = !quant.uniform<u8:f32, 0.003921569>
!wide = !quant.uniform<u8:f32, 1.0:5>
func.func @gate(%g: tensor<1x1x1x8x!gate>, %x: tensor<1x4x4x8x!a>) -> tensor<1x4x4x8x!wide> {
  %0 = qnn.mul %g, %x : (tensor<1x1x1x8x!gate>, tensor<1x4x4x8x!a>) -> tensor<1x4x4x8x!wide>
  return %0 : tensor<1x4x4x8x!wide>
}

// At four and more three bits of the factor go; from eight on it would be too coarse.
// Nor is it worth a factor where only two elements share it, or where LiteRT's
// bytes are asked for.
// CHECK-LABEL: func @gates
// CHECK: dyadic.requantize %{{.*}} -> tensor<1x1x1x8xi16>
// CHECK: dyadic.requantize %{{.*}}multiplier = array<i32: 8>, {{.*}}half_up
// CHECK: dyadic.mul %arg1, %arg0 {lhs_zp = 3 : i32, rhs_zp = 0 : i32} : (tensor<1x4x4x8xui8>, tensor<1x1x1x8xui8>)
// CHECK: dyadic.mul %{{.*}} : (tensor<1x1x2x8xui8>, tensor<1x1x1x8xui8>)
func.func @gates(%g: tensor<1x1x1x8x!gate>, %x: tensor<1x4x4x8x!a>, %y: tensor<1x1x2x8x!a>)
    -> (tensor<1x4x4x8x!quant.uniform<u8:f32, 0.0833>>, tensor<1x4x4x8x!quant.uniform<u8:f32, 0.0625>>, tensor<1x1x2x8x!a>) {
  %0 = qnn.mul %x, %g : (tensor<1x4x4x8x!a>, tensor<1x1x1x8x!gate>) -> tensor<1x4x4x8x!quant.uniform<u8:f32, 0.0833>>
  %1 = qnn.mul %x, %g : (tensor<1x4x4x8x!a>, tensor<1x1x1x8x!gate>) -> tensor<1x4x4x8x!quant.uniform<u8:f32, 0.0625>>
  %2 = qnn.mul %y, %g : (tensor<1x1x2x8x!a>, tensor<1x1x1x8x!gate>) -> tensor<1x1x2x8x!a>
  return %0, %1, %2 : tensor<1x4x4x8x!quant.uniform<u8:f32, 0.0833>>, tensor<1x4x4x8x!quant.uniform<u8:f32, 0.0625>>, tensor<1x1x2x8x!a>
}

// TOSA has no nearest_even, in the factor either.
// CHECK-LABEL: func @half_up_gate
// CHECK: dyadic.requantize %arg0 {{.*}}half_up{{.*}} -> tensor<1x1x1x8xi16>
// CHECK: dyadic.requantize {{.*}}half_up
func.func @half_up_gate(%g: tensor<1x1x1x8x!gate>, %x: tensor<1x4x4x8x!a>) -> tensor<1x4x4x8x!wide> attributes {qnn.rounding = "half_up"} {
  %0 = qnn.mul %x, %g : (tensor<1x4x4x8x!a>, tensor<1x1x1x8x!gate>) -> tensor<1x4x4x8x!wide>
  return %0 : tensor<1x4x4x8x!wide>
}

// CHECK-LABEL: func @litert_gate
// CHECK-NOT: half_up
// CHECK: dyadic.mul %arg1, %arg0 {{.*}} : (tensor<1x4x4x8xui8>, tensor<1x1x1x8xui8>)
func.func @litert_gate(%g: tensor<1x1x1x8x!gate>, %x: tensor<1x4x4x8x!a>) -> tensor<1x4x4x8x!wide> attributes {qnn.rounding = "double_round"} {
  %0 = qnn.mul %x, %g : (tensor<1x4x4x8x!a>, tensor<1x1x1x8x!gate>) -> tensor<1x4x4x8x!wide>
  return %0 : tensor<1x4x4x8x!wide>
}

// |q − 3| · 0.5 / 0.25 + 4: 10, 8, 6, 4, 6 …, and 255 from where it saturates.
// CHECK-LABEL: func @table
// CHECK: dyadic.lookup %arg0, dense<"0x0A080604060{{.*}}FFFFFF"> : tensor<256xui8>
func.func @table(%x: tensor<4x!a>) -> tensor<4x!b> {
  %0 = qnn.abs %x : (tensor<4x!a>) -> tensor<4x!b>
  return %0 : tensor<4x!b>
}

// A chain with numbers is one table: −|x| · 2 + 64 over the same inputs. What
// is between has no type to round to: !s could not hold it.
// CHECK-LABEL: func @chain
// CHECK-NEXT: %[[T:.*]] = dyadic.lookup %arg0, dense<"0xF8FCFFFFFFFC{{.*}}000000"> : tensor<256xui8>
// CHECK-NEXT: return %[[T]]
func.func @chain(%x: tensor<4x!a>) -> tensor<4x!b> {
  %two = qnn.constant dense<4> : tensor<1xui8> : tensor<1x!quant.uniform<u8:f32, 0.5>>
  %64 = qnn.constant dense<64> : tensor<ui8> : tensor<!quant.uniform<u8:f32, 1.0>>
  %0 = qnn.abs %x : (tensor<4x!a>) -> tensor<4x!s>
  %1 = qnn.mul %0, %two : (tensor<4x!s>, tensor<1x!quant.uniform<u8:f32, 0.5>>) -> tensor<4x!s>
  %2 = qnn.sub %64, %1 : (tensor<!quant.uniform<u8:f32, 1.0>>, tensor<4x!s>) -> tensor<4x!b>
  return %2 : tensor<4x!b>
}

// Between equal types a relu is a clamp at the zero point.
// CHECK-LABEL: func @clamp
// CHECK: %[[R:.*]] = dyadic.clamp %arg0 {max = 255 : i32, min = 3 : i32}
// CHECK: dyadic.clamp %[[R]] {max = 15 : i32, min = 5 : i32}
// CHECK: dyadic.lookup
func.func @clamp(%x: tensor<4x!a>) -> (tensor<4x!a>, tensor<4x!a>, tensor<4x!b>) {
  %0 = qnn.relu %x : (tensor<4x!a>) -> tensor<4x!a>
  %1 = qnn.clamp %0 {min = 1.0 : f32, max = 6.0 : f32} : (tensor<4x!a>) -> tensor<4x!a>
  %2 = qnn.relu %0 : (tensor<4x!a>) -> tensor<4x!b>
  return %0, %1, %2 : tensor<4x!a>, tensor<4x!a>, tensor<4x!b>
}
