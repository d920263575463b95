//===- PropagateLayout.cpp - moves transposes to where they cancel --------===//
#include "Constants.h"
#include "Layout.h"

#include "dyadic/Simplify/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace dyadic::qnn;

namespace dyadic {
#define GEN_PASS_DEF_PROPAGATELAYOUT
#include "dyadic/Simplify/Passes.h.inc"

namespace {

/// Constants are transposed and reshaped here and now, so that they don't
/// look like run-time tensors in another layout.
struct FoldMovementOfConstant : RewritePattern {
  FoldMovementOfConstant(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/10, context) {}
  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa<TransposeOp, ReshapeOp>(op))
      return failure();
    return foldToConstant(rewriter, op);
  }
};

/// reshape → transpose where it only moves extents of one within images; the
/// canonicalizer turns what remains of these back.
struct ReshapeToTranspose : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    ArrayRef<int64_t> from = shapeOf(op.getInput()), to = shapeOf(op);
    static constexpr int64_t forms[][4] = {{0, 3, 1, 2}, {0, 2, 3, 1}};
    if (from.size() != 4 || to.size() != 4)
      return failure();
    for (ArrayRef<int64_t> form : forms) {
      SmallVector<int64_t> kept;
      for (int64_t dim : form)
        if (from[dim] != 1)
          kept.push_back(dim);
      if (permute(from, form) != to || !llvm::is_sorted(kept))
        continue;
      rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), op.getInput(),
                                               form);
      return success();
    }
    return failure();
  }
};

/// transpose(transpose(x)) is one transpose or none.
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getInput().getDefiningOp<TransposeOp>();
    if (!producer)
      return failure();
    rewriter.replaceOp(
        op,
        makeTranspose(rewriter, op.getLoc(), producer.getInput(),
                      permute(producer.getPermutation(), op.getPermutation())));
    return success();
  }
};

/// The elements that transposes move; those of extents of one move nothing.
int64_t movedElements(func::FuncOp func) {
  int64_t sum = 0;
  func.walk([&](TransposeOp op) {
    SmallVector<int64_t> kept;
    for (int64_t dim : op.getPermutation())
      if (shapeOf(op.getInput())[dim] != 1)
        kept.push_back(dim);
    if (!llvm::is_sorted(kept))
      sum += op.getType().getNumElements();
  });
  return sum;
}

struct PropagateLayout : impl::PropagateLayoutBase<PropagateLayout> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    int64_t before = movedElements(func);
    if (before == 0)
      return;
    // Constants share their bytes, so the copy is cheap.
    OwningOpRef<func::FuncOp> original = func.clone();
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldMovementOfConstant, ReshapeToTranspose, MergeTransposes>(
        &getContext());
    populateSinkTransposePatterns(patterns);
    populateReshapeOfTransposePatterns(patterns);
    populateQuantizedConstantPatterns(patterns);
    if (failed(applyPatternsGreedily(func, std::move(patterns))))
      return signalPassFailure();
    if (movedElements(func) > before)
      func.getBody().takeBody(original->getBody());
  }
};
} // namespace
} // namespace dyadic
