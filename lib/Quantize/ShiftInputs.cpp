//===- ShiftInputs.cpp - inputs that lie beside their type's values -------===//
//
// An image scaled to [−1, 1] has 256 values and none of them is 0, which types
// represent: all lie half a step beside those of the input's type. Level 1 → 1:
//
//   conv2d(x, W, b) {pads}
//   =  conv2d(pad(x + c, c), W, b − c·ΣW)
//
// with c on the argument from calibration (docs/Quantization.md, section 12). x + c
// is computed in f32, before it is rounded.
//
//===----------------------------------------------------------------------===//
#include "FloatRegions.h"

#include "dyadic/Dialect/QNN/ChannelAttrs.h"
#include "dyadic/Dialect/QNN/PadImage.h"
#include "dyadic/Quantize/Passes.h"
#include "dyadic/Quantize/Recover.h"
#include "dyadic/Simplify/ContractionWeights.h"
#include "dyadic/Support/ConstantData.h"

namespace dyadic {
#define GEN_PASS_DEF_SHIFTINPUTS
#include "dyadic/Quantize/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

/// Finds the contractions that read `value`, as it is or in another order. Fails if
/// anything else does, or one of them doesn't become an integer op with constant weights.
static bool findReaders(Value value, ArrayRef<std::string> keepFloat,
                        SmallVectorImpl<Operation *> &readers) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    Operation *op = use.getOwner();
    if (isa<qnn::TransposeOp, qnn::ReshapeOp>(op))
      return findReaders(op->getResult(0), keepFloat, readers);
    if (!isa<qnn::Conv2DOp, qnn::MatmulOp>(op) || use.getOperandNumber() != 0 ||
        !ContractionWeights::read(op) || !reasonWithoutRanges(op, keepFloat).empty())
      return false;
    readers.push_back(op);
    return true;
  });
}

static void moveRange(Value value, double shift) {
  if (qnn::RangeAttr range = calibratedRange(value)) {
    Operation *op = value.getDefiningOp();
    auto moved = qnn::RangeAttr::get(op->getContext(), range.getMin() + shift,
                                     range.getMax() + shift);
    op->setAttr(kRangeAttr, ArrayAttr::get(op->getContext(), {moved}));
  }
}

/// Moves the ranges of what `value` becomes in another order.
static void moveRanges(Value value, double shift) {
  for (Operation *op : value.getUsers())
    if (isa<qnn::TransposeOp, qnn::ReshapeOp>(op)) {
      moveRange(op->getResult(0), shift);
      moveRanges(op->getResult(0), shift);
    }
}

/// Makes `op`, whose input is `shift` more than it was, compute what it did.
static void takeBack(Operation *op, float shift) {
  auto weights = ContractionWeights::read(op);
  SmallVector<double> sums(weights->outputs(), 0);
  weights->forEach([&](float w, int64_t o, int64_t) { sums[o] += w; });
  HostTensor bias(ElementKind::F32, {weights->outputs()});
  for (auto [moved, b, sum] : llvm::zip_equal(bias.as<float>(), weights->bias, sums))
    moved = static_cast<float>(b - shift * sum);
  setConstantOperand(op, 2, std::move(bias));

  OpBuilder builder(op);
  if (auto means = op->getAttrOfType<DenseF32ArrayAttr>(kInputMeansAttr)) {
    SmallVector<float> moved(means.asArrayRef());
    for (float &mean : moved)
      mean += shift;
    op->setAttr(kInputMeansAttr, builder.getDenseF32ArrayAttr(moved));
  }
  auto conv = dyn_cast<qnn::Conv2DOp>(op);
  if (!conv)
    return;
  Value padded = qnn::padImage(builder, conv, conv.getInput(), shift);
  if (padded == conv.getInput())
    return;
  if (Operation *source = conv.getInput().getDefiningOp())
    if (Attribute range = source->getAttr(kRangeAttr))
      padded.getDefiningOp()->setAttr(kRangeAttr, range);
  conv.getInputMutable().set(padded);
  conv.setPads(SmallVector<int64_t>(4, 0));
}

int64_t dyadic::shiftInputs(func::FuncOp func, ArrayRef<std::string> keepFloat) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return 0;
  int64_t count = 0;
  OpBuilder builder = OpBuilder::atBlockBegin(&func.getBody().front());
  for (BlockArgument argument : func.getArguments()) {
    auto attr = func.getArgAttrOfType<FloatAttr>(argument.getArgNumber(), kShiftAttr);
    qnn::RangeAttr range = calibratedRange(argument);
    SmallVector<Operation *> readers;
    if (!attr || !range || !findReaders(argument, keepFloat, readers) || readers.empty())
      continue;
    auto shift = static_cast<float>(attr.getValueAsDouble());
    HostTensor number(ElementKind::F32, {});
    number.as<float>()[0] = shift;
    Value constant = qnn::ConstantOp::create(
        builder, argument.getLoc(), RankedTensorType::get({}, builder.getF32Type()),
        makeConstant(std::move(number), builder.getContext()));
    auto sum = qnn::AddOp::create(builder, argument.getLoc(), argument.getType(), argument,
                                  constant);
    sum->setAttr(kRangeAttr, builder.getArrayAttr({range}));
    sum->setAttr(kFloatReasonAttr,
                 builder.getStringAttr("it moves an input onto the values of its type"));
    argument.replaceAllUsesExcept(sum.getOutput(), sum);
    moveRange(sum.getOutput(), shift);
    moveRanges(sum.getOutput(), shift);
    for (Operation *op : readers)
      takeBack(op, shift);
    func.removeArgAttr(argument.getArgNumber(), kShiftAttr);
    ++count;
  }
  return count;
}

namespace {
struct ShiftInputsPass : dyadic::impl::ShiftInputsBase<ShiftInputsPass> {
  using ShiftInputsBase::ShiftInputsBase;

  void runOnOperation() override {
    SmallVector<std::string> kept(keepFloat.begin(), keepFloat.end());
    numShifted += shiftInputs(getOperation(), kept);
  }
};
} // namespace
