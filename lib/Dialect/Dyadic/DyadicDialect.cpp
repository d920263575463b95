//===- DyadicDialect.cpp - registration and verifiers ---------------------===//
#include "dyadic/Dialect/Dyadic/Dynamic.h"
#include "dyadic/Dialect/QNN/QNN.h"

#include "dyadic/Support/ConstantData.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyadic;

#include "dyadic/Dialect/Dyadic/DyadicDialect.cpp.inc"
#include "dyadic/Dialect/Dyadic/DyadicEnums.cpp.inc"
#include "dyadic/Dialect/Dyadic/DyadicInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dyadic/Dialect/Dyadic/DyadicAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dyadic/Dialect/Dyadic/DyadicOps.cpp.inc"

void DyadicDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dyadic/Dialect/Dyadic/DyadicAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dyadic/Dialect/Dyadic/DyadicOps.cpp.inc"
      ,
#define GET_OP_LIST
#include "dyadic/Dialect/Dyadic/DynamicOps.cpp.inc"
      >();
}

StorageRange dyadic::storageRange(Type type) {
  auto integer = cast<IntegerType>(getElementTypeOrSelf(type));
  int64_t span = int64_t{1} << integer.getWidth();
  if (integer.isUnsigned())
    return {0, span - 1};
  return {-span / 2, span / 2 - 1};
}

/// `value` must lie in the storage type of `type`. The parameter is signed
/// because the accessors of I32Attr are not.
static LogicalResult checkStorage(Operation *op, StringRef what, int32_t value,
                                  Type type) {
  StorageRange range = storageRange(type);
  if (value >= range.min && value <= range.max)
    return success();
  return op->emitOpError() << "expected " << what << " in [" << range.min
                           << ", " << range.max << "], but got " << value;
}

static LogicalResult checkClamp(Operation *op, int32_t min, int32_t max,
                                Type type) {
  if (failed(checkStorage(op, "the lower bound", min, type)) ||
      failed(checkStorage(op, "the upper bound", max, type)))
    return failure();
  if (min > max)
    return op->emitOpError() << "expected bounds in order, but got " << min
                             << " and " << max;
  return success();
}

LogicalResult ConstantOp::verify() {
  auto valueType = cast<ShapedType>(getValue().getType());
  if (valueType.getShape() != getOutput().getType().getShape() ||
      valueType.getElementType() != getOutput().getType().getElementType())
    return emitOpError() << "expected a value of type " << getOutput().getType()
                         << ", but got " << valueType;
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult QuantizeOp::verify() {
  if (!(getInverseScale().convertToFloat() > 0))
    return emitOpError() << "expected a positive inverse scale";
  return checkStorage(*this, "the zero point", getZeroPoint(),
                      getOutput().getType());
}

LogicalResult DequantizeOp::verify() {
  if (!(getScale().convertToFloat() > 0))
    return emitOpError() << "expected a positive scale";
  if (getInput().getType().getElementType().isInteger(32)) {
    if (getZeroPoint() != 0)
      return emitOpError() << "expected a zero point of 0 for i32, but got "
                           << static_cast<int32_t>(getZeroPoint());
    return success();
  }
  return checkStorage(*this, "the zero point", getZeroPoint(),
                      getInput().getType());
}

LogicalResult BatchMatmulOp::verify() {
  if (failed(checkStorage(*this, "the left zero point", getLhsZp(),
                          getLhs().getType())) ||
      failed(checkStorage(*this, "the right zero point", getRhsZp(),
                          getRhs().getType())))
    return failure();
  for (ArrayRef<int64_t> permutation :
       {getLhsPermutation(), getRhsPermutation(), getOutputPermutation()})
    if (!permutation.empty() &&
        permutation.back() != static_cast<int64_t>(permutation.size()) - 1)
      return emitOpError() << "expected permutations that keep the last "
                              "dimension, but got ["
                           << permutation << "]";
  return success();
}

LogicalResult AddOp::verify() {
  for (int32_t multiplier : {getLhsMultiplier(), getRhsMultiplier()})
    if (multiplier < -(1 << 15) || multiplier > (1 << 15))
      return emitOpError() << "expected multipliers of magnitude 32768 at "
                              "most, but got "
                           << multiplier;
  return success();
}

LogicalResult RequantizeOp::verify() {
  auto type = cast<RankedTensorType>(getOutput().getType());
  size_t count = getMultiplier().size();
  if (count != getShift().size())
    return emitOpError() << "expected as many shifts as multipliers, but got "
                         << getShift().size() << " and " << count;
  int64_t channels = type.getRank() ? type.getShape().back() : 1;
  if (count != 1 && static_cast<int64_t>(count) != channels)
    return emitOpError() << "expected 1 or " << channels
                         << " multipliers, but got " << count;
  for (auto [multiplier, shift] : llvm::zip(getMultiplier(), getShift())) {
    if (multiplier < 0)
      return emitOpError() << "expected multipliers of at least 0, but got "
                           << multiplier;
    if (shift < 0 || shift > 62)
      return emitOpError() << "expected shifts in [0, 62], but got " << shift;
  }
  Type inputType = getInput().getType();
  if (!getElementTypeOrSelf(inputType).isInteger(32) &&
      failed(checkStorage(*this, "the input zero point", getInputZp(), inputType)))
    return failure();
  if (failed(checkStorage(*this, "the output zero point", getOutputZp(), type)))
    return failure();
  return checkClamp(*this, getClampMin(), getClampMax(), type);
}

LogicalResult LookupOp::verify() {
  auto tableType = cast<ShapedType>(getTable().getType());
  Type element = getOutput().getType().getElementType();
  if (tableType.getNumElements() != 256 ||
      tableType.getElementType() != element)
    return emitOpError() << "expected a table of 256 " << element
                         << " entries, but got " << tableType;
  return success();
}

LogicalResult dyadic::ClampOp::verify() {
  return checkClamp(*this, getMin(), getMax(), getOutput().getType());
}

LogicalResult ReshapeOp::verify() {
  if (getInput().getType().getNumElements() !=
      getOutput().getType().getNumElements())
    return emitOpError() << "expected "
                         << getInput().getType().getNumElements()
                         << " elements, but got "
                         << getOutput().getType().getNumElements();
  if (getInput().getType().getElementType() !=
      getOutput().getType().getElementType())
    return emitOpError() << "expected the input's element type";
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getOutput().getType())
    return getInput();
  return {};
}

