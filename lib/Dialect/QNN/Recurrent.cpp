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

/// Of f32, of i8 with scales in an attribute, or signed ones of 8 bits with a
/// scale for each column.
static bool isWeightType(Type type, int64_t columns) {
  if (type.isF32() || type.isInteger(8))
    return true;
  auto quantized = dyn_cast<quant::UniformQuantizedPerAxisType>(type);
  return quantized && quantized.getQuantizedDimension() == 1 &&
         quantized.getStorageTypeIntegralWidth() == 8 && quantized.isSigned() &&
         static_cast<int64_t>(quantized.getScales().size()) == columns &&
         llvm::all_of(quantized.getZeroPoints(), [](int64_t z) { return z == 0; });
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
  for (Value value : {getProjection(), getHidden(), getCell(), getOutput()})
    if (!tensorOf(value).getElementType().isF32())
      return emitOpError() << "expected a projection, states and a result of f32, "
                              "but got "
                           << value.getType();
  if (!isWeightType(recurrent.getElementType(), 4 * units))
    return emitOpError() << "expected recurrent weights of f32, or signed ones of "
                            "8 bits with scales over dimension 1, but got "
                         << recurrent;
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
