//===- FloatRegions.cpp - which ops stay in float -------------------------===//
//
// First each op for itself, then, to a fixed point, the ops whose operands
// can't be quantized, islands of cheap ops among float ops, where integers would
// cost a round trip and gain nothing, and the last ops before float ones, which
// would only make the result coarser.
//
//===----------------------------------------------------------------------===//
#include "FloatRegions.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Quantize/Passes.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/NamePattern.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;
using qnn::QuantizableOpInterface;
using qnn::QuantKind;

bool dyadic::holdsReals(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && (type.getElementType().isF32() ||
                  isa<quant::QuantizedType>(type.getElementType()));
}

bool dyadic::isComputation(Operation *op) {
  return isa_and_nonnull<qnn::QNNDialect>(op->getDialect()) &&
         !op->hasTrait<OpTrait::ConstantLike>() &&
         llvm::any_of(op->getResults(), holdsReals);
}

qnn::RangeAttr dyadic::calibratedRange(Value value) {
  qnn::RangeAttr range;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      range = func.getArgAttrOfType<qnn::RangeAttr>(argument.getArgNumber(),
                                                    kRangeAttr);
  } else {
    auto result = cast<OpResult>(value);
    auto ranges = result.getOwner()->getAttrOfType<ArrayAttr>(kRangeAttr);
    if (ranges && result.getResultNumber() < ranges.size())
      range = dyn_cast<qnn::RangeAttr>(ranges[result.getResultNumber()]);
  }
  if (!range || !std::isfinite(range.getMin()) || !std::isfinite(range.getMax()))
    return {};
  return range;
}

bool dyadic::isNamed(Operation *op, ArrayRef<std::string> patterns) {
  return llvm::any_of(patterns, [&](const std::string &pattern) {
    return NamePattern(pattern).matches(op->getLoc());
  });
}

static bool isFiniteConstant(Value value) {
  Attribute attribute;
  std::vector<float> storage;
  if (!matchPattern(value, m_Constant(&attribute)))
    return false;
  FailureOr<ArrayRef<float>> elements = viewConstant(attribute, storage);
  return succeeded(elements) &&
         llvm::all_of(*elements, [](float x) { return std::isfinite(x); });
}

/// Whether the weights of a contraction were coded for float products.
static bool hasCodedWeights(Operation *op) {
  Attribute attribute;
  return qnn::isContraction(op) &&
         matchPattern(op->getOperand(1), m_Constant(&attribute)) &&
         isa<coded::WeightsAttr>(attribute);
}

static bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

unsigned dyadic::numActivations(Operation *op) {
  return qnn::hasWeights(op) ? 1 : op->getNumOperands();
}

/// The largest magnitude of a value, as far as it is known.
static std::optional<double> magnitudeOf(Value value) {
  if (qnn::RangeAttr range = calibratedRange(value))
    return std::max(std::abs(range.getMin()), std::abs(range.getMax()));
  Attribute attribute;
  std::vector<float> storage;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  FailureOr<ArrayRef<float>> elements = viewConstant(attribute, storage);
  if (failed(elements))
    return std::nullopt;
  double magnitude = 0;
  for (float x : *elements)
    magnitude = std::max<double>(magnitude, std::abs(x));
  return magnitude;
}

/// Whether one operand of a sum would be no more than a few of the result's 255
/// steps: so is what an attention adds its mask of −10⁹ to.
static bool wouldVanish(Operation *op) {
  constexpr double kMostRatio = 64;
  if (!isa<qnn::AddOp, qnn::SubOp>(op))
    return false;
  auto lhs = magnitudeOf(op->getOperand(0)), rhs = magnitudeOf(op->getOperand(1));
  return lhs && rhs && std::min(*lhs, *rhs) > 0 &&
         std::max(*lhs, *rhs) > kMostRatio * std::min(*lhs, *rhs);
}

static bool isSquare(Operation *op) {
  return isa<qnn::MulOp>(op) && op->getOperand(0) == op->getOperand(1);
}

/// Whether an op's argument reaches where its slope has no bound: half a step of 8
/// bits is eleven of the square root's steps there. So are the magnitudes of a
/// spectrum computed, whose quiet parts it would take away.
static bool isSteep(Operation *op) {
  if (!isa<qnn::SqrtOp, qnn::LogOp>(op))
    return false;
  qnn::RangeAttr range = calibratedRange(op->getOperand(0));
  return range && range.getMin() * 255 < range.getMax();
}

