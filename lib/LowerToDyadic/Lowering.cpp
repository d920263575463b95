//===- Lowering.cpp - what the lowering's patterns share ------------------===//
#include "LiteRTTables.h"

#include "dyadic/Dialect/Shapes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace dyadic;

FailureOr<ActivationType> dyadic::activationTypeOf(Operation *op, Value value) {
  auto tensor = cast<RankedTensorType>(value.getType());
  if (auto type = dyn_cast<ActivationType>(tensor.getElementType()))
    return type;
  return op->emitError() << "expected a tensor quantized as a whole, but got "
                         << value.getType();
}

RankedTensorType dyadic::storageTensorOf(Value value) {
  auto tensor = cast<RankedTensorType>(value.getType());
  auto type = cast<quant::QuantizedType>(tensor.getElementType());
  unsigned width = type.getStorageTypeIntegralWidth();
  auto signedness =
      type.isSigned() ? IntegerType::Signless : IntegerType::Unsigned;
  return tensor.clone(IntegerType::get(value.getContext(), width, signedness));
}

int32_t dyadic::storageOf(double real, ActivationType type) {
  double q = roundHalfEven(real / type.getScale()) + type.getZeroPoint();
  return static_cast<int32_t>(
      std::min<double>(std::max<double>(q, type.getStorageTypeMin()),
                       type.getStorageTypeMax()));
}

Rounding dyadic::roundingOf(Operation *op) {
  auto func = op->getParentOfType<func::FuncOp>();
  auto name = func ? func->getAttrOfType<StringAttr>(kRoundingAttr) : nullptr;
  return name ? symbolizeRounding(name.getValue()).value_or(Rounding::NearestEven)
              : Rounding::NearestEven;
}

FailureOr<FixedPointMultiplier> dyadic::multiplierOf(Operation *op,
                                                     double scale) {
  bool exact = isLiteRTExact(op);
  if (auto multiplier = exact ? litert::quantizeMultiplier(scale)
                              : quantizeMultiplier(scale))
    return *multiplier;
  return op->emitError() << "expected operands of at most 2^"
                         << (exact ? 31 : 24)
                         << " times the result's scale, but got " << scale
                         << " times";
}

FailureOr<SmallVector<double>>
dyadic::weightScales(Operation *op, RankedTensorType type, int64_t dim) {
  int64_t channels = type.getDimSize(dim);
  Type element = type.getElementType();
  if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(element))
    if (perAxis.getQuantizedDimension() == dim &&
        llvm::all_of(perAxis.getZeroPoints(), [](int64_t z) { return !z; }))
      return SmallVector<double>(perAxis.getScales());
  if (auto whole = dyn_cast<ActivationType>(element))
    return SmallVector<double>(channels, whole.getScale());
  return op->emitError() << "expected weights quantized as a whole, or with "
                            "zero points 0 over dimension "
                         << dim << ", but got " << type;
}

Value dyadic::requantizeTo(OpBuilder &builder, Operation *op, Value accumulator,
                           ArrayRef<FixedPointMultiplier> multipliers,
                           RankedTensorType resultType, ActivationType type,
                           int32_t inputZeroPoint,
                           std::optional<Rounding> rounding) {
  if (llvm::all_equal(multipliers))
    multipliers = multipliers.take_front();
  SmallVector<int32_t> multiplier, shift;
  for (const FixedPointMultiplier &m : multipliers) {
    multiplier.push_back(m.multiplier);
    shift.push_back(m.shift);
  }
  return RequantizeOp::create(
      builder, op->getLoc(), resultType, accumulator,
      builder.getDenseI32ArrayAttr(multiplier),
      builder.getDenseI32ArrayAttr(shift),
      builder.getI32IntegerAttr(inputZeroPoint),
      builder.getI32IntegerAttr(type.getZeroPoint()),
      builder.getI32IntegerAttr(type.getStorageTypeMin()),
      builder.getI32IntegerAttr(type.getStorageTypeMax()),
      RoundingAttr::get(builder.getContext(), rounding.value_or(roundingOf(op))));
}

FailureOr<Value> dyadic::rescale(OpBuilder &builder, Operation *op,
                                 Value storage, ActivationType from,
                                 ActivationType to) {
  if (from == to)
    return storage;
  auto multiplier = multiplierOf(op, from.getScale() / to.getScale());
  if (failed(multiplier))
    return failure();
  auto signedness = to.isSigned() ? IntegerType::Signless : IntegerType::Unsigned;
  auto element = IntegerType::get(
      op->getContext(), to.getStorageTypeIntegralWidth(), signedness);
  return requantizeTo(builder, op, storage, *multiplier,
                      cast<RankedTensorType>(storage.getType()).clone(element),
                      to, from.getZeroPoint());
}

Value dyadic::padImage(OpBuilder &builder, Location loc, Value input,
                       ArrayRef<int64_t> pads, int32_t value) {
  if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return input;
  SmallVector<int64_t> low{0, pads[0], pads[1], 0}, high{0, pads[2], pads[3], 0};
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> shape(type.getShape());
  for (unsigned i = 0; i < shape.size(); ++i)
    shape[i] += low[i] + high[i];
  return dyadic::PadOp::create(builder, loc, type.clone(shape), input, low,
                               high, value);
}
