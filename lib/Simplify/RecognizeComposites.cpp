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

/// scale·x + offset cut to [0, 1], however it is spelled; `factor` is what
/// multiplies the clamp.
struct Ramp {
  Value input;
  double scale, offset;
};

std::optional<Ramp> matchRamp(Value value, double factor) {
  if (auto ramp = value.getDefiningOp<HardSigmoidOp>(); ramp && isNear(factor, 1))
    return Ramp{ramp.getInput(), ramp.getAlpha().convertToFloat(),
                ramp.getBeta().convertToFloat()};
  auto clamp = value.getDefiningOp<ClampOp>();
  if (!clamp || clamp.getMin().convertToFloat() != 0 ||
      !isNear(clamp.getMax().convertToFloat() * factor, 1))
    return std::nullopt;
  Ramp ramp{clamp.getInput(), factor, 0};
  if (auto sum = matchAddScalar(ramp.input)) {
    ramp.input = sum->first;
    ramp.offset = sum->second * factor;
  }
  // clamp(a·x + b) as well as clamp(x + b)
  Product inner;
  collectFactors(ramp.input, /*isRoot=*/false, inner);
  if (inner.factors.size() == 1 && inner.scale != 1) {
    ramp.input = inner.factors.front();
    ramp.scale *= inner.scale;
  }
  // Without an offset it is just a relu6 that is scaled afterwards.
  return ramp.offset != 0 ? std::optional(ramp) : std::nullopt;
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

  LogicalResult rewriteRamp(MulOp op, const Product &product,
                            PatternRewriter &rewriter) const {
    auto ramp = matchRamp(product.factors.front(), product.scale);
    if (!ramp || ramp->input.getType() != op.getType() ||
        product.factors.front().getDefiningOp<HardSigmoidOp>())
      return failure();
    rewriter.replaceOpWithNewOp<HardSigmoidOp>(
        op, op.getType(), ramp->input, APFloat(static_cast<float>(ramp->scale)),
        APFloat(static_cast<float>(ramp->offset)));
    return success();
  }

  LogicalResult rewritePair(MulOp op, Value x, Value gate, double scale,
                            PatternRewriter &rewriter) const {
    if (x.getType() != op.getType())
      return failure();
    if (auto ramp = matchRamp(gate, scale)) {
      if (ramp->input == x && isNear(ramp->scale, 1.0 / 6) &&
          isNear(ramp->offset, 0.5)) {
        rewriter.replaceOpWithNewOp<HardSwishOp>(op, op.getType(), x);
        return success();
      }
      // x·(clamp·s): what gates another tensor is a hard_sigmoid of its own.
      if (gate.getDefiningOp<HardSigmoidOp>() || !gate.hasOneUse())
        return failure();
      Value sigmoid = HardSigmoidOp::create(
          rewriter, op.getLoc(), gate.getType(), ramp->input,
          APFloat(static_cast<float>(ramp->scale)),
          APFloat(static_cast<float>(ramp->offset)));
      rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), x, sigmoid);
      return success();
    }
    if (auto sigmoid = gate.getDefiningOp<SigmoidOp>();
        sigmoid && sigmoid.getInput() == x && isNear(scale, 1)) {
      rewriter.replaceOpWithNewOp<SwishOp>(op, op.getType(), x);
      return success();
    }
    if (isNear(scale, 0.5) && isErfOf(gate, x)) {
      rewriter.replaceOpWithNewOp<GeluOp>(op, op.getType(), x);
      return success();
    }
    return failure();
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

/// (x - mean(x)) / sqrt(mean((x - mean(x))²) + ε); scale and bias that follow
/// are taken in by --qnn-fold-scale-and-bias.
struct DivToLayerNorm : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    auto centered = op.getLhs().getDefiningOp<SubOp>();
    auto root = op.getRhs().getDefiningOp<SqrtOp>();
    if (!centered || !root)
      return failure();
    Value x = centered.getLhs();
    auto shifted = matchAddScalar(root.getInput());
    Value squared = shifted ? matchLastMean(shifted->first) : Value();
    auto square = squared ? squared.getDefiningOp<MulOp>() : MulOp();
    if (matchLastMean(centered.getRhs()) != x || !square ||
        !isCentered(square.getLhs(), centered) ||
        !isCentered(square.getRhs(), centered))
      return failure();
    int64_t extent = shapeOf(x).back();
    Value ones = makeVector(rewriter, op.getLoc(), SmallVector<float>(extent, 1));
    Value zeros = makeVector(rewriter, op.getLoc(), SmallVector<float>(extent, 0));
    rewriter.replaceOpWithNewOp<LayerNormOp>(op, op.getType(), x, ones, zeros,
                                             APFloat(shifted->second));
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

struct RecognizeComposites
    : impl::RecognizeCompositesBase<RecognizeComposites> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ProductToComposite, DivToLayerNorm>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace dyadic
