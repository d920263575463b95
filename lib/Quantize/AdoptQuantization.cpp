//===- AdoptQuantization.cpp - level 1 with borders → level 2 -------------===//
//
//   conv2d(dequantize(x), dequantize(w)) → quantize        becomes        conv2d(x, w)
//
// with the scales and zero points of the model. First movements trade places with
// borders, so that these stand where ops compute; then each op for itself.
//
//===----------------------------------------------------------------------===//
#include "AdoptWeights.h"
#include "FloatRegions.h"
#include "dyadic/Quantize/Passes.h"

#include "dyadic/Support/FixedPoint.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace dyadic {
#define GEN_PASS_DEF_ADOPTQUANTIZATION
#include "dyadic/Quantize/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;
using qnn::QuantizableOpInterface;
using qnn::QuantKind;

static bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

static RankedTensorType withElement(Value value, Type element) {
  return cast<RankedTensorType>(value.getType()).clone(element);
}

/// The quantized tensor whose reals `value` is; null if it isn't one's.
static Value storedOf(Value value) {
  auto border = value.getDefiningOp<qnn::DequantizeOp>();
  return border ? border.getInput() : Value();
}

/// The type of a tensor quantized as a whole; null for any other.
static ActivationType wholeType(Value value) {
  if (!value)
    return {};
  return dyn_cast<ActivationType>(
      cast<RankedTensorType>(value.getType()).getElementType());
}

static bool hasBytes(ActivationType type) {
  return type && type.getStorageTypeIntegralWidth() == 8;
}

static bool isOfKind(Operation *op, QuantKind kind) {
  auto quantizable = dyn_cast_or_null<QuantizableOpInterface>(op);
  return quantizable && quantizable.getQuantKind() == kind;
}

//===----------------------------------------------------------------------===//
// Borders and movements
//===----------------------------------------------------------------------===//

/// Whether a movement may have elements of `type`: what a pad adds must be one.
static bool canMove(Operation *op, ActivationType type) {
  if (!hasBytes(type))
    return false;
  auto pad = dyn_cast<qnn::PadOp>(op);
  if (!pad)
    return true;
  double q = pad.getValue().convertToDouble() / type.getScale() +
             type.getZeroPoint();
  return q == std::floor(q) && q >= type.getStorageTypeMin() &&
         q <= type.getStorageTypeMax();
}

/// `op` with `operands` and a result of `element`.
static Value moveElements(PatternRewriter &rewriter, Operation *op,
                          ValueRange operands, Type element) {
  OperationState state(op->getLoc(), op->getName(), operands,
                       withElement(op->getResult(0), element), op->getAttrs());
  return rewriter.create(state)->getResult(0);
}

namespace {
/// move(dequantize(x)) → dequantize(move(x)), for a concat of one type, too.
struct SinkDequantize : OpInterfaceRewritePattern<QuantizableOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(QuantizableOpInterface op,
                                PatternRewriter &rewriter) const override {
    if (!isa<qnn::ConcatOp>(op) && op.getQuantKind() != QuantKind::SameType)
      return failure();
    SmallVector<Value> operands(op->getOperands());
    ActivationType type;
    for (Value &operand : operands) {
      if (!holdsReals(operand))
        continue; // indices
      Value stored = storedOf(operand);
      ActivationType own = wholeType(stored);
      if (!own || (type && own != type) || isConstant(stored))
        return failure();
      type = own;
      operand = stored;
    }
    if (!type || !canMove(op, type))
      return failure();
    Value moved = moveElements(rewriter, op, operands, type);
    rewriter.replaceOpWithNewOp<qnn::DequantizeOp>(
        op, op->getResult(0).getType(), moved);
    return success();
  }
};

/// quantize(move(x)) → move(quantize(x)), which rounds no more elements. Rounding
/// doesn't change the order, so a maximum is a movement.
struct HoistQuantize : OpRewritePattern<qnn::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(qnn::QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    Operation *mover = op.getInput().getDefiningOp();
    ActivationType type = wholeType(op.getOutput());
    if (!isOfKind(mover, QuantKind::SameType) || !mover->hasOneUse() || !type ||
        !canMove(mover, type) || isConstant(mover->getOperand(0)))
      return failure();
    SmallVector<Value> operands(mover->getOperands());
    rewriter.setInsertionPoint(mover);
    operands[0] = qnn::QuantizeOp::create(
        rewriter, op.getLoc(), withElement(operands[0], type), operands[0]);
    rewriter.replaceOp(op, moveElements(rewriter, mover, operands, type));
    return success();
  }
};

