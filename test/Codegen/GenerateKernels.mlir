// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="cpu=avx512vnni model-name=net" -split-input-file | FileCheck %s

// The weights are one constant, the kernels read it through views.
// CHECK: memref.global "private" constant @net_weights : memref<{{[0-9]+}}xi8> = {{.*}} {alignment = 64 : i64}
// CHECK-LABEL: func.func @net_run(
// CHECK-SAME: %[[X:.*]]: memref<192xi8>, %[[Y:.*]]: memref<512xi8>, %[[ARENA:.*]]: memref<{{[0-9]+}}xi8>)
// CHECK: %[[PADDED:.*]] = memref.view %[[ARENA]][{{.*}}] : memref<{{[0-9]+}}xi8> to memref<300xi8>
// CHECK: call @k0_pad(%[[X]], %[[PADDED]],
// Packed weights, 9 steps of 16 padded columns, are apart from other constants.
// CHECK: %[[CONSTANTS:.*]] = memref.view {{.*}} to memref<{{[0-9]+}}xi8>
// CHECK: %[[WEIGHTS:.*]] = memref.view {{.*}} to memref<576xi8>
// CHECK: call @k1_conv2d(%[[PADDED]], %[[Y]], %[[CONSTANTS]], %[[WEIGHTS]])
// CHECK: return
func.func @main(%x: tensor<1x8x8x3xui8>) -> tensor<1x8x8x8xui8> {
  %p = dyadic.pad %x {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 131 : i32} : (tensor<1x8x8x3xui8>) -> tensor<1x10x10x3xui8>
  %w = dyadic.constant dense<1> : tensor<8x3x3x3xi8> : tensor<8x3x3x3xi8>
  %b = dyadic.constant dense<1> : tensor<8xi32> : tensor<8xi32>
  %acc = dyadic.conv2d %p, %w, %b : (tensor<1x10x10x3xui8>, tensor<8x3x3x3xi8>, tensor<8xi32>) -> tensor<1x8x8x8xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x8x8x8xi32>) -> tensor<1x8x8x8xui8>
  return %y : tensor<1x8x8x8xui8>
}

// The border is filled and each row copied as one run: 131 is -125 in i8.
// CHECK-LABEL: func.func private @k0_pad(
// CHECK: arith.constant dense<-125> : vector<30xi8>
// CHECK: scf.for
// CHECK: vector.load {{.*}} : memref<192xi8>, vector<24xi8>
// CHECK: vector.store {{.*}} : memref<300xi8>, vector<24xi8>

// A kernel row of 9 bytes is three groups of four. One fused multiply-add
// requantizes; four pixels of eight channels become bytes and are stored at once.
// CHECK-LABEL: func.func private @k1_conv2d(
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: math.fma
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.packuswb.512"
// CHECK: vector.store {{.*}} : memref<512xi8>, vector<32xi8>

// -----

// Equal kernels are one function.
// CHECK-LABEL: func.func @net_run(
// CHECK-COUNT-2: call @k0_transpose(
// CHECK-NOT: call
// CHECK: return

// Three planes become one run of pixels.
// CHECK-LABEL: func.func private @k0_transpose(
// CHECK-COUNT-3: vector.load {{.*}} vector<16xf32>
// CHECK: vector.shuffle
// CHECK-COUNT-3: vector.store {{.*}} vector<16xf32>
func.func @main(%x: tensor<1x3x8x8xf32>, %y: tensor<1x3x8x8xf32>) -> (tensor<1x8x8x3xf32>, tensor<1x8x8x3xf32>) {
  %0 = qnn.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32>
  %1 = qnn.transpose %y {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32>
  return %0, %1 : tensor<1x8x8x3xf32>, tensor<1x8x8x3xf32>
}

// -----

// Maxima of bytes stay bytes; one register holds 64 channels.
// CHECK-LABEL: func.func private @k0_max_pool2d(
// CHECK-COUNT-4: arith.maxui {{.*}} : vector<64xi8>
// CHECK-NOT: arith.maxui
func.func @main(%x: tensor<1x8x8x64xui8>) -> tensor<1x4x4x64xui8> {
  %0 = dyadic.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x8x8x64xui8>) -> tensor<1x4x4x64xui8>
  return %0 : tensor<1x4x4x64xui8>
}

// -----

// Lanes are channels, so nothing is summed across a register. Four rows at a
// time are products with one.
// CHECK-LABEL: func.func private @k0_reduce_sum(
// CHECK: arith.constant dense<16843009> : vector<16xi32>
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: arith.constant dense<-448> : vector<64xi32>
// CHECK-NOT: vector.reduction
func.func @main(%x: tensor<1x8x8x64xui8>) -> tensor<1x64xui8> {
  %0 = dyadic.reduce_sum %x {input_zp = 7 : i32, axes = array<i64: 1, 2>, keep_dims = false} : (tensor<1x8x8x64xui8>) -> tensor<1x64xi32>
  %1 = dyadic.requantize %0 {multiplier = array<i32: 8388608>, shift = array<i32: 29>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x64xi32>) -> tensor<1x64xui8>
  return %1 : tensor<1x64xui8>
}

