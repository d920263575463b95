//===- EncodeWeights.cpp - the weights of float ops in few bits -----------===//
//
// docs/Quantization.md, section "Weights alone".
//
//===----------------------------------------------------------------------===//
#include "dyadic/Quantize/Passes.h"

#include "FloatRegions.h"
#include "WeightFormat.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

namespace dyadic {
#define GEN_PASS_DEF_ENCODEWEIGHTS
#include "dyadic/Quantize/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

std::optional<WeightOperand> dyadic::weightOperand(Operation *op) {
  WeightOperand weights;
  if (isa<qnn::Conv2DOp>(op) && !isDepthwise(op)) {
    weights = {&op->getOpOperand(1), 0};
  } else if (isa<qnn::MatmulOp>(op)) {
    weights = {&op->getOpOperand(1), 1};
  } else if (auto gather = dyn_cast<qnn::GatherOp>(op); gather && gather.getAxis() == 0) {
    weights = {&op->getOpOperand(0), 0};
  } else {
    return std::nullopt;
  }
  auto type = cast<RankedTensorType>(weights.operand->get().getType());
  Attribute attribute;
  if (!type.getElementType().isF32() || type.getNumElements() == 0 ||
      (isa<qnn::Conv2DOp>(op) ? type.getRank() != 4 : type.getRank() != 2) ||
      !matchPattern(weights.operand->get(), m_Constant(&attribute)) ||
      isa<coded::WeightsAttr>(attribute))
    return std::nullopt;
  return weights;
}

static ChannelMajor layoutOf(const WeightOperand &weights) {
  auto type = cast<RankedTensorType>(weights.operand->get().getType());
  return ChannelMajor(type.getShape(), weights.axis);
}

std::vector<float> dyadic::channelMajorWeights(const WeightOperand &weights) {
  Attribute attribute;
  std::vector<float> storage, result;
  if (!matchPattern(weights.operand->get(), m_Constant(&attribute)))
    return {};
  auto elements = viewConstant(attribute, storage);
  if (failed(elements))
    return {};
  ChannelMajor layout = layoutOf(weights);
  result.reserve(elements->size());
  for (int64_t o = 0; o < layout.channels; ++o)
    for (int64_t k = 0; k < layout.depth; ++k)
      result.push_back((*elements)[layout(o, k)]);
  return result;
}

void dyadic::setCodedWeights(const WeightOperand &weights, const CodedWeights &coded) {
  Value constant = weights.operand->get();
  auto type = cast<RankedTensorType>(constant.getType());
  OpBuilder builder(weights.operand->getOwner());
  weights.operand->set(
      qnn::ConstantOp::create(builder, constant.getLoc(), type,
                              coded::WeightsAttr::get(type, weights.axis, coded)));
}

namespace {
struct EncodeWeightsPass : dyadic::impl::EncodeWeightsBase<EncodeWeightsPass> {
  using EncodeWeightsBase::EncodeWeightsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    SmallVector<std::string> choices(weights.begin(), weights.end());
    if (failed(chooseWeightFormats(func, choices, WeightUse::FloatProducts)))
      return signalPassFailure();
    done.clear();
    SmallVector<std::string> kept(keepFloat.begin(), keepFloat.end());
    func.walk([&](Operation *op) {
      if (!isNamed(op, kept) && !qnn::isControl(op->getParentOp()))
        encode(op);
      op->removeAttr(kWeightKindAttr);
    });
    for (Operation &op : llvm::make_early_inc_range(func.getBody().front()))
      if (op.hasTrait<OpTrait::ConstantLike>() && op.use_empty())
        op.erase();
  }

  void encode(Operation *op) {
    std::optional<WeightOperand> weights = weightOperand(op);
    if (!weights || (onlyNamed && !weightFormatOf(op)))
      return;
    WeightFormat format = weightFormatOf(op).value_or(WeightFormat());
    // Several may read one constant, as a table's product with its rows does.
    for (auto &[constant, axis, known, coded] : done)
      if (constant == weights->operand->get() && axis == weights->axis && known == format)
        return weights->operand->set(coded);
    std::vector<float> elements = channelMajorWeights(*weights);
    if (elements.empty() || !llvm::all_of(elements, [](float x) { return std::isfinite(x); }))
      return;
    Value constant = weights->operand->get();
    ChannelMajor layout(cast<RankedTensorType>(constant.getType()).getShape(), weights->axis);
    setCodedWeights(*weights, roundWeights(makeGrid(format, elements, layout.channels,
                                                    layout.depth),
                                           elements));
    done.push_back({constant, weights->axis, format, weights->operand->get()});
    ++numEncoded;
  }

  struct Encoded {
    Value constant;
    int64_t axis;
    WeightFormat format;
    Value coded;
  };
  std::vector<Encoded> done;
};
} // namespace
