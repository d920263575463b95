//===- LowerMagnitudes.cpp - sqrt(x² + y²) of integers --------------------===//
//
// docs/Spec.md, section 10: as one function, the magnitude of a complex number has
// nearly the steps of its parts; squares of 16 bits would leave it as few as 8.
//
//===----------------------------------------------------------------------===//
#include "dyadic/LowerToDyadic/Passes.h"

#include "JoinBorders.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"
#include "dyadic/Dialect/QNN/FixedPointBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace dyadic {
#define GEN_PASS_DEF_LOWERMAGNITUDES
#include "dyadic/LowerToDyadic/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

/// The integers whose multiples `value` is the squares of; null if it isn't.
static dyadic::DequantizeOp rootOfSquare(Value value) {
  auto mul = value.getDefiningOp<qnn::MulOp>();
  return mul && mul.getLhs() == mul.getRhs() ? wholeNumbersOf(mul.getLhs())
                                             : dyadic::DequantizeOp();
}

/// ⌊sqrt(w)⌋ of w < 2^31, bit by bit: no step depends on another element, as vectors
/// like it.
static Value buildRoot(FixedPointBuilder &f, Value w) {
  Value root = f.i32(0);
  for (int64_t bit = 15; bit >= 0; --bit) {
    Value next = f.add(root, f.i32(int64_t(1) << bit));
    // Below 2^32.
    Value fits = f.make<arith::CmpIOp>(arith::CmpIPredicate::ule, f.mul(next, next), w);
    root = f.make<arith::SelectOp>(fits, next, root);
  }
  return root;
}

namespace {
struct Magnitude : OpRewritePattern<qnn::SqrtOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(qnn::SqrtOp op, PatternRewriter &rewriter) const override {
    auto sum = op.getInput().getDefiningOp<qnn::AddOp>();
    auto x = sum ? rootOfSquare(sum.getLhs()) : dyadic::DequantizeOp(),
         y = sum ? rootOfSquare(sum.getRhs()) : dyadic::DequantizeOp();
    if (!x || !y || x.getScale() != y.getScale() ||
        x.getInput().getType() != y.getInput().getType())
      return rewriter.notifyMatchFailure(op, "not the root of two squares of one scale");
    auto type = cast<RankedTensorType>(x.getInput().getType());
    Value magnitude = qnn::buildElementwise(
        rewriter, op.getLoc(), "Magnitude", type, {x.getInput(), y.getInput()},
        [&](OpBuilder &b, Location loc, ValueRange s) {
          FixedPointBuilder f{b, loc};
          auto square = [&](Value part) {
            part = f.clamp(f.extend(part, /*isUnsigned=*/false), -INT16_MAX, INT16_MAX);
            return f.mul(part, part);
          };
          Value root = buildRoot(f, f.add(square(s[0]), square(s[1])));
          return f.truncate(f.shiftHalfUp(root, 1), 16); // in steps of two
        });
    rewriter.replaceOpWithNewOp<dyadic::DequantizeOp>(
        op, op.getType(), magnitude,
        rewriter.getF32FloatAttr(2 * x.getScale().convertToFloat()), x.getZeroPointAttr());
    return success();
  }
};

struct LowerMagnitudesPass : dyadic::impl::LowerMagnitudesBase<LowerMagnitudesPass> {
  using LowerMagnitudesBase::LowerMagnitudesBase;

  void runOnOperation() override {
    if (failed(rewriteJoiningBorders<Magnitude, qnn::SqrtOp>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
