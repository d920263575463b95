//===- Arithmetic.cpp - requantization and ops of one or two elements -----===//
#include "Exporter.h"

#include "dyadic/Support/ConstantData.h"

using namespace mlir;

namespace dyadic::tosa_export {

static int64_t signedValue(uint32_t x) { return static_cast<int32_t>(x); }

/// The greatest magnitude of x − input_zp.
static int64_t magnitudeOf(RequantizeOp op) {
  int64_t zp = signedValue(op.getInputZp()), most = 0;
  auto producer = op.getInput().getDefiningOp<AccumulatorOpInterface>();
  FailureOr<SmallVector<AccumulatorRange>> ranges = failure();
  if (producer)
    ranges = producer.getAccumulatorRanges();
  if (succeeded(ranges)) {
    for (const AccumulatorRange &range : *ranges)
      most = std::max({most, zp - range.min, range.max - zp});
    return most;
  }
  StorageRange range = storageRange(op.getInput().getType());
  return std::max(zp - range.min, range.max - zp);
}

/// TOSA wants a shift of at least 2 and values below 2^(shift − 1). Twice the
/// multiplier and one more bit of shift are the same number, and as long as
/// nothing is rounded at bit 31 the same rounding.
static LogicalResult fitBounds(Exporter &e, RequantizeOp op,
                               SmallVectorImpl<int32_t> &multipliers,
                               SmallVectorImpl<int32_t> &shifts) {
  int64_t magnitude = magnitudeOf(op);
  int32_t mostShift = op.getRounding() == Rounding::DoubleRound ? 31 : 62;
  for (auto [multiplier, shift] : llvm::zip_equal(multipliers, shifts)) {
    while (shift < mostShift && multiplier < 1 << 30) {
      multiplier *= 2;
      ++shift;
    }
    if (shift < 2 || magnitude > int64_t{1} << (shift - 1))
      return e.emitError() << "expected values below 2^" << shift - 1
                           << ", as a tosa.rescale with a shift of " << shift
                           << " takes, but they may be up to " << magnitude;
  }
  return success();
}

static LogicalResult checkZeroPoint(Exporter &e, Type type, int64_t zp) {
  if (zp == 0 || getElementTypeOrSelf(type).getIntOrFloatBitWidth() == 8)
    return success();
  return e.emitError() << "expected a zero point of 0, as TOSA has it for "
                       << getElementTypeOrSelf(type) << ", but got " << zp;
}

static FailureOr<Value> exportRequantize(Exporter &e, RequantizeOp op) {
  if (op.getRounding() == Rounding::NearestEven)
    return e.emitError()
           << "expected rounding half_up or double_round, but got "
              "nearest_even, which TOSA doesn't have: lower with "
              "--lower-qnn-to-dyadic=rounding=half_up";
  int64_t offset = offsetOf(op.getOutput().getType());
  int64_t inputZp =
      signedValue(op.getInputZp()) - offsetOf(op.getInput().getType());
  int64_t outputZp = signedValue(op.getOutputZp()) - offset;
  SmallVector<int32_t> multipliers(op.getMultiplier()), shifts(op.getShift());
  Value input = e.operand(op.getInput());
  if (inputZp && getElementTypeOrSelf(input.getType()).isInteger(32)) {
    auto type = cast<RankedTensorType>(input.getType());
    SmallVector<int64_t> ones(type.getRank(), 1);
    input = e.create<tosa::SubOp>(type, input, e.splat(type.clone(ones), inputZp));
    inputZp = 0;
  }
  if (failed(checkZeroPoint(e, op.getInput().getType(), inputZp)) ||
      failed(checkZeroPoint(e, op.getOutput().getType(), outputZp)) ||
      failed(fitBounds(e, op, multipliers, shifts)))
    return failure();
  RescaleNumbers numbers{multipliers, shifts, inputZp, outputZp};
  if (op.getRounding() == Rounding::DoubleRound)
    numbers.rounding = tosa::RoundingMode::DOUBLE_ROUND;
  RankedTensorType type = e.resultType();
  Value result = e.rescale(input, type, numbers);
  int64_t low = signedValue(op.getClampMin()) - offset,
          high = signedValue(op.getClampMax()) - offset;
  StorageRange range = storageRange(type);
  if (low == range.min && high == range.max)
    return result;
  Type element = type.getElementType();
  return e.create<tosa::ClampOp>(type, result,
                                 e.b.getIntegerAttr(element, low),
                                 e.b.getIntegerAttr(element, high));
}

static FailureOr<Value> exportClamp(Exporter &e, dyadic::ClampOp op) {
  RankedTensorType type = e.resultType();
  int64_t offset = offsetOf(op.getInput().getType());
  Type element = type.getElementType();
  return e.create<tosa::ClampOp>(
      type, e.operand(op.getInput()),
      e.b.getIntegerAttr(element, signedValue(op.getMin()) - offset),
      e.b.getIntegerAttr(element, signedValue(op.getMax()) - offset));
}

static FailureOr<Value> exportLookup(Exporter &e, LookupOp op) {
  auto table = readConstant(op.getTable());
  if (failed(table) || e.resultType().getElementTypeBitWidth() != 8)
    return e.emitError() << "expected a table of 8-bit elements, as tosa.table "
                            "has it, but got "
                         << op.getTable().getType();
  HostTensor entries(ElementKind::I8, {256});
  int64_t offset = offsetOf(op.getOutput().getType());
  for (int64_t i = 0; i < 256; ++i)
    entries.set(i, table->get(i) - offset);
  Value values = e.constant(makeConstant(std::move(entries), e.b.getContext()));
  return e.create<tosa::TableOp>(e.resultType(), e.operand(op.getInput()),
                                 values);
}

static FailureOr<Value> exportAdd(Exporter &e, dyadic::AddOp op) {
  int64_t left = signedValue(op.getLhsMultiplier()),
          right = signedValue(op.getRhsMultiplier());
  RankedTensorType type = e.resultType();
  Value lhs = e.widen(op.getLhs(), signedValue(op.getLhsZp()), left);
  // A subtraction says what a negative factor would.
  Value rhs = e.widen(op.getRhs(), signedValue(op.getRhsZp()), std::abs(right));
  lhs = e.toRank(lhs, type.getRank());
  rhs = e.toRank(rhs, type.getRank());
  if (right < 0)
    return e.create<tosa::SubOp>(type, lhs, rhs);
  return e.create<tosa::AddOp>(type, lhs, rhs);
}

static FailureOr<Value> exportMul(Exporter &e, dyadic::MulOp op) {
  Value lhs = e.widen(op.getLhs(), signedValue(op.getLhsZp())),
        rhs = e.widen(op.getRhs(), signedValue(op.getRhsZp()));
  return e.multiply(lhs, rhs, e.resultType());
}

static FailureOr<Value> exportReduceSum(Exporter &e, ReduceSumOp op) {
  Value sum = e.widen(op.getInput(), signedValue(op.getInputZp()));
  for (int64_t axis : op.getAxes()) {
    auto type = cast<RankedTensorType>(sum.getType());
    Shape extents(type.getShape());
    extents[axis] = 1;
    sum = e.create<tosa::ReduceSumOp>(type.clone(extents), sum,
                                      static_cast<uint32_t>(axis));
  }
  return e.reshape(sum, e.resultType().getShape());
}

void addArithmetic(ExportTable &table) {
  addExport<RequantizeOp, exportRequantize>(table);
  addExport<dyadic::ClampOp, exportClamp>(table);
  addExport<LookupOp, exportLookup>(table);
  addExport<dyadic::AddOp, exportAdd>(table);
  addExport<dyadic::MulOp, exportMul>(table);
  addExport<ReduceSumOp, exportReduceSum>(table);
}

} // namespace dyadic::tosa_export
