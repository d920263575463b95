//===- RecognizeComposites.cpp - functions spelled in primitives ----------===//
//
// Multiplication is commutative and associative, and models use that: a
// product is first taken apart into its factors and the product of its scalar
// constants, and the functions are recognized there.
//
//===----------------------------------------------------------------------===//
#include "Constants.h"

#include "dyadic/Simplify/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

using namespace mlir;
using namespace dyadic::qnn;

namespace dyadic {
#define GEN_PASS_DEF_RECOGNIZECOMPOSITES
#include "dyadic/Simplify/Passes.h.inc"

namespace {

/// Constants in models are rounded, sometimes to few digits.
bool isNear(double value, double expected) {
  return std::abs(value - expected) <= 1e-4 * std::max(1.0, std::abs(expected));
}

/// scale · Π factors
struct Product {
  double scale = 1;
  SmallVector<Value> factors;
};

void collectFactors(Value value, bool isRoot, Product &product) {
  if (std::optional<float> scalar = scalarOf(value)) {
    product.scale *= *scalar;
    return;
  }
  auto mul = value.getDefiningOp<MulOp>();
  if (!mul || !(isRoot || mul->hasOneUse())) {
    product.factors.push_back(value);
    return;
  }
  collectFactors(mul.getLhs(), false, product);
  collectFactors(mul.getRhs(), false, product);
}

/// x + c with a scalar c.
std::optional<std::pair<Value, float>> matchAddScalar(Value value) {
  auto add = value.getDefiningOp<AddOp>();
  if (!add)
    return std::nullopt;
  auto [x, constant] = splitConstant(add);
  std::optional<float> scalar = x ? scalarOf(constant) : std::nullopt;
  if (!scalar)
    return std::nullopt;
  return std::make_pair(x, *scalar);
}

/// max · (scale·x + offset cut to [0, 1]): a hard_sigmoid, or a clamp from 0
/// of a sum. Without an offset it is just a relu6.
struct Ramp {
  Value input;
  double scale, offset, max;
};

std::optional<Ramp> matchRamp(Value value) {
  if (auto ramp = value.getDefiningOp<HardSigmoidOp>())
    return Ramp{ramp.getInput(), ramp.getAlpha().convertToFloat(),
                ramp.getBeta().convertToFloat(), 1};
  auto clamp = value.getDefiningOp<ClampOp>();
  auto sum = clamp ? matchAddScalar(clamp.getInput()) : std::nullopt;
  if (!sum || sum->second == 0 || clamp.getMin().convertToFloat() != 0 ||
      clamp.getMax().convertToFloat() <= 0)
    return std::nullopt;
  double max = clamp.getMax().convertToFloat();
  Ramp ramp{sum->first, 1 / max, sum->second / max, max};
  // clamp(a·x + b) as well as clamp(x + b)
  Product inner;
  collectFactors(ramp.input, /*isRoot=*/false, inner);
  if (inner.factors.size() == 1 && inner.scale != 1) {
    ramp.input = inner.factors.front();
    ramp.scale *= inner.scale;
  }
  return ramp;
}

/// 1 + erf(x/√2)
bool isErfOf(Value value, Value x) {
  auto sum = matchAddScalar(value);
  auto erf = sum ? sum->first.getDefiningOp<ErfOp>() : ErfOp();
  if (!erf || !isNear(sum->second, 1))
    return false;
  Product inner;
  collectFactors(erf.getInput(), /*isRoot=*/true, inner);
  return inner.factors.size() == 1 && inner.factors.front() == x &&
         isNear(inner.scale, std::sqrt(0.5));
}

struct ProductToComposite : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    Product product;
    collectFactors(op, /*isRoot=*/true, product);
    if (product.factors.size() == 1)
      return rewriteRamp(op, product, rewriter);
    if (product.factors.size() != 2)
      return failure();
    Value a = product.factors[0], b = product.factors[1];
    return success(succeeded(rewritePair(op, a, b, product.scale, rewriter)) ||
                   succeeded(rewritePair(op, b, a, product.scale, rewriter)));
  }

  /// clamp(x + 3, 0, 6)/6 → hard_sigmoid(x)
  LogicalResult rewriteRamp(MulOp op, const Product &product,
                            PatternRewriter &rewriter) const {
    Value value = product.factors.front();
    auto ramp = matchRamp(value);
    if (!ramp || ramp->input.getType() != op.getType() ||
        value.getDefiningOp<HardSigmoidOp>() ||
        !isNear(product.scale * ramp->max, 1))
      return failure();
    rewriter.replaceOp(op, makeHardSigmoid(op.getLoc(), *ramp, rewriter));
    return success();
  }

  static Value makeHardSigmoid(Location loc, const Ramp &ramp,
                               PatternRewriter &rewriter) {
    return HardSigmoidOp::create(rewriter, loc, ramp.input.getType(),
                                 ramp.input,
                                 APFloat(static_cast<float>(ramp.scale)),
                                 APFloat(static_cast<float>(ramp.offset)));
  }

