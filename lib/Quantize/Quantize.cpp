//===- Quantize.cpp - level 1 → 2 -----------------------------------------===//
//
// Which ops (FloatRegions), which types (TypePlan), then the rewrite here: an
// op keeps its place and its attributes, only its tensors change type.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Quantize/Passes.h"

#include "ActivationWidths.h"
#include "Dynamic.h"
#include "Recurrent.h"
#include "TypePlan.h"
#include "WeightFormat.h"
#include "Weights.h"

#include "dyadic/Dialect/QNN/ChannelAttrs.h"
#include "dyadic/Dialect/QNN/Control.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"

namespace dyadic {
#define GEN_PASS_DEF_QUANTIZE
#include "dyadic/Quantize/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;
using qnn::QuantizableOpInterface;
using qnn::QuantKind;

static bool isQuantized(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<quant::QuantizedType>(type.getElementType());
}

static Type withElement(Value value, Type element) {
  return cast<RankedTensorType>(value.getType()).clone(element);
}

namespace {
class Rewrite {
public:
  Rewrite(const TypePlan &plan, MLIRContext *context)
      : plan(plan), builder(context) {}

  /// Gives an op, all of whose producers have been rewritten, integer tensors.
  void toInteger(Operation *op) {
    ActivationType resultType = plan.lookup(op->getResult(0));
    if (qnn::hasWeights(op)) {
      builder.setInsertionPoint(op);
      double scale = plan.lookup(op->getOperand(0)).getScale();
      Value weights = quantizeWeights(builder, op, scale);
      correctBias(builder, op, weights);
      op->setOperand(1, weights);
      op->setOperand(0, integer(op->getOperand(0)));
    } else {
      for (OpOperand &operand : op->getOpOperands())
        if (holdsReals(operand.get()))
          operand.set(integer(operand.get()));
    }
    Value result = op->getResult(0);
    result.setType(withElement(result, resultType));
  }

  /// Gives an op that stays float, or the return, float operands.
  void toFloat(Operation *op) {
    for (OpOperand &operand : op->getOpOperands())
      if (isQuantized(operand.get()))
        operand.set(real(operand.get()));
  }

private:
  Value integer(Value value) {
    if (isQuantized(value))
      return value;
    Value &cast = integers[value];
    if (cast)
      return cast;
    ActivationType type = plan.lookup(value);
    builder.setInsertionPointAfterValue(value);
    if (matchPattern(value, m_Constant()))
      return cast = quantizeConstant(builder, value, type);
    return cast = quant::QuantizeCastOp::create(
               builder, value.getLoc(), withElement(value, type), value);
  }

  Value real(Value value) {
    Value &cast = reals[value];
    if (cast)
      return cast;
    builder.setInsertionPointAfterValue(value);
    return cast = quant::DequantizeCastOp::create(
               builder, value.getLoc(),
               withElement(value, builder.getF32Type()), value);
  }

  const TypePlan &plan;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> integers, reals;
};

struct QuantizePass : dyadic::impl::QuantizeBase<QuantizePass> {
  using QuantizeBase::QuantizeBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (activations != "u8" && activations != "i8") {
      func.emitError() << "expected activations of type u8 or i8, but got "
                       << activations;
      return signalPassFailure();
    }
    if (failed(checkInput(func)))
      return signalPassFailure();

    SmallVector<std::string> kinds(weights.begin(), weights.end());
    if (failed(chooseWeightFormats(func, kinds, WeightUse::IntegerProducts)))
      return signalPassFailure();
    std::optional<Scheme> how = parseScheme(scheme);
    if (!how) {
      func.emitError() << "expected scheme " << llvm::join(schemeNames(), ", ")
                       << ", but got '" << scheme << "'";
      return signalPassFailure();
    }
    SmallVector<std::string> kept(keepFloat.begin(), keepFloat.end()),
        widthChoices(widths.begin(), widths.end()),
        schemeChoices(schemes.begin(), schemes.end());
    auto wide = ActivationWidths::create(func, widthChoices);
    auto others = chooseSchemes(func, schemeChoices);
    if (failed(wide) || failed(others))
      return signalPassFailure();
    if (keepRanges)
      for (Value value : spectraOf(func))
        wide->widen(value);
    switch (*how) {
    case Scheme::Static:
      return quantizeByRanges(func, kept, *wide, *others);
    case Scheme::Dynamic:
    case Scheme::DynamicTensor: {
      FloatReasons floatOps;
      numInteger += quantizeDynamically(func, kept, *how, *others, floatOps);
      return finish(func, floatOps);
    }
    case Scheme::WeightOnly:
      func.emitError("expected a scheme with integer activations: --qnn-encode-weights "
                     "is for weights alone");
      return signalPassFailure();
    }
  }

