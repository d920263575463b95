//===- Recurrent.cpp - qnn.lstm and qnn.gru -------------------------------===//
#include "dyadic/Dialect/QNN/QNN.h"

using namespace mlir;
using namespace dyadic::qnn;

constexpr int64_t kGatesOfLSTM = 4, kGatesOfGRU = 3;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool dyadic::qnn::isRecurrent(Operation *op) { return isa<LSTMOp, GRUOp>(op); }

//===----------------------------------------------------------------------===//
// What both are held to
//===----------------------------------------------------------------------===//

/// The states of all steps, and `more` behind them.
static LogicalResult inferStates(std::optional<Location> loc, Value projection,
                                 Value hidden, int64_t gates, int64_t more,
                                 SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> shape = tensorOf(projection).getShape();
  if (shape.size() != 3 || shape[2] % gates != 0)
    return emitOptionalError(loc, "expected a projection of steps x batch x ",
                             gates, " gates");
  types.push_back(RankedTensorType::get(
      {shape[0] + more, shape[1], shape[2] / gates},
      tensorOf(hidden).getElementType()));
  return success();
}

static bool haveSameShapes(TypeRange l, TypeRange r) {
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

template <typename OpTy>
static LogicalResult verifyRecurrence(OpTy op, int64_t gates, ValueRange states) {
  ArrayRef<int64_t> projection = tensorOf(op.getProjection()).getShape();
  int64_t batch = projection[1], units = projection[2] / gates,
          columns = gates * units;
  RankedTensorType recurrent = tensorOf(op.getRecurrent());
  if (recurrent.getShape() != ArrayRef<int64_t>{units, columns})
    return op.emitOpError() << "expected recurrent weights of " << units << "x"
                            << columns << ", but got " << recurrent;
  for (Value state : states)
    if (tensorOf(state).getShape() != ArrayRef<int64_t>{batch, units})
      return op.emitOpError() << "expected an initial state of " << batch << "x"
                              << units << ", but got " << state.getType();
  SmallVector<Value> reals{op.getProjection(), op.getOutput()};
  llvm::append_range(reals, states);
  for (Value value : reals)
    if (!tensorOf(value).getElementType().isF32())
      return op.emitOpError()
             << "expected a projection, states and a result of f32, but got "
             << value.getType();
  if (!isWeightType(recurrent.getElementType(), columns))
    return op.emitOpError() << "expected recurrent weights of f32, or signed ones "
                               "of 8 bits with scales over dimension 1, but got "
                            << recurrent;
  bool isInteger = recurrent.getElementType().isInteger(8);
  if (isInteger != op.getRecurrentScales().has_value())
    return op.emitOpError() << "expected recurrent_scales with weights of type "
                               "i8, and only there";
  if (isInteger &&
      static_cast<int64_t>(op.getRecurrentScales()->size()) != columns)
    return op.emitOpError() << "expected " << columns
                            << " recurrent_scales, but got "
                            << op.getRecurrentScales()->size();
  return success();
}

//===----------------------------------------------------------------------===//
// The ops
//===----------------------------------------------------------------------===//

LogicalResult LSTMOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  return inferStates(loc, op.getProjection(), op.getHidden(), kGatesOfLSTM,
                     op.getWithCell() ? 1 : 0, types);
}
bool LSTMOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return haveSameShapes(l, r);
}
LogicalResult LSTMOp::verify() {
  return verifyRecurrence(*this, kGatesOfLSTM, {getHidden(), getCell()});
}

LogicalResult GRUOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                                      Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  return inferStates(loc, op.getProjection(), op.getHidden(), kGatesOfGRU,
                     /*more=*/0, types);
}
bool GRUOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return haveSameShapes(l, r);
}
LogicalResult GRUOp::verify() {
  if (Value bias = getBias()) {
    RankedTensorType type = tensorOf(bias);
    int64_t units = tensorOf(getOutput()).getShape().back();
    if (!getLinearBeforeReset())
      return emitOpError() << "expected a bias with linear_before_reset alone: "
                              "elsewhere it is the projection's";
    if (type.getShape() != ArrayRef<int64_t>(units) ||
        !type.getElementType().isF32())
      return emitOpError() << "expected a bias of " << units << " f32, but got "
                           << type;
  }
  return verifyRecurrence(*this, kGatesOfGRU, getHidden());
}
