// RUN: dyadic-opt --emit-mark-disjoint-arguments --split-input-file %s | FileCheck %s

// Neighbours in the arena don't overlap.
// CHECK: func.func private @k(
// CHECK-SAME: %{{.*}}: memref<16xf32> {llvm.noalias, llvm.readonly},
// CHECK-SAME: %{{.*}}: memref<16xf32> {llvm.noalias})
func.func private @k(%x: memref<16xf32>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<16xf32>, vector<16xf32>
  vector.store %v, %y[%c0] : memref<16xf32>, vector<16xf32>
  return
}
// The caller keeps its buffers apart.
// CHECK: func.func @m_run(%{{.*}}: memref<128xi8> {llvm.noalias})
func.func @m_run(%arena: memref<128xi8>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %a = memref.view %arena[%c0][] : memref<128xi8> to memref<16xf32>
  %b = memref.view %arena[%c64][] : memref<128xi8> to memref<16xf32>
  call @k(%a, %b) : (memref<16xf32>, memref<16xf32>) -> ()
  return
}

// -----

// One of two calls works in place.
// CHECK: func.func private @k(%{{.*}}: memref<16xf32> {llvm.readonly}, %{{.*}}: memref<16xf32>)
func.func private @k(%x: memref<16xf32>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<16xf32>, vector<16xf32>
  vector.store %v, %y[%c0] : memref<16xf32>, vector<16xf32>
  return
}
func.func @m_run(%x: memref<16xf32>, %arena: memref<128xi8>) {
  %c60 = arith.constant 60 : index
  %a = memref.view %arena[%c60][] : memref<128xi8> to memref<16xf32>
  call @k(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  call @k(%a, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  return
}

// -----

// Reading the same tensor twice is no conflict; weights are nobody else's.
memref.global "private" constant @w : memref<64xi8> = dense<1> {alignment = 64}
// CHECK: func.func private @k(
// CHECK-SAME: memref<16xi8> {llvm.noalias, llvm.readonly}, %{{.*}}: memref<16xi8> {llvm.noalias, llvm.readonly},
// CHECK-SAME: memref<64xi8> {llvm.noalias, llvm.readonly}, %{{.*}}: memref<16xi8> {llvm.noalias})
func.func private @k(%x: memref<16xi8>, %y: memref<16xi8>, %w: memref<64xi8>, %z: memref<16xi8>) {
  %c0 = arith.constant 0 : index
  %a = memref.load %x[%c0] : memref<16xi8>
  %b = memref.load %y[%c0] : memref<16xi8>
  %view = memref.subview %w[4] [8] [1] : memref<64xi8> to memref<8xi8, strided<[1], offset: 4>>
  %c = memref.load %view[%c0] : memref<8xi8, strided<[1], offset: 4>>
  %s = arith.addi %a, %b : i8
  %t = arith.addi %s, %c : i8
  memref.store %t, %z[%c0] : memref<16xi8>
  return
}
func.func @m_run(%x: memref<16xi8>, %z: memref<16xi8>, %arena: memref<128xi8>) {
  %w = memref.get_global @w : memref<64xi8>
  call @k(%x, %x, %w, %z) : (memref<16xi8>, memref<16xi8>, memref<64xi8>, memref<16xi8>) -> ()
  return
}

// -----

// An offset that is only known at run time counts as overlapping.
// CHECK: func.func private @k(%{{.*}}: memref<16xi8> {llvm.readonly}, %{{.*}}: memref<16xi8>)
func.func private @k(%x: memref<16xi8>, %y: memref<16xi8>) {
  memref.copy %x, %y : memref<16xi8> to memref<16xi8>
  return
}
func.func @m_run(%at: index, %arena: memref<128xi8>) {
  %c0 = arith.constant 0 : index
  %a = memref.view %arena[%c0][] : memref<128xi8> to memref<16xi8>
  %b = memref.view %arena[%at][] : memref<128xi8> to memref<16xi8>
  call @k(%a, %b) : (memref<16xi8>, memref<16xi8>) -> ()
  return
}
