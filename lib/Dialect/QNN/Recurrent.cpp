//===- Recurrent.cpp - qnn.lstm -------------------------------------------===//
#include "dyadic/Dialect/QNN/QNN.h"

using namespace mlir;
using namespace dyadic::qnn;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

LogicalResult LSTMOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> projection = tensorOf(op.getProjection()).getShape();
  if (projection.size() != 3 || projection[2] % 4 != 0)
    return emitOptionalError(loc, "expected a projection of steps x batch x "
                                  "4 gates");
  types.push_back(RankedTensorType::get(
      {projection[0] + (op.getWithCell() ? 1 : 0), projection[1],
       projection[2] / 4},
      tensorOf(op.getHidden()).getElementType()));
  return success();
}

bool LSTMOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return llvm::equal(l, r, [](Type x, Type y) {
    return cast<RankedTensorType>(x).getShape() ==
           cast<RankedTensorType>(y).getShape();
  });
}

LogicalResult LSTMOp::verify() {
  ArrayRef<int64_t> projection = tensorOf(getProjection()).getShape();
  int64_t batch = projection[1], units = projection[2] / 4;
  RankedTensorType recurrent = tensorOf(getRecurrent());
  if (recurrent.getShape() != ArrayRef<int64_t>{units, 4 * units})
    return emitOpError() << "expected recurrent weights of " << units << "x"
                         << 4 * units << ", but got " << recurrent;
  for (Value state : {getHidden(), getCell()})
    if (tensorOf(state).getShape() != ArrayRef<int64_t>{batch, units})
      return emitOpError() << "expected an initial state of " << batch << "x"
                           << units << ", but got " << state.getType();
  bool isInteger = recurrent.getElementType().isInteger(8);
  if (isInteger != getRecurrentScales().has_value())
    return emitOpError() << "expected recurrent_scales with weights of type i8, "
                            "and only there";
  if (isInteger &&
      static_cast<int64_t>(getRecurrentScales()->size()) != 4 * units)
    return emitOpError() << "expected " << 4 * units
                         << " recurrent_scales, but got "
                         << getRecurrentScales()->size();
  return success();
}