// -----

// No index leaves the table, which is a constant of the kernel; what follows the
// gather is in its loop.
// CHECK-LABEL: func.func @net_run(
// CHECK-SAME: memref<3xi64>, %{{.*}}: memref<96xf32>
// CHECK-LABEL: func.func private @k0_gather(
// CHECK: %[[I:.*]] = memref.load %{{.*}} : memref<3xi64>
// CHECK: arith.cmpi slt, %[[I]]
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: vector.load {{.*}} : memref<160xi8>
// CHECK: arith.extui
// CHECK: vector.store {{.*}} : memref<96xf32>
func.func @main(%i: tensor<3xi64>) -> tensor<3x32xf32> {
  %t = dyadic.constant dense<7> : tensor<5x32xui8> : tensor<5x32xui8>
  %0 = dyadic.gather %t, %i {axis = 0 : i64} : (tensor<5x32xui8>, tensor<3xi64>) -> tensor<3x32xui8>
  %1 = dyadic.dequantize %0 {scale = 0.5 : f32, zero_point = 3 : i32} : (tensor<3x32xui8>) -> tensor<3x32xf32>
  return %1 : tensor<3x32xf32>
}

// -----

// A boolean is a byte.
// CHECK-LABEL: func.func @net_run(%{{.*}}: memref<3xi8>
// CHECK: arith.cmpi ne
// CHECK: arith.uitofp
func.func @main(%i: tensor<3xi1>) -> tensor<3xf32> {
  %0 = qnn.cast %i : (tensor<3xi1>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Depthwise: two columns of three interleaved rows are carried from pixel to
// pixel. Packing alone puts the channels in order.
// CHECK-LABEL: func.func private @k0_conv2d(
// CHECK: scf.for {{.*}} -> (vector<64xi8>, vector<64xi8>, vector<64xi8>, vector<64xi8>, vector<64xi8>, vector<64xi8>, vector<64xi8>, vector<64xi8>)
// CHECK: vector.shuffle {{.*}} : vector<64xi8>, vector<64xi8>
// CHECK-COUNT-12: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: %[[BYTES:.*]] = llvm.call_intrinsic "llvm.x86.avx512.packuswb.512"
// CHECK-NOT: vector.shuffle
// CHECK: vector.store %[[BYTES]], %arg1[{{.*}}] : memref<2048xi8>, vector<64xi8>
func.func @main(%x: tensor<1x6x10x64xui8>) -> tensor<1x4x8x64xui8> {
  %w = dyadic.constant dense<1> : tensor<64x3x3x1xi8> : tensor<64x3x3x1xi8>
  %b = dyadic.constant dense<1> : tensor<64xi32> : tensor<64xi32>
  %acc = dyadic.conv2d %x, %w, %b {groups = 64 : i64} : (tensor<1x6x10x64xui8>, tensor<64x3x3x1xi8>, tensor<64xi32>) -> tensor<1x4x8x64xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<1x4x8x64xi32>) -> tensor<1x4x8x64xui8>
  return %y : tensor<1x4x8x64xui8>
}

// -----

// 64 bytes times factors that every pixel shares: half of them in 16-bit lanes, the
// other half, and packed.
// CHECK-LABEL: func.func private @k0(
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.pmul.hr.sw.512"
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.packuswb.512"
// CHECK: vector.store {{.*}} vector<64xi8>
func.func @main(%x: tensor<1x4x4x64xui8>, %f: tensor<1x1x1x64xi16>) -> tensor<1x4x4x64xui8> {
  %acc = dyadic.mul %x, %f {lhs_zp = 7 : i32, rhs_zp = 0 : i32} : (tensor<1x4x4x64xui8>, tensor<1x1x1x64xi16>) -> tensor<1x4x4x64xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 2>, shift = array<i32: 15>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32, rounding = #dyadic.rounding<half_up>} : (tensor<1x4x4x64xi32>) -> tensor<1x4x4x64xui8>
  return %y : tensor<1x4x4x64xui8>
}

// -----

// What 16 bits can't hold is done in 32, which half_up needs no more of.
// CHECK-LABEL: func.func private @k0(
// CHECK-NOT: pmul.hr.sw
// CHECK: arith.shrsi {{.*}} : vector<64xi32>
// CHECK-NOT: xi64>
// CHECK: return
func.func @main(%x: tensor<1x4x4x64xui8>, %f: tensor<1x1x1x64xi16>) -> tensor<1x4x4x64xui8> {
  %acc = dyadic.mul %x, %f {lhs_zp = 7 : i32, rhs_zp = 0 : i32} : (tensor<1x4x4x64xui8>, tensor<1x1x1x64xi16>) -> tensor<1x4x4x64xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 1>, shift = array<i32: 14>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32, rounding = #dyadic.rounding<half_up>} : (tensor<1x4x4x64xi32>) -> tensor<1x4x4x64xui8>
  return %y : tensor<1x4x4x64xui8>
}