/// What an op multiplies each channel of by a number of its own, as equalization does;
/// null for other ops.
static Operation *scaledByChannel(Operation *op) {
  auto mul = dyn_cast<qnn::MulOp>(op);
  if (!mul || !isConstant(mul.getRhs()))
    return nullptr;
  int64_t factors = cast<RankedTensorType>(mul.getRhs().getType()).getNumElements();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(mul.getType()).getShape();
  return factors > 1 && factors == shape.back() ? mul.getLhs().getDefiningOp() : nullptr;
}

std::string dyadic::reasonWithoutRanges(Operation *op,
                                        ArrayRef<std::string> keepFloat) {
  auto quantizable = dyn_cast<QuantizableOpInterface>(op);
  if (isa<qnn::ComputeOp>(op))
    return "its body is float";
  if (!quantizable)
    return kNoIntegerForm.str();
  if (isNamed(op, keepFloat))
    return kAskedFor.str();
  if (hasCodedWeights(op))
    return "its weights alone are quantized";
  if (std::string reason = quantizable.getFloatReason(); !reason.empty())
    return reason;
  if (qnn::isContraction(op) && op->getNumOperands() > 2 && !isConstant(op->getOperand(2)))
    return "its bias is computed at run time";
  for (Value operand : op->getOperands())
    if (holdsReals(operand) && isConstant(operand) &&
        !isFiniteConstant(operand))
      return "a constant operand isn't finite";
  return {};
}

/// Why the op must be float whatever its neighbours are; empty if it need not.
static std::string ownReason(Operation *op, ArrayRef<std::string> keepFloat,
                             const FloatReasons &floatOps) {
  if (std::string reason = reasonWithoutRanges(op, keepFloat); !reason.empty())
    return reason;
  if (auto given = op->getAttrOfType<StringAttr>(kFloatReasonAttr))
    return given.str();
  // In integers it would be rounded twice.
  if (Operation *scaled = scaledByChannel(op)) {
    if (isComputation(scaled) && !isa<QuantizableOpInterface>(scaled))
      return "what it reads is float";
    if (scaled->hasOneUse() && contractionBehind(scaled, FloatReasons()))
      return "it scales each channel of unrounded sums";
  }
  if (isComputedFromSums(op, floatOps))
    return "its argument would be rounded, too";
  if (wouldVanish(op))
    return "one of its operands would vanish beside the other in 8 bits";
  // Of the two parts one is in (−1, 1), the other as large as it has become.
  if (isa<qnn::SliceOp>(op) && isa_and_nonnull<qnn::LSTMOp>(op->getOperand(0).getDefiningOp()))
    return "its operand is a hidden state beside a cell";
  if (isSteep(op))
    return "it is too steep near 0 for an argument of 8 bits";
  if (cast<QuantizableOpInterface>(op).getQuantKind() != QuantKind::SameType &&
      !calibratedRange(op->getResult(0)))
    return "its result has no finite calibrated range";
  return {};
}

/// Whether `value` can be had as integers.
static bool isQuantizable(Value value, const FloatReasons &floatOps) {
  if (!holdsReals(value))
    return true; // left alone
  Operation *producer = value.getDefiningOp();
  if (producer && !floatOps.contains(producer) && !qnn::isControl(producer))
    return true; // a constant or an integer op
  return static_cast<bool>(calibratedRange(value));
}

/// Ops other than contractions have no reason of their own to be integer ops;
/// tables that are looked up become a quarter of their size.
static bool isCheap(Operation *op) {
  if (auto gather = dyn_cast<qnn::GatherOp>(op))
    return !isConstant(gather.getInput());
  return !qnn::isContraction(op);
}

/// The computations that make an operand of `op` or read its results.
static SmallVector<Operation *> neighbours(Operation *op) {
  SmallVector<Operation *> found;
  for (Value operand : op->getOperands())
    if (Operation *producer = operand.getDefiningOp())
      found.push_back(producer);
  llvm::append_range(found, op->getUsers());
  llvm::erase_if(found, [](Operation *op) { return !isComputation(op); });
  return found;
}

/// Whether `op` is float for those that read it: a hard swish of sums is rounded as a
/// contraction is.
static bool givesFloats(Operation *op, const FloatReasons &floatOps) {
  return floatOps.contains(op) && !isComputedFromSums(op, floatOps);
}

