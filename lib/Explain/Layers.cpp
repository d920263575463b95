//===- Layers.cpp ---------------------------------------------------------===//
#include "Layers.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Pipeline/Inspect.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace dyadic {

/// The number of a layer's op.
static constexpr llvm::StringLiteral kLayerAttr = "qnn.layer";

static bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

static SmallVector<int64_t> shapeOf(Value value) {
  return SmallVector<int64_t>(cast<RankedTensorType>(value.getType()).getShape());
}

static bool isReal(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getElementType().isF32();
}

void markLayers(ModuleOp calibrated) {
  auto main = calibrated.lookupSymbol<func::FuncOp>("main");
  Builder builder(calibrated.getContext());
  int64_t number = 0;
  for (Operation &op : main.getBody().front().without_terminator())
    if (isa_and_nonnull<qnn::QNNDialect>(op.getDialect()) &&
        !op.hasTrait<OpTrait::ConstantLike>() && op.getNumResults() &&
        isReal(op.getResult(0))) {
      auto tag = builder.getI64IntegerAttr(number++);
      op.setAttr(kLayerAttr, tag);
      op.setLoc(FusedLoc::get({op.getLoc()}, tag, calibrated.getContext()));
    }
}

static std::string nameOf(Operation *op) {
  auto named = op->getLoc()->findInstanceOf<NameLoc>();
  return named ? named.getName().str() : "";
}

static std::string kindOf(Operation *op) {
  StringRef kind = qnn::reportedKind(op);
  kind.consume_front("qnn.");
  return kind.str();
}

static std::string printType(Type element) {
  auto quantized = dyn_cast<quant::QuantizedType>(element);
  if (!quantized)
    return "f32";
  return (quantized.isSigned() ? "i" : "u") +
         std::to_string(quantized.getStorageTypeIntegralWidth());
}

static int64_t bitsOf(Type element) {
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    return quantized.getStorageTypeIntegralWidth();
  return element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
}

static int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return llvm::divideCeil(type.getNumElements() * bitsOf(type.getElementType()), 8);
}

static int64_t floatBytesOf(Value value) {
  return 4 * cast<RankedTensorType>(value.getType()).getNumElements();
}

/// The type that integer readers see of a value: its own, or that of the border
/// behind it.
static quant::UniformQuantizedType roundedType(Value value, bool &isBorder) {
  isBorder = false;
  if (auto type = dyn_cast<quant::UniformQuantizedType>(elementOf(value)))
    return type;
  for (Operation *user : value.getUsers())
    if (auto border = dyn_cast<quant::QuantizeCastOp>(user)) {
      isBorder = true;
      return dyn_cast<quant::UniformQuantizedType>(elementOf(border.getResult()));
    }
  return {};
}

/// Whether an integer op hands on stored values as they are.
static bool movesElements(Operation *op) {
  auto quantizable = dyn_cast<qnn::QuantizableOpInterface>(op);
  if (!quantizable || !isa<quant::QuantizedType>(elementOf(op->getResult(0))))
    return false;
  if (isa<qnn::ConcatOp>(op))
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      return elementOf(operand) == elementOf(op->getResult(0));
    });
  return quantizable.getQuantKind() == qnn::QuantKind::SameType;
}

static std::optional<Range> toRange(qnn::RangeAttr range) {
  if (!range)
    return std::nullopt;
  return Range{range.getMin(), range.getMax()};
}

/// The bytes that the op reads and writes at level 2.
static void countBytes(Operation *op, Layer &layer) {
  auto count = [&](Value value) {
    bool isWeight = isConstant(value);
    (isWeight ? layer.weightBytes : layer.activationBytes) += bytesOf(value);
    (isWeight ? layer.floatWeightBytes : layer.floatActivationBytes) +=
        floatBytesOf(value);
  };
  if (isa<qnn::ReshapeOp>(op))
    return; // the same bytes
  llvm::for_each(op->getOperands(), count);
  llvm::for_each(op->getResults(), count);
}

/// The constant with the most elements among the operands: the weights.
static std::optional<unsigned> weightsOf(Operation *op) {
  if (macsOf(op) == 0 && !isa<qnn::GatherOp>(op) && !qnn::isRecurrent(op))
    return std::nullopt;
  std::optional<unsigned> found;
  int64_t most = 0;
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (isConstant(operand) && isa<quant::QuantizedType>(elementOf(operand)))
      if (int64_t count = cast<RankedTensorType>(operand.getType()).getNumElements();
          count > most) {
        most = count;
        found = i;
      }
  return found;
}

FailureOr<HostTensor> readReals(Value constant) {
  auto stored = readConstant(constant);
  if (failed(stored) || !isa<quant::QuantizedType>(elementOf(constant)))
    return stored;
  OpBuilder builder(constant.getDefiningOp());
  auto type = cast<RankedTensorType>(constant.getType());
  auto cast = quant::DequantizeCastOp::create(
      builder, constant.getLoc(), type.clone(builder.getF32Type()), constant);
  SmallVector<HostTensor> reals;
  LogicalResult done = interpretOp(cast, {&*stored}, reals);
  cast->erase();
  if (failed(done))
    return failure();
  return std::move(reals.front());
}

