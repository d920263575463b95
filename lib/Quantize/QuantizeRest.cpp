//===- QuantizeRest.cpp - 16-bit types for what is still float ------------===//
//
// Runs on what the lowering left, when it is decided which ops have a better integer
// form: each float op whose operands can be had as integers is written again on
// quantized tensors.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Quantize/Passes.h"

#include "TypePlan.h"
#include "Weights.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

namespace dyadic {
#define GEN_PASS_DEF_QUANTIZEREST
#include "dyadic/Quantize/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;
using qnn::QuantizableOpInterface;
using qnn::QuantKind;

static bool isFloat(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

/// The symmetric 16-bit type of the given scale.
static ActivationType type16(MLIRContext *context, double scale) {
  return ActivationType::get(quant::QuantizationFlags::Signed, IntegerType::get(context, 16),
                             Float32Type::get(context), scale, /*zeroPoint=*/0, INT16_MIN,
                             INT16_MAX);
}

static ActivationType typeHolding(MLIRContext *context, double magnitude) {
  return type16(context, chooseSymmetricScale(magnitude, INT16_MAX));
}

static double magnitudeOf(qnn::RangeAttr range) {
  return std::max(std::abs(range.getMin()), std::abs(range.getMax()));
}

/// The least and the greatest element of a float constant; none if one isn't finite.
static std::optional<std::pair<double, double>> endsOfConstant(Value value) {
  Attribute attribute;
  std::vector<float> storage;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  FailureOr<ArrayRef<float>> elements = viewConstant(attribute, storage);
  if (failed(elements) || !llvm::all_of(*elements, [](float x) { return std::isfinite(x); }))
    return std::nullopt;
  auto [least, greatest] = std::minmax_element(elements->begin(), elements->end());
  return std::make_pair(double(*least), double(*greatest));
}

static double magnitudeOf(std::pair<double, double> ends) {
  return std::max(std::abs(ends.first), std::abs(ends.second));
}

static ActivationType elementOf(Value value) {
  return cast<ActivationType>(cast<RankedTensorType>(value.getType()).getElementType());
}

/// The type of what a border makes, or is made of; null if the integers are sums.
template <typename Border>
static ActivationType typeOfBorder(Border op, Value storage, double scale) {
  auto integer = cast<IntegerType>(cast<RankedTensorType>(storage.getType()).getElementType());
  unsigned width = integer.getWidth();
  if ((width != 8 && width != 16) || (width == 16 && integer.isUnsigned()))
    return {};
  bool isSigned = !integer.isUnsigned();
  return ActivationType::get(
      isSigned ? quant::QuantizationFlags::Signed : 0,
      IntegerType::get(op.getContext(), width), Float32Type::get(op.getContext()), scale,
      static_cast<int32_t>(op.getZeroPoint()),
      quant::QuantizedType::getDefaultMinimumForInteger(isSigned, width),
      quant::QuantizedType::getDefaultMaximumForInteger(isSigned, width));
}

static ActivationType typeOf(DequantizeOp op) {
  return typeOfBorder(op, op.getInput(), op.getScale().convertToFloat());
}

static ActivationType typeOf(QuantizeOp op) {
  // The reciprocal as an f32 is what the type's scale was.
  return typeOfBorder(op, op.getOutput(), 1.0f / op.getInverseScale().convertToFloat());
}

constexpr StringLiteral kNoRange = "its result has no finite calibrated range";

/// How much more than its calibrated range a 16-bit type holds.
constexpr double kRoom = 2;

namespace {
class Rest {
public:
  explicit Rest(func::FuncOp func) : func(func), builder(func.getContext()) {}

  void run() {
    SmallVector<Operation *> ops;
    for (Operation &op : func.getBody().front())
      ops.push_back(&op);
    for (Operation *op : ops) {
      builder.setInsertionPoint(op);
      if (Value value = rewritten(op))
        typed[op->getResult(0)] = value;
      else if (auto quantize = dyn_cast<QuantizeOp>(op))
        store(quantize);
      else
        toFloat(op);
    }
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op))
        op->erase();
  }

private:
  /// `op` on quantized tensors, or null if it isn't to be written again.
  Value rewritten(Operation *op);
  /// Null; `op` says why it stays float.
  Value stays(Operation *op, StringRef reason);
  Value rewrittenCast(qnn::CastOp op);
  /// Which of an op's operands are activations; the others are read as constants.
  static unsigned countActivations(Operation *op);
  /// Whether the lowering has an integer form for it.
  static bool hasIntegerForm(Operation *op);
  ActivationType resultType(Operation *op, ArrayRef<Value> operands);
  ActivationType typeOfMasked(Operation *op, ArrayRef<Value> operands);
  ActivationType typeOfReaders(Value result);

  /// Whether integers for `value` can be had, and they.
  bool isKnown(Value value);
  Value quantized(Value value);

  /// dyadic.quantize of a value that is quantized now.
  void store(QuantizeOp op);
  /// Gives an op that stays as it is float operands.
  void toFloat(Operation *op);

  func::FuncOp func;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> typed, reals;
};
} // namespace