/// quantize(dequantize(x)) → x, where it is of the same type.
struct CancelBorders : OpRewritePattern<qnn::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(qnn::QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    Value stored = storedOf(op.getInput());
    if (!stored || stored.getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, stored);
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kFloatOperand =
    "an operand is not quantized in the model";
static constexpr StringLiteral kFloatResult =
    "its result is not quantized in the model";
static constexpr StringLiteral kWideOperand =
    "an operand has more than 8 bits or a scale per channel";

/// Functions that do no more than saturate: rounding to their result's type and
/// then clamping is the same.
static bool isCut(Operation *op) { return isa<qnn::ReluOp, qnn::ClampOp>(op); }

/// The type to which `value`, and nothing else of it, is rounded, behind cuts and,
/// for a function of one element, behind others; null if there is none.
static ActivationType roundedType(Value value, bool throughFunctions) {
  ActivationType type;
  if (value.hasOneUse()) {
    Operation *user = *value.user_begin();
    if (isCut(user) || (throughFunctions && isOfKind(user, QuantKind::Table)))
      return roundedType(user->getResult(0), throughFunctions);
  }
  for (Operation *user : value.getUsers()) {
    auto border = dyn_cast<qnn::QuantizeOp>(user);
    ActivationType own = border ? wholeType(border.getOutput()) : ActivationType();
    if (!own || (type && own != type))
      return {};
    type = own;
  }
  return type;
}

namespace {
class Adoption {
public:
  explicit Adoption(MLIRContext *context) : builder(context) {}

  /// Makes `op` compute on integers; if it can't, says why.
  std::string adopt(QuantizableOpInterface op) {
    builder.setInsertionPoint(op);
    QuantKind kind = op.getQuantKind();
    if (kind == QuantKind::Contraction)
      return adoptContraction(op);
    if (kind == QuantKind::SameType)
      return kFloatOperand.str();
    if (argumentOf(op))
      return adoptFunction(op);
    return kind == QuantKind::Rescaling ? adoptRescaling(op)
                                        : kFloatOperand.str();
  }

private:
  /// The operand that isn't one known number; null unless there is just one.
  static Value argumentOf(Operation *op) {
    Value argument;
    if (!isa<qnn::ElementwiseOpInterface>(op))
      return {};
    for (Value operand : op->getOperands()) {
      Value stored = storedOf(operand);
      if (isConstant(stored ? stored : operand) &&
          cast<RankedTensorType>(operand.getType()).getNumElements() == 1)
        continue;
      if (argument)
        return {};
      argument = operand;
    }
    return argument && argument.getType() == op->getResult(0).getType()
               ? argument
               : Value();
  }

  /// Gives the result of an op `type` and its readers what they read.
  void setResult(Operation *op, quant::QuantizedType type) {
    Value result = op->getResult(0);
    Type real = result.getType();
    result.setType(withElement(result, type));
    builder.setInsertionPointAfter(op);
    auto border = qnn::DequantizeOp::create(builder, op->getLoc(), real, result);
    result.replaceAllUsesExcept(border.getOutput(), border);
    for (Operation *user :
         llvm::make_early_inc_range(border.getOutput().getUsers()))
      if (auto quantize = dyn_cast<qnn::QuantizeOp>(user);
          quantize && quantize.getType() == result.getType()) {
        quantize.replaceAllUsesWith(result);
        quantize.erase();
      }
    if (border->use_empty())
      border.erase();
  }

  /// A function of one element is a table.
  std::string adoptFunction(Operation *op) {
    Value argument = argumentOf(op), stored = storedOf(argument);
    if (!stored)
      return kFloatOperand.str();
    if (!hasBytes(wholeType(stored)))
      return kWideOperand.str();
    ActivationType type = roundedType(op->getResult(0), true);
    if (!type)
      return kFloatResult.str();
    if (!hasBytes(type))
      return "its result has 16 bits";
    for (OpOperand &operand : op->getOpOperands())
      if (Value own = storedOf(operand.get()))
        operand.set(own);
    setResult(op, type);
    return {};
  }

  /// Sums, products and means of tensors.
  std::string adoptRescaling(QuantizableOpInterface op) {
    SmallVector<Value> operands;
    double product = 1, largest = 0;
    for (Value operand : op->getOperands()) {
      Value stored = storedOf(operand);
      if (!stored)
        return kFloatOperand.str();
      if (!hasBytes(wholeType(stored)))
        return kWideOperand.str();
      double scale = wholeType(stored).getScale();
      product *= scale;
      largest = std::max(largest, scale);
      operands.push_back(stored);
    }
    if (std::string reason = op.getFloatReason(); !reason.empty())
      return reason;
    ActivationType type = roundedType(op->getResult(0), false);
    if (!type)
      return kFloatResult.str();
    bool isProduct = isa<qnn::MulOp>(op);
    if ((isProduct ? product : largest) / type.getScale() >= kMostRatio)
      return kTinyResult;
    op->setOperands(operands);
    setResult(op, type);
    return {};
  }

  std::string adoptContraction(QuantizableOpInterface op) {
    Value input = storedOf(op->getOperand(0)), other = storedOf(op->getOperand(1));
    if (!input)
      return other && isConstant(other)
                 ? "its input is not quantized in the model, only its weights are"
                 : kFloatOperand.str();
    if (!other)
      return "its weights are not quantized in the model";
    if (!hasBytes(wholeType(input)))
      return kWideOperand.str();
    if (op->getNumOperands() > 2 && !isConstant(op->getOperand(2)))
      return "its bias is computed at run time";
    SmallVector<Value> before(op->getOperands());
    double inputScale = wholeType(input).getScale();
    SmallVector<double> scales;
    if (isConstant(other)) {
      std::string reason;
      auto weights = adoptWeights(builder, op, other, reason);
      if (!weights)
        return reason;
      if (weights->isSplit) {
        auto type = cast<RankedTensorType>(input.getType());
        SmallVector<int64_t> shape(type.getShape());
        shape.back() *= 2;
        input = qnn::ConcatOp::create(builder, op->getLoc(), type.clone(shape),
                                      ValueRange{input, input},
                                      type.getRank() - 1);
      }
      other = weights->constant;
      scales = weights->scales;
    } else {
      if (!hasBytes(wholeType(other)))
        return kWideOperand.str();
      scales = {wholeType(other).getScale()};
    }
    for (double &scale : scales)
      scale *= inputScale;
    op->setOperand(0, input);
    op->setOperand(1, other);
    std::string reason = op.getFloatReason();
    ActivationType rounded = roundedType(op->getResult(0), false);
    if (reason.empty() && rounded &&
        *llvm::max_element(scales) / rounded.getScale() >= kMostRatio)
      reason = kTinyResult;
    quant::QuantizedType type = rounded;
    if (!type)
      type = sumType(op, scales);
    if (reason.empty() && !type)
      reason = "its scales are too small for floats";
    if (!reason.empty()) {
      op->setOperands(before);
      return reason;
    }
    setResult(op, type);
    return {};
  }

  /// The type of a contraction's sums, one scale or one per channel.
  quant::QuantizedType sumType(Operation *op, ArrayRef<double> scales) {
    if (llvm::any_of(scales, [](double scale) {
          return !std::isnormal(static_cast<float>(scale));
        }))
      return {};
    Type storage = builder.getI32Type(), real = builder.getF32Type();
    if (llvm::all_equal(scales))
      return ActivationType::get(quant::QuantizationFlags::Signed, storage, real,
                                 scales[0], 0, INT32_MIN, INT32_MAX);
    int32_t dim = cast<RankedTensorType>(op->getResult(0).getType()).getRank() - 1;
    return quant::UniformQuantizedPerAxisType::get(
        quant::QuantizationFlags::Signed, storage, real, scales,
        SmallVector<int64_t>(scales.size(), 0), dim, INT32_MIN, INT32_MAX);
  }

  /// No 24-bit multiplier joins scales further apart.
  static constexpr double kMostRatio = 1 << 23;
  static constexpr const char *kTinyResult =
      "its result's scale is tiny beside its operands'";

  OpBuilder builder;
};

struct AdoptQuantizationPass
    : dyadic::impl::AdoptQuantizationBase<AdoptQuantizationPass> {
  using AdoptQuantizationBase::AdoptQuantizationBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (!func.getBody().hasOneBlock()) {
      func.emitError("expected a function of one block");
      return signalPassFailure();
    }
    Block &block = func.getBody().front();
    if (llvm::none_of(block, [](Operation &op) { return qnn::isBorder(&op); }))
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkDequantize, HoistQuantize, CancelBorders>(&getContext());
    if (failed(applyPatternsGreedily(func, std::move(patterns))))
      return signalPassFailure();

    SmallVector<Operation *> ops;
    for (Operation &op : block)
      if (isComputation(&op) && !qnn::isBorder(&op) &&
          llvm::all_of(op.getResults(), isFloat))
        ops.push_back(&op);
    Adoption adoption(&getContext());
    for (Operation *op : ops) {
      auto quantizable = dyn_cast<QuantizableOpInterface>(op);
      std::string reason =
          quantizable ? adoption.adopt(quantizable) : kNoIntegerForm.str();
      if (reason.empty())
        ++numInteger;
      else
        op->setAttr(kFloatReasonAttr, StringAttr::get(&getContext(), reason));
    }
    makeFloatConstants(block);
  }

private:
  static bool isFloat(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && type.getElementType().isF32();
  }

  /// Weights that float ops read.
  static void makeFloatConstants(Block &block) {
    OpBuilder builder(block.getParentOp());
    for (Operation &op : llvm::make_early_inc_range(block)) {
      auto border = dyn_cast<qnn::DequantizeOp>(op);
      if (!border || !isConstant(border.getInput()))
        continue;
      if (border->use_empty()) {
        border.erase();
        continue;
      }
      builder.setInsertionPoint(border);
      FailureOr<Value> reals = realConstant(builder, border.getInput());
      if (failed(reals))
        continue;
      border.replaceAllUsesWith(*reals);
      border.erase();
    }
  }
};
} // namespace