/// What became of the weights, where the op has any.
static std::optional<WeightReport> reportWeights(const LayerPair &pair) {
  auto index = weightsOf(pair.quantizedOp);
  if (!index || *index >= pair.exactOp->getNumOperands())
    return std::nullopt;
  Value stored = pair.quantizedOp->getOperand(*index);
  auto exact = readReals(pair.exactOp->getOperand(*index)), got = readReals(stored);
  if (failed(exact) || failed(got) || exact->kind != ElementKind::F32 ||
      exact->numElements() != got->numElements())
    return std::nullopt;
  WeightReport report;
  report.shape = exact->shape;
  report.bits = bitsOf(elementOf(stored));
  if (pair.quantizedOp->hasAttr(kCodebookAttr) || codedIntegers(stored))
    report.bits = 4; // the number of one of sixteen values, or of a factor's multiple
  report.error.add(exact->as<float>(), got->as<float>());
  // Filters are O×KH×KW×C, right operands K×N.
  bool isFirst = isa<qnn::Conv2DOp>(pair.exactOp);
  int64_t channels = isFirst ? exact->shape.front() : exact->shape.back();
  int64_t inner = exact->numElements() / std::max<int64_t>(channels, 1);
  report.channelMax.assign(channels, 0);
  for (auto [i, w] : llvm::enumerate(exact->as<float>())) {
    float &most = report.channelMax[isFirst ? i / inner : i % channels];
    most = std::max(most, std::fabs(w));
  }
  return report;
}

static Layer describe(const LayerPair &pair) {
  Layer layer;
  layer.name = nameOf(pair.exactOp);
  layer.kind = kindOf(pair.exactOp);
  layer.shape = shapeOf(pair.computed);
  if (!pair.quantizedOp)
    return layer;
  layer.type = qnn::sumsIntegers(pair.quantizedOp) ? "u8 (dynamic)"
                                                   : printType(elementOf(pair.quantized));
  layer.isInteger = layer.type != "f32";
  layer.isMovement = movesElements(pair.quantizedOp);
  if (auto reason = pair.quantizedOp->getAttrOfType<StringAttr>(kFloatReasonAttr))
    layer.floatReason = reason.str();
  countBytes(pair.quantizedOp, layer);
  layer.macs = macsOf(pair.exactOp);
  layer.weights = reportWeights(pair);
  if (layer.weights && layer.weights->bits < 8) {
    // What the IR has as bytes is halves of one in memory, beside factors of groups.
    int64_t count = 1;
    for (int64_t extent : layer.weights->shape)
      count *= extent;
    Value stored = pair.quantizedOp->getOperand(*weightsOf(pair.quantizedOp));
    layer.weightBytes += llvm::divideCeil(count * layer.weights->bits, 8) - bytesOf(stored);
    if (auto integers = codedIntegers(stored))
      layer.weightBytes += integers->getFactors().getNumElements();
  }
  return layer;
}

/// The relu or clamp that alone reads `value`, and that quantization took away.
static Operation *takenIn(Value value,
                          const llvm::DenseMap<int64_t, Operation *> &quantized) {
  if (!value.hasOneUse())
    return nullptr;
  Operation *user = *value.user_begin();
  auto number = user->getAttrOfType<IntegerAttr>(kLayerAttr);
  bool isActivation = isa<qnn::ReluOp, qnn::ClampOp>(user);
  return isActivation && number && !quantized.contains(number.getInt()) ? user
                                                                        : nullptr;
}

/// An input of the network, which a border rounds.
static Layer describeInput(func::FuncOp main, BlockArgument argument,
                           const LayerPair &pair) {
  unsigned i = argument.getArgNumber();
  Layer layer;
  auto name = main.getArgAttrOfType<StringAttr>(i, kNameAttr);
  layer.name = name ? name.str() : "";
  layer.kind = "input";
  layer.shape = shapeOf(argument);
  layer.isInput = true;
  layer.type = pair.type ? printType(pair.type) : "f32";
  layer.calibrated = toRange(main.getArgAttrOfType<qnn::RangeAttr>(i, kRangeAttr));
  return layer;
}