YieldOp KernelOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}

Operation *KernelOp::getAnchor() {
  for (Operation &op : getBody().front().without_terminator())
    if (!op.hasTrait<OpTrait::ConstantLike>() && !isPointwise(&op))
      return &op;
  return nullptr;
}

bool KernelOp::isInPlace(unsigned operand) {
  return getInPlace() && llvm::is_contained(*getInPlace(), operand);
}

LogicalResult KernelOp::verify() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes())
    return emitOpError() << "expected a body argument of each input's type";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getValues().getTypes() != getOutputs().getTypes())
    return emitOpError() << "expected the body to yield the results' types";
  if (getArenaOffsets() && getArenaOffsets()->size() != getNumResults())
    return emitOpError() << "expected an arena offset for each of "
                         << getNumResults() << " results, but got "
                         << getArenaOffsets()->size();
  if (std::optional<ArrayAttr> layouts = getLayouts()) {
    if (layouts->size() != getNumResults())
      return emitOpError() << "expected a layout for each of "
                           << getNumResults() << " results, but got "
                           << layouts->size();
    for (auto [layout, type] : llvm::zip_equal(*layouts, getResultTypes()))
      if (int64_t rank = cast<RankedTensorType>(type).getRank(),
          strides = cast<StridedLayoutAttr>(layout).getStrides().size();
          rank != strides)
        return emitOpError() << "expected a layout with " << rank
                             << " strides for " << type << ", but got "
                             << layout;
  }
  if (std::optional<ArrayRef<int64_t>> operands = getInPlace())
    for (int64_t i : *operands)
      if (i < 0 || i >= static_cast<int64_t>(getInputs().size()))
        return emitOpError() << "expected in_place to list operands, but got "
                             << i;
  int anchors = 0;
  for (Operation &op : body.without_terminator())
    anchors += !op.hasTrait<OpTrait::ConstantLike>() && !isPointwise(&op);
  if (anchors > 1)
    return emitOpError() << "expected at most one op that isn't pointwise, "
                            "but got "
                         << anchors;
  return success();
}

bool dyadic::isPointwise(Operation *op) {
  return op->hasTrait<PointwiseTrait>() ||
         isa<qnn::ElementwiseOpInterface>(op);
}
