//===- ReshapeOfTranspose.cpp - transposes behind reshapes ----------------===//
#include "Constants.h"
#include "Layout.h"

#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic::qnn;

namespace dyadic {
namespace {

/// Dimensions [begin, end) of the reshape's input that become dimensions
/// [newBegin, newEnd) of its result.
struct Group {
  int64_t begin, end, newBegin, newEnd;
};

/// The finest groups of equal element counts. Extents of one join the group
/// that is open, else the next one.
SmallVector<Group> groupDimensions(ArrayRef<int64_t> from,
                                   ArrayRef<int64_t> to) {
  SmallVector<Group> groups;
  int64_t i = 0, j = 0, m = from.size(), n = to.size();
  while (i < m || j < n) {
    Group group{i, i, j, j};
    int64_t left = 1, right = 1;
    do {
      if (group.end < m && (left <= right || group.newEnd == n))
        left *= from[group.end++];
      else if (group.newEnd < n)
        right *= to[group.newEnd++];
      else
        break;
    } while (left != right || left == 1);
    // What is left at the end consists of ones.
    if (left == 1 && right == 1 && !groups.empty()) {
      groups.back().end = group.end;
      groups.back().newEnd = group.newEnd;
    } else {
      groups.push_back(group);
    }
    i = group.end;
    j = group.newEnd;
  }
  return groups;
}

/// reshape(transpose(x, p)) → transpose(reshape(x), q), where each group of
/// merged or split dimensions stands together, in order, in x as well. Often
/// q is the identity or meets its inverse.
struct SinkThroughReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose)
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    ArrayRef<int64_t> from = shapeOf(op.getInput()), to = shapeOf(op);
    SmallVector<Group> groups = groupDimensions(from, to);

    // Where each group starts in x; its extents of one may stand anywhere.
    SmallVector<int64_t> starts;
    for (const Group &group : groups) {
      int64_t previous = -1, start = -1;
      for (int64_t dim = group.begin; dim < group.end; ++dim) {
        int64_t source = permutation[dim];
        if (from[dim] == 1)
          continue;
        if (previous >= 0 && !followsDirectly(previous, source, transpose))
          return failure();
        start = start < 0 ? source : start;
        previous = source;
      }
      starts.push_back(start);
    }
    // The groups in x's order; groups of ones alone keep their place.
    SmallVector<size_t> moved, sorted;
    for (auto [i, start] : llvm::enumerate(starts))
      if (start >= 0)
        moved.push_back(i);
    sorted = moved;
    llvm::sort(sorted,
               [&](size_t a, size_t b) { return starts[a] < starts[b]; });
    SmallVector<size_t> order =
        llvm::to_vector(llvm::seq<size_t>(0, groups.size()));
    for (auto [slot, group] : llvm::zip(moved, sorted))
      order[slot] = group;

    SmallVector<int64_t> shape, back;
    for (size_t group : order)
      for (int64_t dim = groups[group].newBegin; dim < groups[group].newEnd;
           ++dim) {
        shape.push_back(to[dim]);
        back.push_back(dim);
      }
    auto type = RankedTensorType::get(shape, op.getType().getElementType());
    Value reshaped =
        ReshapeOp::create(rewriter, op.getLoc(), type, transpose.getInput());
    // Dimension `back[i]` of the result is dimension i of `reshaped`.
    rewriter.replaceOp(op, makeTranspose(rewriter, transpose.getLoc(), reshaped,
                                         inverse(back)));
    return success();
  }

  /// Whether only extents of one stand between two dimensions of x.
  static bool followsDirectly(int64_t first, int64_t second,
                              TransposeOp transpose) {
    if (second < first)
      return false;
    ArrayRef<int64_t> shape = shapeOf(transpose.getInput());
    return llvm::all_of(shape.slice(first + 1, second - first - 1),
                        [](int64_t extent) { return extent == 1; });
  }
};

/// matmul(reshape(transpose(x)), w), where the reshape flattens all but the
/// leading dimensions that the transpose keeps: the rows of w are permuted
/// instead.
struct PermuteMatmulRows : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto reshape = op.getLhs().getDefiningOp<ReshapeOp>();
    auto transpose = reshape ? reshape.getInput().getDefiningOp<TransposeOp>()
                             : TransposeOp();
    if (!transpose || shapeOf(op.getRhs()).size() != 2)
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    ArrayRef<int64_t> from = shapeOf(transpose), to = shapeOf(reshape);
    // The last dimension of the reshape is everything from `first` on.
    int64_t first = from.size(), count = 1;
    while (first > 0 && count < to.back())
      count *= from[--first];
    while (first > 0 && from[first - 1] == 1)
      --first;
    if (count != to.back())
      return failure();
    // Extents of one may move in front of `first`.
    for (int64_t dim = 0; dim < first; ++dim)
      if (permutation[dim] != dim)
        return failure();
    auto weights = readConstant(op.getRhs());
    if (failed(weights) || weights->kind != ElementKind::F32)
      return failure();

    // w's rows are numbered over the transposed dimensions [first, …).
    int64_t columns = weights->shape[1];
    SmallVector<int64_t> shape, order;
    for (int64_t dim = first, e = from.size(); dim < e; ++dim) {
      shape.push_back(from[dim]);
      order.push_back(permutation[dim] - first);
    }
    shape.push_back(columns);
    order.push_back(shape.size() - 1);
    weights->shape = shape;
    Value constant =
        makeFloats(rewriter, op.getRhs().getLoc(), std::move(*weights));
    Value rows = makeTranspose(rewriter, op.getLoc(), constant, inverse(order));
    auto matrix =
        RankedTensorType::get({to.back(), columns}, rewriter.getF32Type());
    Value flat = ReshapeOp::create(rewriter, op.getLoc(), matrix, rows);
    Value lhs = ReshapeOp::create(rewriter, reshape.getLoc(), reshape.getType(),
                                  transpose.getInput());
    rewriter.modifyOpInPlace(op, [&] {
      op.getLhsMutable().assign(lhs);
      op.getRhsMutable().assign(flat);
    });
    return success();
  }
};
} // namespace

void populateReshapeOfTransposePatterns(RewritePatternSet &patterns) {
  patterns.add<SinkThroughReshape, PermuteMatmulRows>(patterns.getContext());
}

} // namespace dyadic
