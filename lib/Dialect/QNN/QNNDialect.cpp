//===- QNNDialect.cpp - registration and verifiers ------------------------===//
#include "dyadic/Dialect/QNN/QNN.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Dialect/QNN/Dynamic.h"

#include "dyadic/Support/ConstantData.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyadic::qnn;

#include "dyadic/Dialect/QNN/QNNDialect.cpp.inc"
#include "dyadic/Dialect/QNN/QNNEnums.cpp.inc"
#include "dyadic/Dialect/QNN/QNNInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dyadic/Dialect/QNN/QNNAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dyadic/Dialect/QNN/QNNOps.cpp.inc"
#define GET_OP_CLASSES
#include "dyadic/Dialect/QNN/QNNControlOps.cpp.inc"

void QNNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dyadic/Dialect/QNN/QNNAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dyadic/Dialect/QNN/QNNOps.cpp.inc"
      ,
#define GET_OP_LIST
#include "dyadic/Dialect/QNN/QNNControlOps.cpp.inc"
      ,
#define GET_OP_LIST
#include "dyadic/Dialect/QNN/QNNDynamicOps.cpp.inc"
      >();
}

LogicalResult RangeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                FloatAttr min, FloatAttr max) {
  if (min.getValueAsDouble() <= max.getValueAsDouble()) // false for NaN too
    return success();
  return emitError() << "expected min ≤ max, but got "
                     << min.getValueAsDouble() << " and "
                     << max.getValueAsDouble();
}

LogicalResult ConstantOp::verify() {
  auto valueType = cast<ShapedType>(getValue().getType());
  auto type = cast<RankedTensorType>(getOutput().getType());
  if (valueType.getShape() != type.getShape())
    return emitOpError() << "expected a value of the result's shape";
  if (elementKindOf(valueType.getElementType()) !=
      elementKindOf(type.getElementType()))
    return emitOpError() << "expected a value of the result's storage type, "
                            "but got "
                         << valueType.getElementType();
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ClampOp::verify() {
  if (getMin() <= getMax())
    return success();
  return emitOpError() << "expected min ≤ max, but got "
                       << getMin().convertToDouble() << " and "
                       << getMax().convertToDouble();
}

LogicalResult ReshapeOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType());
  auto to = cast<RankedTensorType>(getOutput().getType());
  if (from.getNumElements() != to.getNumElements())
    return emitOpError() << "expected " << from.getNumElements()
                         << " elements, but got " << to.getNumElements();
  if (from.getElementType() != to.getElementType())
    return emitOpError() << "expected the input's element type";
  return success();
}

LogicalResult StorageCastOp::verify() {
  Type from = cast<RankedTensorType>(getInput().getType()).getElementType();
  Type to = cast<RankedTensorType>(getOutput().getType()).getElementType();
  if (isa<quant::QuantizedType>(from) == isa<quant::QuantizedType>(to) ||
      elementKindOf(from) != elementKindOf(to))
    return emitOpError() << "expected a quantized type and the integer that "
                            "stores it, but got "
                         << from << " and " << to;
  return success();
}