/// Makes a connected region of cheap integer ops float when it touches float
/// ops and no contraction.
static void floatIslands(ArrayRef<Operation *> ops, FloatReasons &floatOps) {
  llvm::DenseSet<Operation *> seen;
  for (Operation *start : ops) {
    if (floatOps.contains(start) || !isCheap(start) ||
        !seen.insert(start).second)
      continue;
    SmallVector<Operation *> region{start};
    bool touchesFloat = false, touchesContraction = false;
    for (size_t i = 0; i < region.size(); ++i)
      for (Operation *next : neighbours(region[i])) {
        if (givesFloats(next, floatOps))
          touchesFloat = true;
        else if (!isCheap(next) || floatOps.contains(next))
          touchesContraction = true;
        else if (seen.insert(next).second)
          region.push_back(next);
      }
    if (touchesFloat && !touchesContraction)
      for (Operation *op : region)
        floatOps[op] = "its neighbours are float";
  }
}

bool dyadic::isReadAsFloat(Value value, const FloatReasons &floatOps) {
  return !value.use_empty() && llvm::all_of(value.getUsers(), [&](Operation *op) {
    return !isComputation(op) || floatOps.contains(op);
  });
}

Value dyadic::argumentOfFunction(Operation *op) {
  Value argument;
  if (!isa<qnn::ElementwiseOpInterface>(op))
    return {};
  for (Value operand : op->getOperands()) {
    if (isConstant(operand) &&
        cast<RankedTensorType>(operand.getType()).getNumElements() == 1)
      continue;
    if (argument)
      return {};
    argument = operand;
  }
  return argument;
}

Operation *dyadic::contractionBehind(Operation *op, const FloatReasons &floatOps,
                                     bool throughReshapes) {
  while (Value argument = argumentOfFunction(op)) {
    op = argument.getDefiningOp();
    while (throughReshapes && isa_and_nonnull<qnn::ReshapeOp>(op) && argument.hasOneUse()) {
      argument = op->getOperand(0);
      op = argument.getDefiningOp();
    }
    if (!op || !isComputation(op) || floatOps.contains(op) || !argument.hasOneUse() ||
        !isa<QuantizableOpInterface>(op))
      return nullptr;
    if (!isCheap(op))
      return op;
  }
  return nullptr;
}

bool dyadic::isComputedFromSums(Operation *op, const FloatReasons &floatOps) {
  Operation *contraction = contractionBehind(op, FloatReasons());
  if (!contraction || floatOps.contains(contraction))
    return false;
  while (Value argument = argumentOfFunction(op)) {
    if (isa<qnn::HardSwishOp>(op))
      return true;
    op = argument.getDefiningOp();
  }
  return false;
}

static bool isArithmeticWithNumber(Operation *op) {
  return isa<qnn::AddOp, qnn::SubOp, qnn::MulOp>(op) && argumentOfFunction(op);
}

/// A sum of two tensors that float ops read, as layer norms read those around
/// each residual: in float nothing is rounded on its way through the network. Or a
/// square, which has twice its argument's bits.
static bool isArithmeticForFloat(Operation *op) {
  return (isa<qnn::AddOp, qnn::SubOp>(op) || isSquare(op)) &&
         llvm::any_of(op->getResult(0).getUsers(), isComputation);
}

/// The contractions whose sums `steep` is a root or logarithm of, or of their squares'
/// sums.
static SmallVector<Operation *> contractionsBehind(Operation *steep) {
  llvm::SmallSetVector<Operation *, 8> behind;
  SmallVector<Operation *> found;
  behind.insert(steep);
  for (size_t i = 0; i < behind.size(); ++i)
    for (Value operand : behind[i]->getOperands()) {
      Operation *op = operand.getDefiningOp();
      if (!op || !isComputation(op))
        continue;
      if (isa<qnn::AddOp, qnn::SubOp, qnn::ReshapeOp, qnn::TransposeOp, qnn::SliceOp>(op) ||
          isSquare(op))
        behind.insert(op);
      else if (isa<QuantizableOpInterface>(op) && !isCheap(op))
        found.push_back(op);
    }
  return found;
}

