// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="triple=x86 cpu=amx" | FileCheck %s
// RUN: dyadic-opt %s --dyadic-fuse-kernels --dyadic-plan-memory \
// RUN:   --dyadic-generate-kernels="triple=x86 cpu=avx512vnni" | FileCheck %s --check-prefix=VNNI
// VNNI-NOT: amx.

// 41 pixels are a tile of 2×11 rows and one that begins at pixel 19; of 100
// products the last 64 are a step of their own, with weights of zero for the 28
// that the first has done.
// CHECK-LABEL: func.func private @k0_matmul(
// CHECK-SAME: tile = "2x2 of 11 rows
// CHECK: memref.alloca() {alignment = 64 : i64, dyadic.tiles} : memref<704xi32>
// Biases: every row is the same.
// CHECK: amx.tile_load %{{.*}}[%{{.*}}], %c0{{.*}} : memref<32xi32> into !amx.tile<11x16xi32>
// CHECK-COUNT-3: amx.tile_load {{.*}} !amx.tile<11x16xi32>
// Weights lie in panels of 16 columns.
// CHECK-COUNT-2: amx.tile_load {{.*}}, %c64{{.*}} into !amx.tile<16x64xi8>
// Rows of activations lie 100 bytes apart.
// CHECK: amx.tile_load {{.*}}, %c100{{.*}} : memref<4100xi8> into !amx.tile<11x64xi8>
// CHECK: amx.tile_muli %{{.*}} zext, %
// CHECK: amx.tile_muli
// CHECK: amx.tile_load {{.*}} : memref<4100xi8>
// CHECK-COUNT-2: amx.tile_muli
// CHECK-COUNT-4: amx.tile_store
func.func @main(%x: tensor<41x100xui8>) -> tensor<41x32xui8> {
  %w = dyadic.constant dense<2> : tensor<100x32xi8> : tensor<100x32xi8>
  %b = dyadic.constant dense<1> : tensor<32xi32> : tensor<32xi32>
  %acc = dyadic.matmul %x, %w, %b : (tensor<41x100xui8>, tensor<100x32xi8>, tensor<32xi32>) -> tensor<41x32xi32>
  %y = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 28>, output_zp = 3 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32} : (tensor<41x32xi32>) -> tensor<41x32xui8>
  return %y : tensor<41x32xui8>
}
