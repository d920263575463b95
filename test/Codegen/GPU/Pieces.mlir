// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory -split-input-file \
// RUN:   --dyadic-generate-gpu-kernels | FileCheck %s

// A word of four bytes for each of 40 threads, in blocks of whole warps.
// CHECK-LABEL: gpu.func @k0(
// CHECK-SAME: known_block_size = array<i32: 64, 1, 1>
// CHECK: %[[T:.*]] = gpu.thread_id x
// CHECK: %[[IN:.*]] = arith.cmpi ult, %{{.*}}, %{{.*}} : index
// CHECK: scf.if %[[IN]]
// CHECK: vector.load {{.*}} {alignment = 4 : i64} : memref<160xi8>, vector<4xi8>
// CHECK: vector.store {{.*}} {alignment = 4 : i64} : memref<160xi8>, vector<4xi8>
// CHECK-NOT: vector.load
// CHECK: gpu.return
func.func @main(%x: tensor<10x16xui8>) -> tensor<10x16xui8> {
  %0 = dyadic.clamp %x {min = 3 : i32, max = 200 : i32} : (tensor<10x16xui8>) -> tensor<10x16xui8>
  return %0 : tensor<10x16xui8>
}

// -----

// Three bytes are left over: one thread has less.
// CHECK-LABEL: gpu.func @k0(
// CHECK: vector.load {{.*}} : memref<23xi8>, vector<4xi8>
// CHECK: } else {
// CHECK: vector.load {{.*}} : memref<23xi8>, vector<3xi8>
func.func @main(%x: tensor<23xui8>) -> tensor<23xui8> {
  %0 = dyadic.clamp %x {min = 3 : i32, max = 200 : i32} : (tensor<23xui8>) -> tensor<23xui8>
  return %0 : tensor<23xui8>
}

// -----

// A million bytes keep all processors busy, 16 at a time.
// CHECK-LABEL: gpu.func @k0(
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<1048576xi8>, vector<16xi8>
func.func @main(%x: tensor<1048576xui8>) -> tensor<1048576xui8> {
  %0 = dyadic.clamp %x {min = 3 : i32, max = 200 : i32} : (tensor<1048576xui8>) -> tensor<1048576xui8>
  return %0 : tensor<1048576xui8>
}
