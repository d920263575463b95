//===- FoldScaleAndBias.cpp - factors and addends into weights ------------===//
#include "Constants.h"

#include "dyadic/Simplify/ContractionWeights.h"
#include "dyadic/Simplify/Passes.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace dyadic::qnn;

namespace dyadic {
#define GEN_PASS_DEF_FOLDSCALEANDBIAS
#include "dyadic/Simplify/Passes.h.inc"

namespace {

/// A constant per channel that a mul or add applies to its other operand.
struct PerChannel {
  Value input;
  SmallVector<float> values;
};

template <typename OpTy> std::optional<PerChannel> matchPerChannel(OpTy op) {
  auto [input, constant] = splitConstant(op);
  if (!input || input.getType() != op.getType() || shapeOf(input).empty())
    return std::nullopt;
  auto values = perChannelOf(constant, shapeOf(input).back());
  if (!values)
    return std::nullopt;
  return PerChannel{input, std::move(*values)};
}

/// `op` with other weights and perhaps another input, in place of `replaced`.
void replaceContraction(PatternRewriter &rewriter, Operation *replaced,
                        Operation *op, Value input, ContractionWeights weights) {
  rewriter.setInsertionPoint(replaced);
  Location loc = op->getLoc();
  // The bytes of a constant outlive it, so none is made without need.
  Value constant = op->getOperand(1);
  if (weights.isScaled)
    constant =
        makeFloats(rewriter, constant.getLoc(), std::move(weights.tensor));
  Value bias = makeVector(rewriter, loc, weights.bias);
  // Attributes stay; operands may be one more than there were.
  OperationState state(loc, op->getName(), {input, constant, bias},
                       op->getResultTypes(), op->getAttrs());
  rewriter.replaceOp(replaced, rewriter.create(state)->getResults());
}

/// mul(conv(x, w, b), s) → conv(x, s·w, s·b);  add(conv(x, w, b), a) →
/// conv(x, w, b + a)
template <typename OpTy> struct FoldBehind : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto applied = matchPerChannel(op);
    Operation *producer = applied ? applied->input.getDefiningOp() : nullptr;
    if (!isContraction(producer) || !producer->hasOneUse())
      return failure();
    auto weights = ContractionWeights::read(producer);
    if (!weights)
      return failure();
    constexpr bool isScale = std::is_same_v<OpTy, MulOp>;
    if (isScale)
      weights->scale([&](int64_t o, int64_t) { return applied->values[o]; });
    for (auto [bias, value] : llvm::zip(weights->bias, applied->values))
      bias = isScale ? bias * value : bias + value;
    replaceContraction(rewriter, op, producer, producer->getOperand(0),
                       std::move(*weights));
    return success();
  }
};

/// The contraction whose result `value` is, moved by reshapes and transposes
/// that nothing else reads; null where there is none.
Operation *movedContraction(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa_and_nonnull<ReshapeOp, TransposeOp>(op) && op->hasOneUse())
    op = op->getOperand(0).getDefiningOp();
  return isContraction(op) && op->hasOneUse() ? op : nullptr;
}

/// The operand of the movement that makes `value`, if element i of its last
/// dimension becomes element i mod `channels` of the result's.
Value beforeMovement(Value value, int64_t channels) {
  if (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    ArrayRef<int64_t> from = shapeOf(reshape.getInput());
    bool repeats = !from.empty() && from.back() % channels == 0;
    return repeats ? reshape.getInput() : Value();
  }
  auto transpose = value.getDefiningOp<TransposeOp>();
  if (!transpose || transpose.getPermutation().back() !=
                        static_cast<int64_t>(shapeOf(value).size()) - 1)
    return {};
  return transpose.getInput();
}

/// mul(movement(x), s) → movement(mul(x, s…s)), and add likewise, where that
/// brings it to a contraction: the parts of a depth-to-space are channels there.
template <typename OpTy> struct LiftAboveMovement : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto applied = matchPerChannel(op);
    if (!applied || !movedContraction(applied->input))
      return failure();
    int64_t channels = applied->values.size();
    Value before = beforeMovement(applied->input, channels);
    if (!before)
      return failure();
    SmallVector<float> repeated;
    for (int64_t i = 0, n = shapeOf(before).back(); i < n; ++i)
      repeated.push_back(applied->values[i % channels]);
    Operation *movement = applied->input.getDefiningOp();
    rewriter.setInsertionPoint(movement);
    Value lifted = OpTy::create(rewriter, op.getLoc(), before.getType(), before,
                                makeVector(rewriter, op.getLoc(), repeated));
    rewriter.modifyOpInPlace(movement, [&] { movement->setOperand(0, lifted); });
    rewriter.replaceOp(op, movement->getResults());
    return success();
  }
};

/// relu(movement(x)) → movement(relu(x)) where x is made by a contraction.
struct LiftActivation : OpRewritePattern<ReluOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReluOp op,
                                PatternRewriter &rewriter) const override {
    Operation *movement = op.getInput().getDefiningOp();
    if (!isa_and_nonnull<ReshapeOp, TransposeOp>(movement) ||
        !movedContraction(op.getInput()))
      return failure();
    rewriter.setInsertionPoint(movement);
    Value before = movement->getOperand(0);
    Value lifted =
        ReluOp::create(rewriter, op.getLoc(), before.getType(), before);
    rewriter.modifyOpInPlace(movement, [&] { movement->setOperand(0, lifted); });
    rewriter.replaceOp(op, movement->getResults());
    return success();
  }
};