  /// Level 2 of a network whose tensors have ranges, but for the ops in `others`.
  void quantizeByRanges(func::FuncOp func, ArrayRef<std::string> kept,
                        const ActivationWidths &wide, const SchemeOfOps &others) {
    bool isSigned = activations == "i8";
    FloatReasons floatOps;
    for (auto [op, scheme] : others)
      if (!isNamed(op, kept))
        floatOps[op] = kOtherScheme;
    chooseFloatOps(func, kept, floatOps, /*integerOnly=*/keepRanges);
    std::optional<TypePlan> plan;
    plan.emplace(func, floatOps, isSigned, wide);
    for (FloatReasons more; plan->findUnreachable(more); more.clear()) {
      for (auto &[op, reason] : more)
        floatOps.insert({op, reason});
      chooseFloatOps(func, kept, floatOps, /*integerOnly=*/keepRanges);
      plan.emplace(func, floatOps, isSigned, wide);
    }
    SmallVector<Operation *> tables;
    if (!keepRanges)
      llvm::append_range(tables, llvm::make_filter_range(tablesOfFloats(func, floatOps), [&](Operation *op) {
        return !wide.isWide(op->getResult(0));
      }));
    for (Operation *op : tables)
      floatOps[op] = kRowScales;
    rewrite(func, floatOps, *plan);
    numInteger += giveRowsScales(tables, floatOps);
    SchemeOfOps dynamic = others;
    dynamic.remove_if([&](auto &entry) { return floatOps.lookup(entry.first) != kOtherScheme; });
    numInteger += quantizeDynamically(func, dynamic);
    finish(func, floatOps);
  }

  /// The rewrite relies on f32 tensors in straight-line code.
  LogicalResult checkInput(func::FuncOp func) {
    if (!func.getBody().hasOneBlock())
      return func.emitError("expected a function of one block");
    for (Operation &op : func.getBody().front())
      if (llvm::any_of(op.getResults(), isQuantized))
        return op.emitError("expected f32 tensors: this function has been "
                            "quantized already");
    return success();
  }

  void rewrite(func::FuncOp func, FloatReasons &floatOps,
               const TypePlan &plan) {
    Rewrite rewrite(plan, &getContext());
    for (Operation &op : llvm::make_early_inc_range(func.getBody().front())) {
      if (op.hasTrait<OpTrait::ConstantLike>() ||
          isa<quant::QuantizeCastOp, quant::DequantizeCastOp>(op))
        continue;
      auto reason = floatOps.find(&op);
      if (isComputation(&op) && reason == floatOps.end()) {
        rewrite.toInteger(&op);
        ++numInteger;
      } else {
        rewrite.toFloat(&op);
      }
    }
  }

  /// Quantizes what float recurrences multiply with, says why ops stay float, and takes
  /// away what calibration left.
  void finish(func::FuncOp func, FloatReasons &floatOps) {
    OpBuilder builder(&getContext());
    for (auto &[op, reason] : floatOps) {
      bool isAsked = reason != kNoIntegerForm && reason != kOnlyContractions;
      if (qnn::isRecurrent(op) && op->getParentOp() == func && !isAsked &&
          quantizeRecurrence(builder, op))
        reason = "its gates do: its products are of 8 bits";
      op->setAttr(kFloatReasonAttr, StringAttr::get(&getContext(), reason));
      ++numFloat;
    }
    for (Operation &op : func.getBody().front()) {
      for (StringRef attribute : {kInputMeansAttr, kChannelRangesAttr, kChannelPowersAttr,
                                  kWeightKindAttr})
        op.removeAttr(attribute);
      if (!keepRanges || !floatOps.contains(&op))
        op.removeAttr(kRangeAttr);
    }
    for (unsigned i = 0; i < func.getNumArguments(); ++i) {
      func.removeArgAttr(i, kShiftAttr);
      if (!keepRanges)
        func.removeArgAttr(i, kRangeAttr);
    }
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
      if (op.hasTrait<OpTrait::ConstantLike>() && op.use_empty())
        op.erase();
  }
};
} // namespace
