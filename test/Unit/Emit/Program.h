//===- Program.h - a small level-5 program for tests ------------*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_EMIT_PROGRAM_H
#define DYADIC_TEST_UNIT_EMIT_PROGRAM_H

#include "dyadic/Emit/ProgramInfo.h"

namespace dyadic {

// y = (x * w) + 1 through two kernels, the product in the arena.
constexpr llvm::StringLiteral kProgram = R"mlir(
memref.global "private" constant @m_weights : memref<64xi8> =
    dense<[0,0,0,64, 0,0,-128,64, 0,0,64,64, 0,0,-128,63,
           0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0,
           0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0,
           0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0]> {alignment = 64}
func.func private @k0_mul(%x: memref<4xf32>, %w: memref<4xf32>, %y: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %a = vector.load %x[%c0] : memref<4xf32>, vector<4xf32>
  %b = vector.load %w[%c0] : memref<4xf32>, vector<4xf32>
  %p = arith.mulf %a, %b : vector<4xf32>
  vector.store %p, %y[%c0] : memref<4xf32>, vector<4xf32>
  return
}
func.func private @k1_add(%x: memref<4xf32>, %y: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %one = arith.constant 1.0 : f32
  scf.for %i = %c0 to %c4 step %c1 {
    %a = memref.load %x[%i] : memref<4xf32>
    %s = arith.addf %a, %one : f32
    memref.store %s, %y[%i] : memref<4xf32>
  }
  return
}
func.func @m_run(%x: memref<4xf32>, %y: memref<4xf32>, %arena: memref<128xi8>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %weights = memref.get_global @m_weights : memref<64xi8>
  %w = memref.view %weights[%c0][] : memref<64xi8> to memref<4xf32>
  %p = memref.view %arena[%c64][] : memref<128xi8> to memref<4xf32>
  call @k0_mul(%x, %w, %p) : (memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  call @k1_add(%p, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  return
})mlir";

inline ProgramInfo programInfo() {
  ProgramInfo info;
  info.name = "m";
  TensorInfo tensor;
  tensor.shape = {4};
  for (auto *list : {&info.inputs, &info.outputs, &info.kept})
    list->push_back(tensor);
  info.inputs[0].name = "x";
  info.outputs[0].name = "y";
  info.kept[0].name = "product";
  info.kept[0].arenaOffset = 64;
  info.arenaBytes = 128;
  info.weightBytes = 64;
  return info;
}

} // namespace dyadic

#endif
