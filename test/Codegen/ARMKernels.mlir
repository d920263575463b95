// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="triple=arm cpu=neon" -split-input-file | FileCheck %s --check-prefixes=CHECK,NEON
// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="triple=arm cpu=dotprod" -split-input-file | FileCheck %s --check-prefixes=CHECK,DOT
// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="triple=arm cpu=i8mm" -split-input-file | FileCheck %s --check-prefixes=CHECK,I8MM

// sdot takes signed activations: x ^ 0x80, and 128·Σw more in the bias.
// CHECK-LABEL: func.func private @k0_matmul(
// NEON: arith.xori
// NEON-NOT: neon.sdot
// NEON: llvm.aarch64.neon.saddlp
// DOT: arith.xori
// DOT: llvm.aarch64.neon.sdot
// I8MM-NOT: arith.xori
// I8MM: llvm.aarch64.neon.usmmla
// The last three of 19 products are read as two and one: nothing behind them.
// CHECK: vector.load {{.*}}, vector<2xi8>
// CHECK: vector.load {{.*}}, vector<1xi8>
// CHECK: math.fma
func.func @main(%x: tensor<6x19xui8>) -> tensor<6x8xui8> {
  %w = dyadic.constant dense<2> : tensor<19x8xi8> : tensor<19x8xi8>
  %b = dyadic.constant dense<1> : tensor<8xi32> : tensor<8xi32>
  %acc = dyadic.matmul %x, %w, %b : (tensor<6x19xui8>, tensor<19x8xi8>, tensor<8xi32>) -> tensor<6x8xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<6x8xi32>) -> tensor<6x8xui8>
  return %y : tensor<6x8xui8>
}

// -----

// A factor of 16 bits: 16 bytes in two registers.
// CHECK-LABEL: func.func private @k0(
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.aarch64.neon.sqrdmulh"
func.func @main(%x: tensor<1x4x4x16xui8>, %f: tensor<1x1x1x16xi16>) -> tensor<1x4x4x16xi8> {
  %acc = dyadic.mul %x, %f {lhs_zp = 7 : i32, rhs_zp = 0 : i32} : (tensor<1x4x4x16xui8>, tensor<1x1x1x16xi16>) -> tensor<1x4x4x16xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 2>, shift = array<i32: 15>, output_zp = 3 : i32, clamp_min = -128 : i32, clamp_max = 127 : i32, rounding = #dyadic.rounding<half_up>} : (tensor<1x4x4x16xi32>) -> tensor<1x4x4x16xi8>
  return %y : tensor<1x4x4x16xi8>
}