  /// x · gate · scale
  LogicalResult rewritePair(MulOp op, Value x, Value gate, double scale,
                            PatternRewriter &rewriter) const {
    if (x.getType() != op.getType())
      return failure();
    auto replace = [&](Value composite, double rest) {
      if (!isNear(rest, 1))
        composite = MulOp::create(
            rewriter, op.getLoc(), op.getType(), composite,
            makeScalar(rewriter, op.getLoc(), static_cast<float>(rest)));
      rewriter.replaceOp(op, composite);
      return success();
    };
    Location loc = op.getLoc();
    if (auto sigmoid = gate.getDefiningOp<SigmoidOp>();
        sigmoid && sigmoid.getInput() == x)
      return replace(SwishOp::create(rewriter, loc, op.getType(), x), scale);
    if (isErfOf(gate, x))
      return replace(GeluOp::create(rewriter, loc, op.getType(), x), scale * 2);
    auto ramp = matchRamp(gate);
    if (!ramp)
      return failure();
    if (ramp->input == x && isNear(ramp->scale, 1.0 / 6) &&
        isNear(ramp->offset, 0.5))
      return replace(HardSwishOp::create(rewriter, loc, op.getType(), x),
                     scale * ramp->max);
    // What gates another tensor is a hard_sigmoid of its own.
    if (gate.getDefiningOp<HardSigmoidOp>() || !gate.hasOneUse())
      return failure();
    Value sigmoid = makeHardSigmoid(loc, *ramp, rewriter);
    return replace(MulOp::create(rewriter, loc, op.getType(), x, sigmoid),
                   scale * ramp->max);
  }
};

/// The input of a mean over the last dimension that keeps it.
Value matchLastMean(Value value) {
  auto mean = value.getDefiningOp<ReduceMeanOp>();
  int64_t last = static_cast<int64_t>(shapeOf(value).size()) - 1;
  if (!mean || !mean.getKeepDims() || mean.getAxes() != ArrayRef<int64_t>(last))
    return {};
  return mean.getInput();
}

/// sqrt(mean(a · b) + ε) over the last dimension; `value` may be null.
struct RootOfMean {
  MulOp product;
  float epsilon;
};

std::optional<RootOfMean> matchRootOfMean(Value value) {
  auto root = value ? value.getDefiningOp<SqrtOp>() : SqrtOp();
  auto shifted = root ? matchAddScalar(root.getInput()) : std::nullopt;
  Value mean = shifted ? matchLastMean(shifted->first) : Value();
  auto product = mean ? mean.getDefiningOp<MulOp>() : MulOp();
  if (!product)
    return std::nullopt;
  return RootOfMean{product, shifted->second};
}

/// A layer norm of `x` in the place of `op`; scale and bias that follow are taken in by
/// --qnn-fold-scale-and-bias.
void replaceByNorm(PatternRewriter &rewriter, Operation *op, Value x, float epsilon,
                   bool centered) {
  int64_t extent = shapeOf(x).back();
  Value ones = makeVector(rewriter, op->getLoc(), SmallVector<float>(extent, 1));
  Value zeros = makeVector(rewriter, op->getLoc(), SmallVector<float>(extent, 0));
  rewriter.replaceOpWithNewOp<LayerNormOp>(op, op->getResult(0).getType(), x, ones,
                                           zeros, APFloat(epsilon), centered);
}

/// (x - mean(x)) / sqrt(mean((x - mean(x))²) + ε), and x / sqrt(mean(x²) + ε).
struct DivToNorm : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    auto root = matchRootOfMean(op.getRhs());
    if (!root)
      return failure();
    Value lhs = root->product.getLhs(), rhs = root->product.getRhs();
    if (auto centered = op.getLhs().getDefiningOp<SubOp>();
        centered && matchLastMean(centered.getRhs()) == centered.getLhs() &&
        isCentered(lhs, centered) && isCentered(rhs, centered)) {
      replaceByNorm(rewriter, op, centered.getLhs(), root->epsilon, /*centered=*/true);
      return success();
    }
    if (lhs != op.getLhs() || rhs != op.getLhs())
      return failure();
    replaceByNorm(rewriter, op, op.getLhs(), root->epsilon, /*centered=*/false);
    return success();
  }

  /// The same difference, perhaps computed a second time.
  static bool isCentered(Value value, SubOp centered) {
    auto other = value.getDefiningOp<SubOp>();
    return other == centered ||
           (other && other.getLhs() == centered.getLhs() &&
            matchLastMean(other.getRhs()) == centered.getLhs());
  }
};

/// x · (1 / sqrt(mean(x²) + ε))
struct MulToNorm : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, inverse] : {std::pair(op.getLhs(), op.getRhs()),
                              std::pair(op.getRhs(), op.getLhs())}) {
      auto root = matchRootOfMean(invertedBy(inverse));
      if (!root || root->product.getLhs() != x || root->product.getRhs() != x)
        continue;
      replaceByNorm(rewriter, op, x, root->epsilon, /*centered=*/false);
      return success();
    }
    return failure();
  }

  /// What 1 is divided by in `value`; null where it is no reciprocal.
  static Value invertedBy(Value value) {
    if (auto reciprocal = value.getDefiningOp<ReciprocalOp>())
      return reciprocal.getInput();
    auto div = value.getDefiningOp<DivOp>();
    return div && scalarOf(div.getLhs()) == 1.0f ? div.getRhs() : Value();
  }
};

struct RecognizeComposites
    : impl::RecognizeCompositesBase<RecognizeComposites> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ProductToComposite, DivToNorm, MulToNorm>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace dyadic
