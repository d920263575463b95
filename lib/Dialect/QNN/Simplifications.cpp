//===- Simplifications.cpp - folders and canonicalizers -------------------===//
#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace dyadic::qnn;

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getOutput().getType())
    return getInput();
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  bool identity = llvm::all_of(llvm::enumerate(getPermutation()), [](auto p) {
    return static_cast<int64_t>(p.index()) == p.value();
  });
  if (identity && getInput().getType() == getOutput().getType())
    return getInput();
  return {};
}

OpFoldResult StorageCastOp::fold(FoldAdaptor) {
  auto other = getInput().getDefiningOp<StorageCastOp>();
  if (other && other.getInput().getType() == getType())
    return other.getInput();
  return {};
}

namespace {
/// reshape(reshape(x)) → reshape(x)
struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getInput().getDefiningOp<ReshapeOp>();
    if (!producer)
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(),
                                           producer.getInput());
    return success();
  }
};

/// transpose(transpose(x, p), q) → transpose(x, p∘q)
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getInput().getDefiningOp<TransposeOp>();
    if (!producer)
      return failure();
    auto merged = llvm::map_to_vector(op.getPermutation(), [&](int64_t dim) {
      return producer.getPermutation()[dim];
    });
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(),
                                             producer.getInput(), merged);
    return success();
  }
};

/// A transpose that keeps the order of all extents above one moves no byte.
struct TransposeToReshape : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto input = cast<RankedTensorType>(op.getInput().getType());
    if (input.getElementType() != op.getType().getElementType())
      return failure();
    auto moved = llvm::filter_to_vector(op.getPermutation(), [&](int64_t dim) {
      return input.getDimSize(dim) != 1;
    });
    if (!llvm::is_sorted(moved))
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getInput());
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<MergeReshapes>(context);
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<MergeTransposes, TransposeToReshape>(context);
}
