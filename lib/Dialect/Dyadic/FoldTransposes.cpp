//===- FoldTransposes.cpp - transposes around a product as strides --------===//
//
//   batch_matmul(transpose(x), y)              batch_matmul(x, y) {lhs_permutation}
//   transpose(requantize(batch_matmul(x, y)))  requantize(batch_matmul(x, y)
//                                                {output_permutation})
//
//===----------------------------------------------------------------------===//
#include "DequantizeSums.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace dyadic;
using Permutation = SmallVector<int64_t>;

/// The permutation `first`, then `second`; empty stands for none.
static Permutation compose(ArrayRef<int64_t> first, ArrayRef<int64_t> second) {
  if (second.empty())
    return Permutation(first);
  return llvm::map_to_vector(second, [&](int64_t dim) { return first[dim]; });
}

static bool keepsLast(ArrayRef<int64_t> permutation) {
  return !permutation.empty() &&
         permutation.back() == static_cast<int64_t>(permutation.size()) - 1;
}

static Permutation withoutIdentity(Permutation permutation) {
  for (auto [i, dim] : llvm::enumerate(permutation))
    if (static_cast<int64_t>(i) != dim)
      return permutation;
  return {};
}

namespace {
struct FoldTransposedOperands : OpRewritePattern<BatchMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BatchMatmulOp op,
                                PatternRewriter &rewriter) const override {
    bool changed = foldLhs(op, rewriter);
    changed |= foldRhs(op, rewriter);
    return success(changed);
  }

private:
  static bool foldLhs(BatchMatmulOp op, PatternRewriter &rewriter) {
    auto transpose = op.getLhs().getDefiningOp<TransposeOp>();
    if (!transpose)
      return false;
    Permutation composed =
        compose(transpose.getPermutation(), op.getLhsPermutation());
    if (!keepsLast(composed))
      return false;
    rewriter.modifyOpInPlace(op, [&] {
      op.getLhsMutable().assign(transpose.getInput());
      op.setLhsPermutation(withoutIdentity(composed));
    });
    return true;
  }

  static bool foldRhs(BatchMatmulOp op, PatternRewriter &rewriter) {
    auto transpose = op.getRhs().getDefiningOp<TransposeOp>();
    if (!transpose)
      return false;
    Permutation composed =
        compose(transpose.getPermutation(), op.getRhsPermutation());
    bool transposed = op.getTransposeRhs();
    if (!keepsLast(composed)) {
      // Either of the matrix's dimensions may be the contiguous one.
      std::swap(composed[composed.size() - 2], composed.back());
      transposed = !transposed;
    }
    if (!keepsLast(composed))
      return false;
    rewriter.modifyOpInPlace(op, [&] {
      op.getRhsMutable().assign(transpose.getInput());
      op.setRhsPermutation(withoutIdentity(composed));
      op.setTransposeRhs(transposed);
    });
    return true;
  }
};

/// The ops between a product and a transpose change single elements.
struct FoldTransposedResult : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (!keepsLast(op.getPermutation()))
      return failure();
    SmallVector<Operation *> chain; // from the last to the first
    Value value = op.getInput();
    while (isa_and_nonnull<RequantizeOp, LookupOp, dyadic::ClampOp>(
               value.getDefiningOp()) &&
           value.hasOneUse()) {
      chain.push_back(value.getDefiningOp());
      value = chain.back()->getOperand(0);
    }
    auto product = value.getDefiningOp<BatchMatmulOp>();
    if (!product || !value.hasOneUse())
      return failure();
    Permutation composed =
        product.getOutputPermutation().empty()
            ? Permutation(op.getPermutation())
            : compose(product.getOutputPermutation(), op.getPermutation());
    ArrayRef<int64_t> shape = op.getOutput().getType().getShape();
    rewriter.setInsertionPoint(op);
    auto moved = cast<BatchMatmulOp>(rewriter.clone(*product));
    moved.setOutputPermutation(withoutIdentity(composed));
    moved.getOutput().setType(product.getOutput().getType().clone(shape));
    Value result = moved.getOutput();
    for (Operation *link : llvm::reverse(chain)) {
      Operation *copy = rewriter.clone(*link);
      copy->setOperand(0, result);
      result = copy->getResult(0);
      result.setType(cast<RankedTensorType>(result.getType()).clone(shape));
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void BatchMatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                MLIRContext *context) {
  patterns.add<FoldTransposedOperands, FoldTransposedResult>(context);
  addDequantizeSums(patterns);
}
