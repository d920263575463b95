// RUN: dyadic-emulate %s --split-input-file --verify-diagnostics --outputs 2 | FileCheck %s

// Rows 3 bytes apart of 0 1 2 …: signed and unsigned products of 2×8 by 8×2,
// four at a time. Row 0 of the weights is 0 1 2 3 | 4 5 6 7.
// A row 1 = 3 … 10, B column 0 = 0 1 2 3 8 9 10 11:
// 3·0 + 4·1 + 5·2 + 6·3 + 7·8 + 8·9 + 9·10 + 10·11 = 360
// CHECK: 228 340 360 568
func.func private @product(%x: memref<64xi8>, %y: memref<4xi32>) {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2 : index
  %three = arith.constant 3 : index
  %eight = arith.constant 8 : index
  %zero = amx.tile_zero : !amx.tile<2x2xi32>
  %a = amx.tile_load %x[%c0], %three : memref<64xi8> into !amx.tile<2x8xi8>
  %b = amx.tile_load %x[%c0], %eight : memref<64xi8> into !amx.tile<2x8xi8>
  %c = amx.tile_muli %a zext, %b, %zero : !amx.tile<2x8xi8>, !amx.tile<2x8xi8>, !amx.tile<2x2xi32>
  amx.tile_store %y[%c0], %c, %two : memref<4xi32>, !amx.tile<2x2xi32>
  return
}
// A stride of zero repeats a row, as biases need it; sums wrap; bytes of 0xff are
// −1 or 255.
// CHECK-NEXT: 2147483647 2147483647 2147483647 2147483647
func.func private @signs(%y: memref<4xi32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %bytes = memref.alloca() : memref<8xi8>
  %bias = memref.alloca() : memref<2xi32>
  %ones = arith.constant dense<-1> : vector<8xi8>
  %low = arith.constant dense<-2147482629> : vector<2xi32>
  vector.store %ones, %bytes[%c0] : memref<8xi8>, vector<8xi8>
  vector.store %low, %bias[%c0] : memref<2xi32>, vector<2xi32>
  %c = amx.tile_load %bias[%c0], %c0 : memref<2xi32> into !amx.tile<2x2xi32>
  %a = amx.tile_load %bytes[%c0], %c4 : memref<8xi8> into !amx.tile<2x4xi8>
  %b = amx.tile_load %bytes[%c0], %c4 : memref<8xi8> into !amx.tile<1x8xi8>
  // −2147482629 − 4·255 = −2147483649, which wraps.
  %d = amx.tile_muli %a zext, %b, %c : !amx.tile<2x4xi8>, !amx.tile<1x8xi8>, !amx.tile<2x2xi32>
  amx.tile_store %y[%c0], %d, %c2 : memref<4xi32>, !amx.tile<2x2xi32>
  return
}
func.func @m_run(%x: memref<64xi8>, %y: memref<4xi32>, %z: memref<4xi32>) {
  call @product(%x, %y) : (memref<64xi8>, memref<4xi32>) -> ()
  call @signs(%z) : (memref<4xi32>) -> ()
  return
}

// -----

// The right twin: rows 0 … 15 of 16 bytes end with the buffer.
// CHECK: 0 16 32 48
// CHECK-NEXT: 0
func.func private @k(%x: memref<256xi8>, %y: memref<4xi8>) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %a = amx.tile_load %x[%c0], %c16 : memref<256xi8> into !amx.tile<16x16xi8>
  %s = memref.alloca() : memref<256xi8>
  amx.tile_store %s[%c0], %a, %c16 : memref<256xi8>, !amx.tile<16x16xi8>
  %i = memref.load %s[%c0] : memref<256xi8>
  %c32 = arith.constant 32 : index
  %c48 = arith.constant 48 : index
  %j = memref.load %s[%c16] : memref<256xi8>
  %l = memref.load %s[%c32] : memref<256xi8>
  %m = memref.load %s[%c48] : memref<256xi8>
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  memref.store %i, %y[%c0] : memref<4xi8>
  memref.store %j, %y[%c1] : memref<4xi8>
  memref.store %l, %y[%c2] : memref<4xi8>
  memref.store %m, %y[%c3] : memref<4xi8>
  return
}
func.func @m_run(%x: memref<256xi8>, %y: memref<4xi8>, %z: memref<1xi8>) {
  call @k(%x, %y) : (memref<256xi8>, memref<4xi8>) -> ()
  return
}

// -----

// A stride of 17 takes the last row past the buffer.
func.func private @k(%x: memref<256xi8>, %y: memref<4xi8>) {
  %c0 = arith.constant 0 : index
  %c17 = arith.constant 17 : index
  // expected-error @+1 {{kernel 'k': tile read of 16 elements at index 255 is out of the bounds of dimension 0, which has 256}}
  %a = amx.tile_load %x[%c0], %c17 : memref<256xi8> into !amx.tile<16x16xi8>
  return
}
func.func @m_run(%x: memref<256xi8>, %y: memref<4xi8>, %z: memref<1xi8>) {
  call @k(%x, %y) : (memref<256xi8>, memref<4xi8>) -> ()
  return
}

// -----

// One row too many, written.
func.func private @k(%y: memref<15xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = amx.tile_zero : !amx.tile<16x1xi32>
  // expected-error @+1 {{kernel 'k': tile write of 1 elements at index 15 is out of the bounds of dimension 0, which has 15}}
  amx.tile_store %y[%c0], %zero, %c1 : memref<15xi32>, !amx.tile<16x1xi32>
  return
}
func.func @m_run(%x: memref<1xi8>, %y: memref<15xi32>, %z: memref<1xi8>) {
  call @k(%y) : (memref<15xi32>) -> ()
  return
}

// -----

// Activations are read in words: three bytes behind the end are nobody's, the
// fourth is an error.
func.func private @k(%x: memref<9xi8>) {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %c6 = arith.constant 6 : index
  %a = amx.tile_load %x[%c0], %c5 : memref<9xi8> into !amx.tile<2x4xi8>
  %b = amx.tile_load %x[%c0], %c6 : memref<9xi8> into !amx.tile<2x4xi8>
  // expected-error @+1 {{tile read of 8 elements at index 5}}
  %c = amx.tile_load %x[%c0], %c5 : memref<9xi8> into !amx.tile<2x8xi8>
  return
}
func.func @m_run(%x: memref<9xi8>, %y: memref<1xi32>, %z: memref<1xi8>) {
  call @k(%x) : (memref<9xi8>) -> ()
  return
}