std::vector<LayerPair> matchLayers(func::FuncOp exact, func::FuncOp quantized,
                                   std::vector<Layer> &layers) {
  llvm::DenseMap<int64_t, Operation *> found;
  quantized.walk([&](Operation *op) {
    if (auto number = op->getAttrOfType<IntegerAttr>(kLayerAttr))
      found[number.getInt()] = op;
  });
  std::vector<LayerPair> pairs;
  llvm::DenseMap<Value, int64_t> maker;
  for (BlockArgument argument : exact.getArguments()) {
    if (!isReal(argument))
      continue;
    LayerPair pair;
    pair.computed = pair.exact = argument;
    pair.quantized = quantized.getArgument(argument.getArgNumber());
    pair.type = roundedType(pair.quantized, pair.forIntegersOnly);
    maker[argument] = pairs.size();
    layers.push_back(describeInput(exact, argument, pair));
    pairs.push_back(pair);
  }
  llvm::DenseMap<Operation *, int64_t> folded;
  for (Operation &op : exact.getBody().front().without_terminator()) {
    auto number = op.getAttrOfType<IntegerAttr>(kLayerAttr);
    if (!number)
      continue;
    LayerPair pair;
    pair.exactOp = &op;
    pair.computed = pair.exact = op.getResult(0);
    if (Operation *match = found.lookup(number.getInt())) {
      pair.quantizedOp = match;
      pair.quantized = match->getResult(0);
      pair.type = roundedType(pair.quantized, pair.forIntegersOnly);
      if (isa<quant::QuantizedType>(elementOf(pair.quantized)))
        for (Value v = pair.exact; Operation *next = takenIn(v, found);) {
          folded[next] = pairs.size();
          pair.exact = v = next->getResult(0);
        }
    }
    Layer layer = describe(pair);
    auto ranges =
        pair.exact.getDefiningOp()->getAttrOfType<ArrayAttr>(kRangeAttr);
    if (ranges && !ranges.empty())
      layer.calibrated = toRange(dyn_cast<qnn::RangeAttr>(ranges[0]));
    if (auto into = folded.find(&op); into != folded.end())
      layer.foldedInto = into->second;
    for (Value operand : op.getOperands())
      if (auto made = maker.find(operand); made != maker.end())
        layer.inputs.push_back(made->second);
    for (Value result : op.getResults())
      maker[result] = pairs.size();
    pairs.push_back(pair);
    layers.push_back(std::move(layer));
  }
  for (auto [pair, layer] : llvm::zip_equal(pairs, layers))
    if (pair.type)
      layer.range = Range{
          (pair.type.getStorageTypeMin() - pair.type.getZeroPoint()) * pair.type.getScale(),
          (pair.type.getStorageTypeMax() - pair.type.getZeroPoint()) * pair.type.getScale()};
  return pairs;
}

/// The type that a chain of float ops behind `value` ends in.
static quant::QuantizedType typeBehind(Value value) {
  while (value.hasOneUse()) {
    Operation *reader = *value.user_begin();
    if (reader->getNumResults() != 1)
      break;
    value = reader->getResult(0);
    if (isa<quant::QuantizeCastOp>(reader))
      return dyn_cast<quant::QuantizedType>(elementOf(value));
  }
  return {};
}

void settleLayers(ModuleOp lowered, ArrayRef<LayerPair> pairs,
                  MutableArrayRef<Layer> layers) {
  llvm::DenseSet<int64_t> left;
  lowered.walk([&](Operation *op) {
    if (auto number = op->getAttrOfType<IntegerAttr>(kLayerAttr))
      left.insert(number.getInt());
  });
  for (auto [pair, layer] : llvm::zip_equal(pairs, layers)) {
    if (layer.isInteger || !pair.quantizedOp)
      continue;
    auto number = pair.quantizedOp->getAttrOfType<IntegerAttr>(kLayerAttr);
    auto type = typeBehind(pair.quantized);
    if (!type || left.contains(number.getInt()))
      continue;
    layer.isInteger = true;
    layer.type = printType(type);
    layer.floatReason.clear();
  }
}

FailureOr<Value> withStoredConstants(const LayerPair &pair, IRMapping &mapping) {
  if (!pair.quantizedOp)
    return Value();
  Operation *quantized = pair.quantizedOp;
  bool isStored = llvm::any_of(quantized->getOperands(), [](Value operand) {
    return isConstant(operand) && isa<quant::QuantizedType>(elementOf(operand));
  });
  if (!isStored)
    return Value();
  Operation *at = mapping.lookup(pair.exactOp);
  OpBuilder builder(at->getContext());
  builder.setInsertionPointAfter(at);
  // An op that stays float computes with stored constants itself.
  bool staysFloat = elementOf(pair.quantized).isF32();
  SmallVector<Value> operands;
  for (auto [i, operand] : llvm::enumerate(quantized->getOperands())) {
    if (!isConstant(operand)) {
      if (i >= at->getNumOperands())
        return Value();
      Value exact = at->getOperand(i);
      if (auto round = operand.getDefiningOp<qnn::DynamicRoundOp>())
        exact = qnn::DynamicRoundOp::create(builder, at->getLoc(), exact.getType(), exact,
                                            round.getOuter());
      operands.push_back(exact);
    } else if (staysFloat) {
      operands.push_back(builder.clone(*operand.getDefiningOp())->getResult(0));
    } else {
      auto reals = readReals(operand);
      if (failed(reals))
        return quantized->emitError("has a constant that can't be read");
      RankedTensorType type = tensorTypeOf(*reals, at->getContext());
      operands.push_back(qnn::ConstantOp::create(
          builder, at->getLoc(), type, makeConstant(std::move(*reals), type)));
    }
  }
  Operation *probe = builder.clone(staysFloat ? *quantized : *at);
  probe->removeAttr(kLayerAttr);
  probe->setOperands(operands);
  return probe->getResult(0);
}

} // namespace dyadic