unsigned Rest::countActivations(Operation *op) {
  if (isa<qnn::LayerNormOp>(op))
    return 1;
  return op->getNumOperands();
}

bool Rest::hasIntegerForm(Operation *op) {
  if (op->getNumResults() != 1 || !isFloat(op->getResult(0)))
    return false;
  if (isa<qnn::LayerNormOp>(op))
    return llvm::all_of(op->getOperands().drop_front(),
                        [](Value value) { return matchPattern(value, m_Constant()); });
  if (isa<qnn::SoftmaxOp, qnn::DivOp, qnn::AddOp, qnn::SubOp, qnn::MulOp, qnn::ReduceMeanOp,
          qnn::ConcatOp>(op))
    return true;
  auto quantizable = dyn_cast<QuantizableOpInterface>(op);
  return quantizable && (argumentOfFunction(op) ||
                         quantizable.getQuantKind() == QuantKind::SameType);
}

bool Rest::isKnown(Value value) {
  if (!isFloat(value) || typed.contains(value))
    return true;
  if (matchPattern(value, m_Constant()))
    return endsOfConstant(value).has_value();
  if (auto dequantize = value.getDefiningOp<DequantizeOp>())
    return static_cast<bool>(typeOf(dequantize));
  return isa<BlockArgument>(value) && calibratedRange(value);
}

Value Rest::quantized(Value value) {
  if (!isFloat(value))
    return value; // indices
  Value &known = typed[value];
  if (known)
    return known;
  auto tensor = cast<RankedTensorType>(value.getType());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(value);
  if (matchPattern(value, m_Constant()))
    return known = quantizeConstant(builder, value,
                                    typeHolding(builder.getContext(), magnitudeOf(*endsOfConstant(value))));
  if (auto dequantize = value.getDefiningOp<DequantizeOp>())
    return known = qnn::StorageCastOp::create(builder, value.getLoc(),
                                              tensor.clone(typeOf(dequantize)),
                                              dequantize.getInput());
  return known = quant::QuantizeCastOp::create(
             builder, value.getLoc(),
             tensor.clone(typeHolding(builder.getContext(),
                                      magnitudeOf(calibratedRange(value)))),
             value);
}

ActivationType Rest::typeOfReaders(Value result) {
  ActivationType common;
  for (Operation *user : result.getUsers()) {
    auto quantize = dyn_cast<QuantizeOp>(user);
    ActivationType type = quantize ? typeOf(quantize) : ActivationType();
    if (!type || (common && type != common))
      return {};
    common = type;
  }
  return common;
}

/// Of scores and a mask, from zero to far below them, for a softmax: there is room for
/// the scores, and for what an exponential makes nothing of below them.
ActivationType Rest::typeOfMasked(Operation *op, ArrayRef<Value> operands) {
  constexpr double kFarBelow = 64, kNothing = 24; // e^−24 < 2^−30
  if (!isa<qnn::AddOp>(op) ||
      !llvm::all_of(op->getUsers(), [](Operation *user) { return isa<qnn::SoftmaxOp>(user); }))
    return {};
  for (unsigned i : {0u, 1u}) {
    Value mask = op->getOperand(i);
    auto ends = endsOfConstant(mask);
    if (qnn::RangeAttr range = calibratedRange(mask))
      ends = {range.getMin(), range.getMax()};
    ActivationType type = elementOf(operands[1 - i]);
    qnn::RangeAttr range = calibratedRange(op->getOperand(1 - i));
    double scores = range ? kRoom * magnitudeOf(range) : type.getScale() * type.getStorageTypeMax();
    if (ends && ends->second <= scores && ends->first < -kFarBelow * scores)
      return typeHolding(builder.getContext(), scores + kNothing);
  }
  return {};
}

ActivationType Rest::resultType(Operation *op, ArrayRef<Value> operands) {
  MLIRContext *context = builder.getContext();
  auto quantizable = dyn_cast<QuantizableOpInterface>(op);
  if (quantizable && quantizable.getQuantKind() == QuantKind::SameType)
    return elementOf(operands[0]);
  if (ActivationType type = typeOfReaders(op->getResult(0)))
    return type;
  if (ActivationType type = typeOfMasked(op, operands))
    return type;
  if (isa<qnn::SoftmaxOp>(op))
    return type16(context, 1.0 / (1 << 15));
  qnn::RangeAttr range = calibratedRange(op->getResult(0));
  return range ? typeHolding(context, kRoom * magnitudeOf(range)) : ActivationType();
}

