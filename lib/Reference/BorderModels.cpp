//===- BorderModels.cpp - ops between float and quantized -----------------===//
#include "Models.h"
#include "Quantized.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::reference;

FailureOr<HostTensor> reference::evaluateConstant(Operation *op,
                                                  Attribute value) {
  auto tensor = readConstant(value);
  if (failed(tensor))
    return op->emitOpError() << "expected a dense tensor whose bytes are here";
  return tensor;
}

/// Appends a result that may have failed.
static LogicalResult append(FailureOr<HostTensor> tensor,
                            SmallVectorImpl<HostTensor> &results) {
  if (failed(tensor))
    return failure();
  results.push_back(std::move(*tensor));
  return success();
}

namespace {
template <typename Op>
struct QuantizeModel
    : ReferenceOpInterface::ExternalModel<QuantizeModel<Op>, Op> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    if (operands[0]->kind != ElementKind::F32)
      return op->emitOpError() << "expected an operand of f32, but got "
                               << name(operands[0]->kind);
    return append(quantize(op, op->getResult(0).getType(), *operands[0]),
                  results);
  }
};

template <typename Op>
struct DequantizeModel
    : ReferenceOpInterface::ExternalModel<DequantizeModel<Op>, Op> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    return append(dequantize(op, op->getOperand(0).getType(), *operands[0]),
                  results);
  }
};

/// The same bytes under another type.
template <typename Op>
struct StorageCastModel
    : ReferenceOpInterface::ExternalModel<StorageCastModel<Op>, Op> {
  LogicalResult interpret(Operation *op, Operands operands,
                          SmallVectorImpl<HostTensor> &results) const {
    Type element = getElementTypeOrSelf(op->getResult(0).getType());
    if (elementKindOf(element) != operands[0]->kind)
      return op->emitOpError() << "expected an operand stored as " << element
                               << ", but got " << name(operands[0]->kind);
    results.push_back(*operands[0]);
    return success();
  }
};

struct ArithConstantModel
    : ReferenceOpInterface::ExternalModel<ArithConstantModel,
                                          arith::ConstantOp> {
  LogicalResult interpret(Operation *op, Operands,
                          SmallVectorImpl<HostTensor> &results) const {
    return append(evaluateConstant(op, cast<arith::ConstantOp>(op).getValue()),
                  results);
  }
};
} // namespace

template <typename Quantize, typename Dequantize, typename StorageCast>
static void attachModels(MLIRContext &context) {
  Quantize::template attachInterface<QuantizeModel<Quantize>>(context);
  Dequantize::template attachInterface<DequantizeModel<Dequantize>>(context);
  StorageCast::template attachInterface<StorageCastModel<StorageCast>>(context);
}

void reference::registerBorderModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, quant::QuantDialect *) {
    attachModels<quant::QuantizeCastOp, quant::DequantizeCastOp,
                 quant::StorageCastOp>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, qnn::QNNDialect *) {
    attachModels<qnn::QuantizeOp, qnn::DequantizeOp, qnn::StorageCastOp>(
        *context);
  });
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    arith::ConstantOp::attachInterface<ArithConstantModel>(*context);
  });
}

void dyadic::registerReferenceModels(DialectRegistry &registry) {
  registerQNNModels(registry);
  registerDyadicModels(registry);
  registerRecurrentModels(registry);
  registerDynamicModels(registry);
  registerBorderModels(registry);
  registerControlModels(registry);
}
