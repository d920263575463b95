//===- TypePlan.cpp - the integer type of every activation ----------------===//
#include "TypePlan.h"

#include "ActiveRange.h"
#include "Weights.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using qnn::QuantizableOpInterface;
using qnn::QuantKind;

ActivationType dyadic::activationType(MLIRContext *context, double min,
                                      double max, bool isSigned) {
  QuantParams params =
      chooseQuantParams(min, max, isSigned ? -128 : 0, isSigned ? 127 : 255);
  return ActivationType::get(
      isSigned ? quant::QuantizationFlags::Signed : 0,
      IntegerType::get(context, 8), Float32Type::get(context), params.scale,
      params.zeroPoint, params.qmin, params.qmax);
}

ActivationType dyadic::activationType16(MLIRContext *context, double min, double max) {
  return ActivationType::get(
      quant::QuantizationFlags::Signed, IntegerType::get(context, 16),
      Float32Type::get(context),
      chooseSymmetricScale(std::max(std::abs(min), std::abs(max)), INT16_MAX),
      /*zeroPoint=*/0, min < 0 ? INT16_MIN : 0, INT16_MAX);
}

ActivationType dyadic::wideType(MLIRContext *context, double min, double max) {
  constexpr double kRoom = 4;
  double magnitude = std::max(std::abs(min), std::abs(max));
  return ActivationType::get(
      quant::QuantizationFlags::Signed, IntegerType::get(context, 16),
      Float32Type::get(context),
      chooseSymmetricScale(kRoom * magnitude, INT16_MAX), /*zeroPoint=*/0,
      INT16_MIN, INT16_MAX);
}

/// The type of sums that only a hard swish reads: 3, where it becomes the identity, is
/// an integer K, below −3 all is zero, and products up to h·2K stay within 2²³, that
/// the factor behind them can be an f32's.
static ActivationType hardSwishType(MLIRContext *context, double max) {
  constexpr double kRoom = 1.5;
  double most = std::max(kRoom * max, 3.0);
  int64_t knee = static_cast<int64_t>(std::sqrt(1.5 * (1 << 23) / most));
  knee = std::max<int64_t>(std::min<int64_t>(knee, 3 * INT16_MAX / most), 1);
  return ActivationType::get(
      quant::QuantizationFlags::Signed, IntegerType::get(context, 16),
      Float32Type::get(context), static_cast<float>(3.0 / knee), /*zeroPoint=*/0, -knee,
      std::min<int64_t>(std::ceil(most * knee / 3), INT16_MAX));
}

static QuantKind kindOf(Operation *op) {
  return cast<QuantizableOpInterface>(op).getQuantKind();
}

TypePlan::TypePlan(func::FuncOp func, const FloatReasons &floatOps,
                   bool isSigned, const ActivationWidths &widths)
    : floatOps(floatOps), isSigned(isSigned), widths(widths) {
  func.walk([&](Operation *op) {
    if (!isComputation(op) || floatOps.contains(op))
      return;
    for (Value operand : op->getOperands().take_front(numActivations(op)))
      if (holdsReals(operand))
        typeOf(operand);
    ActivationType type = resultType(op);
    types[op->getResult(0)] = type;
  });
  unifyConcats(func);
  centreProducts(func);
}

ActivationType TypePlan::resultType(Operation *op) {
  Value result = op->getResult(0);
  switch (kindOf(op)) {
  case QuantKind::SameType:
    return typeOf(op->getOperand(0));
  case QuantKind::Contraction:
  case QuantKind::Rescaling:
    if (!isa<qnn::ConcatOp>(op) && !argumentOfFunction(op) &&
        isReadAsFloat(result, floatOps)) {
      qnn::RangeAttr range = calibratedRange(result);
      if (result.hasOneUse() && isa<qnn::HardSwishOp>(*result.user_begin()))
        return hardSwishType(op->getContext(), range.getMax());
      return wideType(op->getContext(), range.getMin(), range.getMax());
    }
    break;
  case QuantKind::Table:
    break;
  }
  if (isa<qnn::ConcatOp>(op) || widths.isWide(result))
    return typeOf(result);
  auto [min, max] = activeRange(result, floatOps, isSigned);
  return activationType(op->getContext(), min, max, isSigned);
}

