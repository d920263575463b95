//===- Emitters.cpp - which emitter writes which GPU kernel ---------------===//
#include "Emitters.h"

#include "../Emitters.h"

using namespace dyadic;
using namespace dyadic::codegen;

gpu_kernels::AnchorEmitter gpu_kernels::findEmitter(llvm::StringRef opName) {
  // In the order of AnchorKind.
  static constexpr AnchorEmitter emitters[] = {
      emitConv2D,    emitMatmul,  emitMovement, emitPool2D,
      emitReduction, emitSoftmax, emitLayerNorm};
  auto kind = anchorKind(opName);
  return kind ? emitters[static_cast<size_t>(*kind)] : nullptr;
}
