//===- IntegerArithmetic.cpp - rescale and integer ops of two elements ----===//
#include "OpConverter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dyadic::tosa_import {

/// What a tosa.rescale says, its constants read.
struct Rescale {
  int64_t inputZp, outputZp;
  SmallVector<int32_t> multipliers, shifts;
  Rounding rounding;
};

/// INEXACT_ROUND leaves the choice to us: half up is right in every case.
static Rounding roundingOf(tosa::RoundingMode mode) {
  return mode == tosa::RoundingMode::DOUBLE_ROUND ? Rounding::DoubleRound
                                                  : Rounding::HalfUp;
}

/// None where its numbers aren't constant or not those of dyadic.requantize.
static std::optional<Rescale> readRescale(OpConverter &c, tosa::RescaleOp op) {
  auto inputZp = c.integer(op.getInputZp(), op.getInputUnsigned()),
       outputZp = c.integer(op.getOutputZp(), op.getOutputUnsigned());
  auto multiplier = readConstant(op.getMultiplier()), shift = readConstant(op.getShift());
  if (!inputZp || !outputZp || failed(multiplier) || failed(shift) ||
      multiplier->numElements() != shift->numElements())
    return std::nullopt;
  Rescale rescale{*inputZp, *outputZp, {}, {}, roundingOf(op.getRoundingMode())};
  for (int64_t i = 0; i < shift->numElements(); ++i) {
    auto m = static_cast<int32_t>(multiplier->get(i)),
         s = static_cast<int32_t>(shift->get(i));
    if (m < 0 || s < 0 || s > 62)
      return std::nullopt;
    rescale.multipliers.push_back(m);
    rescale.shifts.push_back(s);
  }
  // Up to 31 bits are dropped at once, whatever the mode.
  if (llvm::all_of(rescale.shifts, [](int32_t s) { return s <= 31; }))
    rescale.rounding = Rounding::HalfUp;
  if (llvm::all_equal(rescale.multipliers) && llvm::all_equal(rescale.shifts)) {
    rescale.multipliers.truncate(1);
    rescale.shifts.truncate(1);
  }
  return rescale;
}

/// Whether the type says by itself what the op's flag says.
static bool statesSignedness(Type type, bool isUnsigned) {
  return cast<ShapedType>(type).getElementType().isUnsignedInteger() ==
         isUnsigned;
}

/// The i32 sums under a reshape that leaves the channels where they are: the
/// storage values can be reshaped instead, which sums can't.
static Value underReshape(Value value, bool perChannel) {
  auto reshape = value.getDefiningOp<tosa::ReshapeOp>();
  if (!reshape || isStorage(value.getType()))
    return value;
  auto from = dyn_cast<RankedTensorType>(reshape.getInput1().getType()),
       to = dyn_cast<RankedTensorType>(value.getType());
  if (!from || !to || !from.hasStaticShape() || !to.hasStaticShape())
    return value;
  ArrayRef<int64_t> outer = from.getShape(), inner = to.getShape();
  bool keepsChannels = !outer.empty() && !inner.empty() &&
                       outer.back() == inner.back();
  return keepsChannels || !perChannel ? reshape.getInput1() : value;
}

static FailureOr<Value> convertRescale(OpConverter &c, tosa::RescaleOp op) {
  Value input = underReshape(op.getInput(), op.getPerChannel());
  auto inputType = dyn_cast<RankedTensorType>(input.getType());
  bool reads = isStorage(inputType) ||
               (inputType && inputType.hasStaticShape() &&
                inputType.getElementType().isSignlessInteger(32));
  std::optional<Rescale> rescale = readRescale(c, op);
  if (!reads || !isStorage(c.resultType()) || !rescale ||
      !statesSignedness(inputType, op.getInputUnsigned()) ||
      !statesSignedness(c.resultType(), op.getOutputUnsigned()))
    return Value();
  if (rescale->multipliers.size() > 1 &&
      (inputType.getRank() == 0 || inputType.getShape().back() !=
       static_cast<int64_t>(rescale->multipliers.size())))
    return Value();
  StorageRange range = storageRange(c.resultType());
  Value result = c.create<RequantizeOp>(
      c.resultType().clone(inputType.getShape()), input, rescale->multipliers, rescale->shifts,
      static_cast<int32_t>(rescale->inputZp),
      static_cast<int32_t>(rescale->outputZp), range.min, range.max,
      rescale->rounding);
  return c.reshape(result, c.resultType().getShape());
}

/// (value − zeroPoint) · factor, what an operand of a 32-bit sum often is.
struct Weighted {
  Value value;
  int64_t zeroPoint, factor;
};

