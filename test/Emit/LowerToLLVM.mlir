// RUN: dyadic-opt --emit-lower-to-llvm %s | FileCheck %s

// CHECK: llvm.mlir.global private constant @m_weights({{.*}}) {addr_space = 0 : i32, alignment = 64 : i64} : !llvm.array<64 x i8>
memref.global "private" constant @m_weights : memref<64xi8> = dense<1> {alignment = 64}

// Static memrefs are bare pointers.
// CHECK-LABEL: llvm.func @k0
// CHECK-SAME: (%[[X:.*]]: !llvm.ptr {llvm.noalias, llvm.readonly}, %{{.*}}: !llvm.ptr {llvm.noalias, llvm.readonly}, %{{.*}}: !llvm.ptr {llvm.noalias})
// CHECK: llvm.load {{.*}} : !llvm.ptr -> vector<64xi8>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK-NOT: unrealized_conversion_cast
func.func private @k0(%x: memref<64xi8>, %w: memref<64xi8>, %y: memref<16xi32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0> : vector<16xi32>
  %a = vector.load %x[%c0] : memref<64xi8>, vector<64xi8>
  %b = vector.load %w[%c0] : memref<64xi8>, vector<64xi8>
  %d = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%zero, %a, %b) : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
  vector.store %d, %y[%c0] : memref<16xi32>, vector<16xi32>
  return
}

// Transfers with masks and two dimensions, functions of libm.
// CHECK-LABEL: llvm.func @k1
// CHECK: llvm.intr.masked.load
// CHECK: llvm.call @cbrtf
func.func private @k1(%x: memref<7xf32>, %y: memref<4x16xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %a = vector.transfer_read %x[%c0], %zero : memref<7xf32>, vector<16xf32>
  %b = math.cbrt %a : vector<16xf32>
  %c = vector.broadcast %b : vector<16xf32> to vector<4x16xf32>
  vector.transfer_write %c, %y[%c0, %c0] {in_bounds = [true, true]} : vector<4x16xf32>, memref<4x16xf32>
  return
}

// CHECK-LABEL: llvm.func @m_run(
// CHECK-SAME: !llvm.ptr {llvm.noalias}, %{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: !llvm.ptr {llvm.noalias})
// CHECK: llvm.call @k0
func.func @m_run(%x: memref<64xi8>, %y: memref<16xi32>, %arena: memref<64xi8>) {
  %w = memref.get_global @m_weights : memref<64xi8>
  call @k0(%x, %w, %y) : (memref<64xi8>, memref<64xi8>, memref<16xi32>) -> ()
  return
}
