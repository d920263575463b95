//===- Emitters.cpp - which emitter writes which GPU kernel ---------------===//
#include "Emitters.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "llvm/ADT/StringMap.h"

using namespace dyadic;
using namespace dyadic::codegen;

gpu_kernels::AnchorEmitter gpu_kernels::findEmitter(llvm::StringRef opName) {
  static const llvm::StringMap<AnchorEmitter> emitters = {
      {dyadic::Conv2DOp::getOperationName(), emitConv2D},
      {dyadic::MatmulOp::getOperationName(), emitMatmul},
      {qnn::Conv2DOp::getOperationName(), emitConv2D},
      {qnn::MatmulOp::getOperationName(), emitMatmul},
      {dyadic::TransposeOp::getOperationName(), emitMovement},
      {dyadic::ConcatOp::getOperationName(), emitMovement},
      {dyadic::SliceOp::getOperationName(), emitMovement},
      {dyadic::PadOp::getOperationName(), emitMovement},
      {dyadic::ResizeOp::getOperationName(), emitMovement},
      {qnn::TransposeOp::getOperationName(), emitMovement},
      {qnn::ConcatOp::getOperationName(), emitMovement},
      {qnn::SliceOp::getOperationName(), emitMovement},
      {qnn::PadOp::getOperationName(), emitMovement},
      {qnn::ResizeOp::getOperationName(), emitMovement},
      {dyadic::MaxPool2DOp::getOperationName(), emitPool2D},
      {dyadic::SumPool2DOp::getOperationName(), emitPool2D},
      {qnn::MaxPool2DOp::getOperationName(), emitPool2D},
      {qnn::AvgPool2DOp::getOperationName(), emitPool2D},
      {dyadic::ReduceSumOp::getOperationName(), emitReduction},
      {qnn::ReduceMeanOp::getOperationName(), emitReduction},
      {qnn::SoftmaxOp::getOperationName(), emitSoftmax},
      {qnn::LayerNormOp::getOperationName(), emitLayerNorm},
  };
  return emitters.lookup(opName);
}