bool hasPadding(Operation *op) {
  auto conv = dyn_cast<Conv2DOp>(op);
  return conv && llvm::any_of(conv.getPads(), [](int64_t pad) { return pad; });
}

/// conv(mul(x, s), w) → conv(x, s·w);  conv(add(x, a), w, b) →
/// conv(x, w, b + Σ w·a) unless zeros stand around the image
template <typename OpTy> struct FoldInFront : RewritePattern {
  FoldInFront(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isContraction(op))
      return failure();
    auto producer = op->getOperand(0).getDefiningOp<OpTy>();
    if (!producer || !producer->hasOneUse())
      return failure();
    auto applied = matchPerChannel(producer);
    constexpr bool isScale = std::is_same_v<OpTy, MulOp>;
    if (!applied || (!isScale && hasPadding(op)))
      return failure();
    auto weights = ContractionWeights::read(op);
    if (!weights)
      return failure();
    if (isScale) {
      weights->scale([&](int64_t, int64_t c) { return applied->values[c]; });
    } else {
      SmallVector<double> sums(weights->bias.begin(), weights->bias.end());
      weights->forEach([&](float &w, int64_t o, int64_t c) {
        sums[o] += static_cast<double>(w) * applied->values[c];
      });
      llvm::copy(sums, weights->bias.begin());
    }
    replaceContraction(rewriter, op, op, applied->input, std::move(*weights));
    return success();
  }
};

/// conv(add(mul(x, s), a), w) → conv(add(x, a/s), s·w) for scalars: behind zero
/// padding the addition has to stay, but not the multiplication.
struct FoldScaleThroughAdd : OpRewritePattern<Conv2DOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(Conv2DOp op,
                                PatternRewriter &rewriter) const override {
    auto add = op.getInput().getDefiningOp<AddOp>();
    auto [sum, addend] = add ? splitConstant(add) : std::pair<Value, Value>();
    auto mul = sum ? sum.getDefiningOp<MulOp>() : MulOp();
    auto [input, factor] = mul ? splitConstant(mul) : std::pair<Value, Value>();
    if (!input || !add->hasOneUse() || !mul->hasOneUse() ||
        input.getType() != add.getType())
      return failure();
    std::optional<float> a = scalarOf(addend), s = scalarOf(factor);
    // A tiny factor would make the addend, and its rounding, large.
    if (!a || !s || std::abs(*s) < 1e-3f)
      return failure();
    auto weights = ContractionWeights::read(op);
    if (!weights)
      return failure();
    weights->scale([&](int64_t, int64_t) { return *s; });
    Value shifted = AddOp::create(rewriter, add.getLoc(), add.getType(), input,
                                  makeScalar(rewriter, add.getLoc(), *a / *s));
    replaceContraction(rewriter, op, op, shifted, std::move(*weights));
    return success();
  }
};

/// A layer norm's own scale and bias take in those that follow it.
template <typename OpTy> struct FoldBehindLayerNorm : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto applied = matchPerChannel(op);
    auto norm = applied ? applied->input.template getDefiningOp<LayerNormOp>()
                        : LayerNormOp();
    if (!norm || !norm->hasOneUse())
      return failure();
    auto scale = perChannelOf(norm.getScale(), applied->values.size());
    auto bias = perChannelOf(norm.getBias(), applied->values.size());
    if (!scale || !bias)
      return failure();
    constexpr bool isScale = std::is_same_v<OpTy, MulOp>;
    for (auto [s, b, value] : llvm::zip(*scale, *bias, applied->values)) {
      s = isScale ? s * value : s;
      b = isScale ? b * value : b + value;
    }
    Location loc = norm.getLoc();
    Value scales = makeVector(rewriter, loc, *scale);
    Value biases = makeVector(rewriter, loc, *bias);
    auto merged =
        LayerNormOp::create(rewriter, loc, op.getType(), norm.getInput(),
                            scales, biases, norm.getEpsilonAttr(),
                            norm.getCenteredAttr());
    rewriter.replaceOp(op, merged);
    return success();
  }
};

/// add(matmul(x, w), b): a bias that isn't constant stays an addition, but
/// the operand of a constant bias needs no constant weights.
struct AddToMatmulBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto applied = matchPerChannel(op);
    auto matmul =
        applied ? applied->input.getDefiningOp<MatmulOp>() : MatmulOp();
    if (!matmul || !matmul->hasOneUse() || matmul.getBias() ||
        isConstant(matmul.getRhs()))
      return failure();
    Value bias = makeVector(rewriter, op.getLoc(), applied->values);
    rewriter.replaceOpWithNewOp<MatmulOp>(op, op.getType(), matmul.getLhs(),
                                          matmul.getRhs(), bias);
    return success();
  }
};

struct FoldScaleAndBias : impl::FoldScaleAndBiasBase<FoldScaleAndBias> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldBehind<MulOp>, FoldBehind<AddOp>, FoldInFront<MulOp>,
                 FoldInFront<AddOp>, FoldScaleThroughAdd,
                 FoldBehindLayerNorm<MulOp>, FoldBehindLayerNorm<AddOp>,
                 AddToMatmulBias, LiftAboveMovement<MulOp>,
                 LiftAboveMovement<AddOp>, LiftActivation>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace dyadic