ActivationType TypePlan::typeOf(Value value) {
  ActivationType &type = types[value];
  if (type)
    return type;
  if (matchPattern(value, m_Constant()))
    return type = constantType(value, isSigned, meetsWide(value));
  // chooseFloatOps has made sure that there is a range.
  qnn::RangeAttr range = calibratedRange(value);
  if (widths.isWide(value))
    return type = activationType16(value.getContext(), range.getMin(), range.getMax());
  return type = activationType(value.getContext(), range.getMin(),
                               range.getMax(), isSigned);
}

/// Whether a constant is added to 16 bits, or multiplied with them, into 16.
bool TypePlan::meetsWide(Value constant) const {
  return llvm::any_of(constant.getUsers(), [&](Operation *user) {
    auto quantizable = dyn_cast<QuantizableOpInterface>(user);
    return quantizable && quantizable.getQuantKind() == QuantKind::Rescaling &&
           widths.isWide(user->getResult(0));
  });
}

void TypePlan::unifyConcats(func::FuncOp func) {
  SmallVector<qnn::ConcatOp> concats;
  func.walk([&](qnn::ConcatOp op) {
    if (!floatOps.contains(op))
      concats.push_back(op);
  });
  // The last first: a concatenation may be the input of a later one.
  for (qnn::ConcatOp op : llvm::reverse(concats))
    for (Value input : op.getInputs())
      request(input, types[op.getOutput()]);
}

/// Puts the zero point of a right operand that is computed at run time into the
/// middle: products with a signed operand need no correction by row sums then.
void TypePlan::centreProducts(func::FuncOp func) {
  func.walk([&](qnn::MatmulOp op) {
    if (floatOps.contains(op) || !qnn::isRunTimeProduct(op))
      return;
    ActivationType type = types[op.getRhs()];
    int64_t zeroPoint = isSigned ? 0 : 128;
    double steps = std::max(type.getStorageTypeMax() - type.getZeroPoint(),
                            type.getZeroPoint() - type.getStorageTypeMin());
    request(op.getRhs(),
            ActivationType::get(
                type.getFlags(), type.getStorageType(), type.getExpressedType(),
                static_cast<float>(type.getScale() * steps / 127), zeroPoint,
                type.getStorageTypeMin(), type.getStorageTypeMax()));
  });
}

/// Makes `type` the type of `value` if nothing but one op reads it, and of what
/// it is made from by moving elements.
bool TypePlan::request(Value value, ActivationType type) {
  if (!value.hasOneUse() || matchPattern(value, m_Constant()))
    return false;
  Operation *producer = value.getDefiningOp();
  if (producer && !floatOps.contains(producer) &&
      kindOf(producer) == QuantKind::SameType &&
      !request(producer->getOperand(0), type))
    return false;
  types[value] = type;
  return true;
}

bool TypePlan::findUnreachable(FloatReasons &unreachable) const {
  bool any = false;
  for (auto [value, type] : types) {
    Operation *op = value.getDefiningOp();
    if (!op || !isComputation(op) || floatOps.contains(op) ||
        kindOf(op) == QuantKind::SameType || kindOf(op) == QuantKind::Table)
      continue;
    // A contraction's weights count with the largest of their scales.
    double product = 1, largest = 0;
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      if (i >= numActivations(op) || !holdsReals(operand))
        break;
      double scale = lookup(operand).getScale();
      product *= scale;
      largest = std::max(largest, scale);
    }
    if (qnn::hasWeights(op))
      product *= largestWeightScale(op);
    double ratio =
        (isa<qnn::AddOp, qnn::SubOp, qnn::ConcatOp>(op) ? largest : product) /
        type.getScale();
    if (ratio < (1 << 23))
      continue;
    unreachable[op] = "its result's range is tiny beside its operands'";
    any = true;
  }
  return any;
}
