//===- Emitters.cpp - which emitter writes which GPU kernel ---------------===//
#include "Emitters.h"

#include "../Emitters.h"

#include <iterator>

using namespace dyadic;
using namespace dyadic::codegen;

gpu_kernels::AnchorEmitter gpu_kernels::findEmitter(llvm::StringRef opName) {
  // In the order of AnchorKind.
  static constexpr AnchorEmitter emitters[] = {
      emitConv2D,    emitMatmul,  emitMovement, emitGather, emitPool2D,
      emitReduction, emitSoftmax, emitLayerNorm, emitIntegerBatchMatmul};
  auto kind = anchorKind(opName);
  // The last kinds are CPU kernels only.
  bool exists = kind && static_cast<size_t>(*kind) < std::size(emitters);
  return exists ? emitters[static_cast<size_t>(*kind)] : nullptr;
}
