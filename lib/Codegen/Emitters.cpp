//===- Emitters.cpp - which emitter writes which kernel -------------------===//
#include "Emitters.h"

#include "dyadic/Dialect/Dyadic/Dynamic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "llvm/ADT/StringMap.h"

using namespace dyadic;
using namespace dyadic::codegen;

std::optional<AnchorKind> codegen::anchorKind(llvm::StringRef opName) {
  static const llvm::StringMap<AnchorKind> kinds = {
      {dyadic::Conv2DOp::getOperationName(), AnchorKind::Conv2D},
      {dyadic::MatmulOp::getOperationName(), AnchorKind::Matmul},
      {qnn::Conv2DOp::getOperationName(), AnchorKind::Conv2D},
      {qnn::MatmulOp::getOperationName(), AnchorKind::Matmul},
      {dyadic::TransposeOp::getOperationName(), AnchorKind::Movement},
      {dyadic::ConcatOp::getOperationName(), AnchorKind::Movement},
      {dyadic::SliceOp::getOperationName(), AnchorKind::Movement},
      {dyadic::PadOp::getOperationName(), AnchorKind::Movement},
      {dyadic::ResizeOp::getOperationName(), AnchorKind::Movement},
      {qnn::TransposeOp::getOperationName(), AnchorKind::Movement},
      {qnn::ConcatOp::getOperationName(), AnchorKind::Movement},
      {qnn::SliceOp::getOperationName(), AnchorKind::Movement},
      {qnn::PadOp::getOperationName(), AnchorKind::Movement},
      {qnn::ResizeOp::getOperationName(), AnchorKind::Movement},
      {dyadic::GatherOp::getOperationName(), AnchorKind::Gather},
      {qnn::GatherOp::getOperationName(), AnchorKind::Gather},
      {dyadic::MaxPool2DOp::getOperationName(), AnchorKind::Pool2D},
      {dyadic::SumPool2DOp::getOperationName(), AnchorKind::Pool2D},
      {qnn::MaxPool2DOp::getOperationName(), AnchorKind::Pool2D},
      {qnn::AvgPool2DOp::getOperationName(), AnchorKind::Pool2D},
      {dyadic::ReduceSumOp::getOperationName(), AnchorKind::Reduction},
      {qnn::ReduceMeanOp::getOperationName(), AnchorKind::Reduction},
      {qnn::SoftmaxOp::getOperationName(), AnchorKind::Softmax},
      {qnn::LayerNormOp::getOperationName(), AnchorKind::LayerNorm},
      {qnn::LSTMOp::getOperationName(), AnchorKind::LSTM},
      {qnn::GRUOp::getOperationName(), AnchorKind::GRU},
      {dyadic::BatchMatmulOp::getOperationName(), AnchorKind::BatchMatmul},
      {qnn::ComputeOp::getOperationName(), AnchorKind::Compute},
      {dyadic::DynamicQuantizeOp::getOperationName(), AnchorKind::DynamicQuantize},
  };
  auto kind = kinds.find(opName);
  if (kind == kinds.end())
    return std::nullopt;
  return kind->second;
}

AnchorEmitter codegen::findEmitter(llvm::StringRef opName) {
  // In the order of AnchorKind.
  static constexpr AnchorEmitter emitters[] = {
      emitConv2D,    emitMatmul,  emitMovement, emitGather, emitPool2D,
      emitReduction, emitSoftmax, emitLayerNorm, emitIntegerBatchMatmul,
      emitLSTM,      emitGRU,     emitCompute,   emitDynamicQuantize};
  auto kind = anchorKind(opName);
  return kind ? emitters[static_cast<size_t>(*kind)] : nullptr;
}
