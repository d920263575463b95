//===- Dynamic.cpp - ops with scales that are found at run time -----------===//
#include "dyadic/Dialect/QNN/Dynamic.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::qnn;

bool qnn::sumsIntegers(Operation *op) {
  return isa<Conv2DOp, MatmulOp>(op) &&
         op->getOperand(0).getDefiningOp<DynamicRoundOp>() &&
         isa<quant::QuantizedType>(
             cast<RankedTensorType>(op->getOperand(1).getType()).getElementType());
}

LogicalResult DynamicRoundOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                               Adaptor op,
                                               SmallVectorImpl<Type> &types) {
  types.push_back(op.getInput().getType());
  return success();
}

bool DynamicRoundOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) { return l == r; }

LogicalResult DynamicRoundOp::verify() {
  int64_t rank = cast<RankedTensorType>(getInput().getType()).getRank(),
          outer = getOuter();
  if (outer >= 0 && outer <= rank)
    return success();
  return emitOpError() << "expected outer in [0, " << rank << "], but got " << outer;
}

#define GET_OP_CLASSES
#include "dyadic/Dialect/QNN/QNNDynamicOps.cpp.inc"
