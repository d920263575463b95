//===- Emitters.cpp - which emitter writes which kernel -------------------===//
#include "Emitters.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "llvm/ADT/StringMap.h"

using namespace dyadic;
using namespace dyadic::codegen;

AnchorEmitter codegen::findEmitter(llvm::StringRef opName) {
  static const llvm::StringMap<AnchorEmitter> emitters = {
      {dyadic::Conv2DOp::getOperationName(), emitConv2D},
      {dyadic::MatmulOp::getOperationName(), emitMatmul},
      {qnn::Conv2DOp::getOperationName(), emitConv2D},
      {qnn::MatmulOp::getOperationName(), emitMatmul},
  };
  return emitters.lookup(opName);
}
