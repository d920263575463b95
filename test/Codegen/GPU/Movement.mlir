// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory -split-input-file \
// RUN:   --dyadic-generate-gpu-kernels | FileCheck %s

// The border is a value, and nothing is read there.
// CHECK-LABEL: gpu.func @k0_pad(
// CHECK: %[[PIECE:.*]] = scf.if %{{.*}} -> (vector<4xi8>) {
// CHECK-NEXT: vector.load {{.*}} {alignment = 4 : i64} : memref<128xi8>, vector<4xi8>
// CHECK: } else {
// CHECK-NEXT: arith.constant dense<7> : vector<4xi8>
// CHECK: vector.store %[[PIECE]], {{.*}} {alignment = 4 : i64} : memref<288xi8>, vector<4xi8>
func.func @main(%x: tensor<1x4x4x8xui8>) -> tensor<1x6x6x8xui8> {
  %0 = dyadic.pad %x {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 7 : i32} : (tensor<1x4x4x8xui8>) -> tensor<1x6x6x8xui8>
  return %0 : tensor<1x6x6x8xui8>
}

// -----

// One launch for both inputs: the threads of the second follow those of the first.
// CHECK-LABEL: gpu.func @k0_concat(
// CHECK-SAME: %[[X:.*]]: memref<32xi8>, %[[Y:.*]]: memref<64xi8>
// CHECK: %[[FIRST:.*]] = arith.cmpi ult, %{{.*}}, %c8{{.*}} : index
// CHECK: scf.if %[[FIRST]]
// CHECK: vector.load %[[X]]
// CHECK: } else {
// CHECK: vector.load %[[Y]]
func.func @main(%x: tensor<4x8xui8>, %y: tensor<4x16xui8>) -> tensor<4x24xui8> {
  %0 = dyadic.concat %x, %y {axis = 1 : i64} : (tensor<4x8xui8>, tensor<4x16xui8>) -> tensor<4x24xui8>
  return %0 : tensor<4x24xui8>
}

// -----

// Elements that lie apart are read one by one and stored together.
// CHECK-LABEL: gpu.func @k0_transpose(
// CHECK-COUNT-4: memref.load
// CHECK-NOT: memref.load
// CHECK: vector.from_elements
// CHECK: vector.store {{.*}} {alignment = 4 : i64} : memref<192xi8>, vector<4xi8>
func.func @main(%x: tensor<1x8x4x6xui8>) -> tensor<1x4x6x8xui8> {
  %0 = dyadic.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x4x6xui8>) -> tensor<1x4x6x8xui8>
  return %0 : tensor<1x4x6x8xui8>
}