/// The storage values under a rescale to i32 that multiplies by an integer.
static std::optional<Weighted> readWeighted(OpConverter &c, Value value) {
  auto op = value.getDefiningOp<tosa::RescaleOp>();
  if (!op || !isStorage(op.getInput().getType()) ||
      !statesSignedness(op.getInput().getType(), op.getInputUnsigned()))
    return std::nullopt;
  auto rescale = readRescale(c, op);
  if (!rescale || rescale->outputZp != 0 || rescale->multipliers.size() != 1)
    return std::nullopt;
  int64_t unit = int64_t{1} << rescale->shifts[0];
  int64_t factor = rescale->multipliers[0] / unit;
  // As SpecC.9 wants it: |factor| ≤ 2^15.
  if (rescale->multipliers[0] % unit || factor > 1 << 15)
    return std::nullopt;
  return Weighted{op.getInput(), rescale->inputZp, factor};
}

/// A sum or difference of weighted storage values; whether it fits 32 bits is
/// what the model's author must know: TOSA doesn't define an overflow.
template <typename Op, int sign>
static FailureOr<Value> convertSum(OpConverter &c, Op op) {
  auto lhs = readWeighted(c, op.getInput1()), rhs = readWeighted(c, op.getInput2());
  if (!lhs || !rhs || !c.resultType().hasStaticShape())
    return Value();
  return c.create<dyadic::AddOp>(c.resultType(), lhs->value, rhs->value,
                                 static_cast<int32_t>(lhs->zeroPoint),
                                 static_cast<int32_t>(rhs->zeroPoint),
                                 static_cast<int32_t>(lhs->factor),
                                 static_cast<int32_t>(sign * rhs->factor));
}

/// i8 or i16 operands as they are, or what a rescale makes of storage values
/// by subtracting their zero point.
static FailureOr<Value> convertMul(OpConverter &c, tosa::MulOp op) {
  if (c.integer(op.getShift()) != 0 || !c.resultType().hasStaticShape() ||
      !c.resultType().getElementType().isSignlessInteger(32))
    return Value();
  auto factor = [&](Value value) -> std::optional<Weighted> {
    if (isStorage(value.getType()))
      return Weighted{value, 0, 1};
    return readWeighted(c, value);
  };
  auto lhs = factor(op.getInput1()), rhs = factor(op.getInput2());
  if (!lhs || !rhs || lhs->factor != 1 || rhs->factor != 1)
    return Value();
  return c.create<dyadic::MulOp>(c.resultType(), lhs->value, rhs->value,
                                 static_cast<int32_t>(lhs->zeroPoint),
                                 static_cast<int32_t>(rhs->zeroPoint));
}

/// One dimension after the other: together they are one op.
static FailureOr<Value> convertReduceSum(OpConverter &c, tosa::ReduceSumOp op) {
  int64_t axis = op.getAxis();
  if (auto inner = op.getInput().getDefiningOp<ReduceSumOp>();
      inner && inner.getKeepDims() && inner.getAxes().back() < axis) {
    Shape axes(inner.getAxes());
    axes.push_back(axis);
    return c.create<ReduceSumOp>(c.resultType(), inner.getInput(),
                                 inner.getInputZp(), axes, /*keep_dims=*/true);
  }
  auto input = readWeighted(c, op.getInput());
  if (!input || input->factor != 1 || !c.resultType().hasStaticShape())
    return Value();
  return c.create<ReduceSumOp>(c.resultType(), input->value,
                               static_cast<int32_t>(input->zeroPoint),
                               ArrayRef<int64_t>(axis), /*keep_dims=*/true);
}

static FailureOr<Value> convertClamp(OpConverter &c, tosa::ClampOp op) {
  auto min = dyn_cast<IntegerAttr>(op.getMinVal()),
       max = dyn_cast<IntegerAttr>(op.getMaxVal());
  if (!isStorage(c.resultType()) || !min || !max)
    return Value();
  return c.create<dyadic::ClampOp>(c.resultType(), op.getInput(),
                                   static_cast<int32_t>(min.getValue().getSExtValue()),
                                   static_cast<int32_t>(max.getValue().getSExtValue()));
}

void addIntegerArithmetic(ConverterTable &table) {
  addConverter<tosa::RescaleOp, convertRescale>(table);
  addConverter<tosa::AddOp, convertSum<tosa::AddOp, 1>>(table);
  addConverter<tosa::SubOp, convertSum<tosa::SubOp, -1>>(table);
  addConverter<tosa::MulOp, convertMul>(table);
  addConverter<tosa::ReduceSumOp, convertReduceSum>(table);
  addConverter<tosa::ClampOp, convertClamp>(table);
}

} // namespace dyadic::tosa_import