/// Integers of at most 16 bits as they are, others saturated.
Value Rest::rewrittenCast(qnn::CastOp op) {
  qnn::RangeAttr range = calibratedRange(op.getOutput());
  Type element = cast<RankedTensorType>(op.getInput().getType()).getElementType();
  if (!range)
    return stays(op, kNoRange);
  if (magnitudeOf(range) > INT16_MAX)
    return stays(op, "its integers have more than 16 bits");
  auto tensor = cast<RankedTensorType>(op.getOutput().getType());
  Value integers = qnn::buildElementwise(
      builder, op.getLoc(), "Cast", tensor.clone(builder.getI16Type()), op.getInput(),
      [&](OpBuilder &b, Location loc, ValueRange s) {
        FixedPointBuilder f{b, loc};
        bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
        Value x = f.extend(s[0], isUnsigned, std::max(32u, element.getIntOrFloatBitWidth()));
        return f.truncate(f.clamp(x, INT16_MIN, INT16_MAX), 16);
      });
  return qnn::StorageCastOp::create(builder, op.getLoc(),
                                    tensor.clone(type16(builder.getContext(), 1)), integers);
}

Value Rest::stays(Operation *op, StringRef reason) {
  op->setAttr(kFloatReasonAttr, builder.getStringAttr(reason));
  return {};
}

Value Rest::rewritten(Operation *op) {
  if (!isComputation(op) || llvm::none_of(op->getResults(), [](Value value) { return isFloat(value); }))
    return {};
  if (auto reason = op->getAttrOfType<StringAttr>(kFloatReasonAttr);
      reason && reason == kAskedFor)
    return {};
  if (auto cast = dyn_cast<qnn::CastOp>(op))
    return rewrittenCast(cast);
  if (!hasIntegerForm(op)) {
    // What could be an integer op knows better why it isn't.
    if (isa<QuantizableOpInterface>(op) && op->hasAttr(kFloatReasonAttr))
      return {};
    return stays(op, kNoIntegerForm);
  }
  Value argument = argumentOfFunction(op);
  if (isa<qnn::AddOp, qnn::SubOp, qnn::MulOp>(op))
    argument = {}; // their numbers are quantized
  unsigned count = countActivations(op);
  auto isActivation = [&](OpOperand &operand) {
    return operand.getOperandNumber() < count && (!argument || operand.get() == argument);
  };
  for (OpOperand &operand : op->getOpOperands())
    if (isActivation(operand) && !isKnown(operand.get()))
      return stays(op, "an operand is float");
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands())
    operands.push_back(isActivation(operand) ? quantized(operand.get()) : operand.get());
  SmallVector<Value> activations = operands;
  if (argument)
    activations = {quantized(argument)};
  ActivationType type = resultType(op, activations);
  if (!type)
    return stays(op, kNoRange);
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addTypes(cast<RankedTensorType>(op->getResult(0).getType()).clone(type));
  state.propertiesAttr = op->getPropertiesAsAttribute();
  state.addAttributes(op->getDiscardableAttrDictionary().getValue());
  Operation *created = builder.create(state);
  created->removeAttr(kRangeAttr);
  created->removeAttr(kFloatReasonAttr);
  return created->getResult(0);
}

void Rest::store(QuantizeOp op) {
  Value value = typed.lookup(op.getInput());
  ActivationType type = typeOf(op);
  if (!value || !type)
    return toFloat(op);
  auto tensor = cast<RankedTensorType>(value.getType());
  // A concatenation of one is a rescale.
  if (elementOf(value) != type)
    value = qnn::ConcatOp::create(builder, op.getLoc(), tensor.clone(type), value, /*axis=*/0);
  op.replaceAllUsesWith(
      qnn::StorageCastOp::create(builder, op.getLoc(), op.getOutput().getType(), value)
          .getResult());
}

void Rest::toFloat(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = typed.lookup(operand.get());
    Operation *producer = operand.get().getDefiningOp();
    if (!value || !producer || isa<DequantizeOp>(producer) ||
        producer->hasTrait<OpTrait::ConstantLike>())
      continue; // it is there as it was
    Value &real = reals[value];
    if (!real)
      real = quant::DequantizeCastOp::create(builder, op->getLoc(), operand.get().getType(), value);
    operand.set(real);
  }
}

namespace {
struct QuantizeRestPass : dyadic::impl::QuantizeRestBase<QuantizeRestPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    Rest(func).run();
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      func.removeArgAttr(i, kRangeAttr);
    func.walk([](Operation *op) { op->removeAttr(kRangeAttr); });
  }
};
} // namespace