SmallVector<Value> dyadic::spectraOf(func::FuncOp func) {
  SmallVector<Value> values;
  func.walk([&](Operation *steep) {
    if (!isSteep(steep))
      return;
    SmallVector<Operation *> contractions = contractionsBehind(steep);
    if (contractions.empty())
      return;
    values.push_back(steep->getResult(0));
    for (Operation *op : contractions) {
      Value input = op->getOperand(0);
      for (Operation *moving = input.getDefiningOp();
           moving && isa<QuantizableOpInterface>(moving) &&
           cast<QuantizableOpInterface>(moving).getQuantKind() == QuantKind::SameType;
           moving = input.getDefiningOp())
        input = moving->getOperand(0);
      values.append({input, op->getResult(0)});
    }
  });
  return values;
}

/// What computes `value`, cheap ops of one activation that nothing else reads aside.
static Operation *sourceOf(Value value, const FloatReasons &floatOps) {
  Operation *op = value.getDefiningOp();
  while (op && value.hasOneUse() && isComputation(op) && !floatOps.contains(op) &&
         isa<QuantizableOpInterface>(op) && isCheap(op) && op->getNumOperands() == 1) {
    value = op->getOperand(0);
    op = value.getDefiningOp();
  }
  return op;
}

/// Makes contractions float between float ops, or them and the return, that use each
/// element of their input once: to quantize it costs more than that saves.
static void floatSmallProducts(ArrayRef<Operation *> ops, FloatReasons &floatOps) {
  for (Operation *op : ops) {
    if (floatOps.contains(op) || isCheap(op) || qnn::isRunTimeProduct(op) ||
        !isa<qnn::MatmulOp, qnn::Conv2DOp>(op))
      continue;
    Operation *source = sourceOf(op->getOperand(0), floatOps);
    auto weights = cast<RankedTensorType>(op->getOperand(1).getType());
    auto input = cast<RankedTensorType>(op->getOperand(0).getType());
    if (source && givesFloats(source, floatOps) &&
        weights.getNumElements() <= input.getShape().back() &&
        isReadAsFloat(op->getResult(0), floatOps))
      floatOps[op] = "it is small, and its neighbours are float";
  }
}

/// Makes functions of one element float whose argument a float op computes: its
/// integers would only be coarser, and are one more type to find.
static void floatFunctions(ArrayRef<Operation *> ops, FloatReasons &floatOps) {
  for (Operation *op : ops)
    if (Value argument = argumentOfFunction(op))
      if (givesFloats(argument.getDefiningOp(), floatOps))
        floatOps.insert({op, "what it reads is float"});
}

/// Makes ops float that stand between an integer op and float ops, or the
/// return: reshapes, which cost nothing in either form, arithmetic with a number,
/// sums and squares, which are one instruction, and functions of one element behind
/// a contraction, whose sums then reach them unrounded.
static void floatBorders(ArrayRef<Operation *> ops, FloatReasons &floatOps) {
  for (Operation *op : llvm::reverse(ops))
    if (!floatOps.contains(op) && isReadAsFloat(op->getResult(0), floatOps) &&
        (isa<qnn::ReshapeOp>(op) || isArithmeticWithNumber(op) ||
         isArithmeticForFloat(op) ||
         contractionBehind(op, floatOps, /*throughReshapes=*/true)))
      floatOps[op] = "what reads it is float";
}

void dyadic::chooseFloatOps(func::FuncOp func, ArrayRef<std::string> keepFloat,
                            FloatReasons &floatOps, bool integerOnly) {
  SmallVector<Operation *> ops;
  func.walk([&](Operation *op) {
    if (!isComputation(op))
      return;
    if (qnn::isControl(op->getParentOp())) {
      floatOps.insert({op, "it is in a branch or loop"});
      return;
    }
    ops.push_back(op);
    if (std::string reason = ownReason(op, keepFloat, floatOps); !reason.empty())
      floatOps.insert({op, reason});
    // What 8 bits leave of a quiet spectrum beside a loud one is noise.
    if (isSteep(op) && !integerOnly)
      for (Operation *contraction : contractionsBehind(op))
        floatOps.insert({contraction, "a function of its sums is too steep near 0"});
  });
  for (size_t before = SIZE_MAX; before != floatOps.size();) {
    before = floatOps.size();
    for (Operation *op : ops)
      if (!floatOps.contains(op) &&
          llvm::any_of(op->getOperands(), [&](Value operand) {
            return !isQuantizable(operand, floatOps);
          }))
        floatOps[op] = "an operand has no finite calibrated range";
    floatFunctions(ops, floatOps);
    if (!integerOnly)
      floatSmallProducts(ops, floatOps);
    floatIslands(ops, floatOps);
    floatBorders(ops, floatOps);
  }
}
