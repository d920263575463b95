// RUN: dyadic-opt --emit-lower-to-llvm %s | FileCheck %s
// RUN: dyadic-opt --emit-lower-to-llvm %s | mlir-translate --mlir-to-llvmir \
// RUN:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=sapphirerapids | FileCheck %s --check-prefix=ASM

// Loops carry tiles; a streamed load has its own instruction.
// CHECK-LABEL: llvm.func @k(
// CHECK: "llvm.x86.tileloadd64.internal"
// CHECK: llvm.br ^[[LOOP:.*]]({{.*}} : {{.*}}!llvm.x86_amx
// CHECK: ^[[LOOP]](%{{.*}}: !llvm.x86_amx
// CHECK: "llvm.x86.tileloaddt164.internal"
// CHECK: "llvm.x86.tdpbusd.internal"
// CHECK: "llvm.x86.tilestored64.internal"
// CHECK-NOT: unrealized_conversion_cast

// One configuration, no tile spilt or moved; four loads and four products a step.
// ASM-LABEL: k:
// ASM: ldtilecfg
// ASM-NOT: ldtilecfg
// ASM: [[LOOP:.LBB0_[0-9]+]]:
// ASM-NOT: tilestored
// ASM-COUNT-2: tileloadd{{[[:space:]]}}
// ASM: tileloaddt1
// ASM-COUNT-2: tdpbusd
// ASM: tileloaddt1
// ASM-COUNT-2: tdpbusd
// ASM-NOT: tilestored
// ASM: j{{[a-z]+[[:space:]]+}}[[LOOP]]
// ASM-COUNT-4: tilestored
// ASM-NOT: tilestored
// ASM: tilerelease
func.func @k(%x: memref<8192xi8>, %w: memref<8192xi8>, %bias: memref<32xi32>, %y: memref<1024xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %c512 = arith.constant 512 : index
  %c528 = arith.constant 528 : index
  %c2048 = arith.constant 2048 : index
  %c4096 = arith.constant 4096 : index
  %s00 = amx.tile_load %bias[%c0], %c0 : memref<32xi32> into !amx.tile<16x16xi32>
  %s01 = amx.tile_load %bias[%c0], %c0 : memref<32xi32> into !amx.tile<16x16xi32>
  %s10 = amx.tile_load %bias[%c16], %c0 : memref<32xi32> into !amx.tile<16x16xi32>
  %s11 = amx.tile_load %bias[%c16], %c0 : memref<32xi32> into !amx.tile<16x16xi32>
  %r:4 = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %s00, %b = %s01, %c = %s10, %d = %s11)
      -> (!amx.tile<16x16xi32>, !amx.tile<16x16xi32>, !amx.tile<16x16xi32>, !amx.tile<16x16xi32>) {
    %at = arith.muli %i, %c64 : index
    %low = arith.addi %at, %c4096 : index
    %from = arith.muli %i, %c2048 : index
    %next = arith.addi %from, %c64 : index
    %w0 = amx.tile_load %w[%from], %c128 : memref<8192xi8> into !amx.tile<16x64xi8>
    %w1 = amx.tile_load %w[%next], %c128 : memref<8192xi8> into !amx.tile<16x64xi8>
    %x0 = amx.tile_load %x[%at], %c256 {dyadic.streamed} : memref<8192xi8> into !amx.tile<16x64xi8>
    %a1 = amx.tile_muli %x0 zext, %w0, %a : !amx.tile<16x64xi8>, !amx.tile<16x64xi8>, !amx.tile<16x16xi32>
    %c1_ = amx.tile_muli %x0 zext, %w1, %c : !amx.tile<16x64xi8>, !amx.tile<16x64xi8>, !amx.tile<16x16xi32>
    %x1 = amx.tile_load %x[%low], %c256 {dyadic.streamed} : memref<8192xi8> into !amx.tile<16x64xi8>
    %b1 = amx.tile_muli %x1 zext, %w0, %b : !amx.tile<16x64xi8>, !amx.tile<16x64xi8>, !amx.tile<16x16xi32>
    %d1 = amx.tile_muli %x1 zext, %w1, %d : !amx.tile<16x64xi8>, !amx.tile<16x64xi8>, !amx.tile<16x16xi32>
    scf.yield %a1, %b1, %c1_, %d1 : !amx.tile<16x16xi32>, !amx.tile<16x16xi32>, !amx.tile<16x16xi32>, !amx.tile<16x16xi32>
  }
  amx.tile_store %y[%c0], %r#0, %c32 : memref<1024xi32>, !amx.tile<16x16xi32>
  amx.tile_store %y[%c512], %r#1, %c32 : memref<1024xi32>, !amx.tile<16x16xi32>
  amx.tile_store %y[%c16], %r#2, %c32 : memref<1024xi32>, !amx.tile<16x16xi32>
  amx.tile_store %y[%c528], %r#3, %c32 : memref<1024xi32>, !amx.tile<16x16xi32>
  return
}
