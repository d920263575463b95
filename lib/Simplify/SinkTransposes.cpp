//===- SinkTransposes.cpp - transposes behind ops that don't mind ---------===//
//
// op(transpose(x, p)) → transpose(op'(x), p), where op' has its attributes and
// its other operands in x's layout.
//
//===----------------------------------------------------------------------===//
#include "Constants.h"
#include "Layout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace dyadic::qnn;

namespace dyadic {

Permutation inverse(ArrayRef<int64_t> permutation) {
  Permutation result(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    result[dim] = i;
  return result;
}

SmallVector<int64_t> permute(ArrayRef<int64_t> values,
                             ArrayRef<int64_t> permutation) {
  return llvm::map_to_vector(permutation,
                             [&](int64_t dim) { return values[dim]; });
}

Value makeTranspose(OpBuilder &builder, Location loc, Value value,
                    ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  auto type = cast<RankedTensorType>(value.getType());
  auto result = type.clone(permute(type.getShape(), permutation));
  return TransposeOp::create(builder, loc, result, value, permutation);
}

namespace {

/// Channels from last to second, as the importer puts them behind image ops.
/// Only these may make a transpose of another operand: the inverse that
/// appears there is of the other kind, so the two can't chase each other.
bool isChannelsFirst(ArrayRef<int64_t> permutation) {
  int64_t rank = permutation.size();
  if (rank < 4 || permutation[0] != 0 || permutation[1] != rank - 1)
    return false;
  return llvm::equal(permutation.drop_front(2),
                     llvm::seq<int64_t>(1, rank - 1));
}

bool movesOnlyOnes(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> kept;
  for (int64_t dim : permutation)
    if (shape[dim] != 1)
      kept.push_back(dim);
  return llvm::is_sorted(kept);
}

/// Whether `value` can be had in the layout before `transpose`. A transpose
/// that moves data may ask for transposes of extents of one, and one of images
/// for any; a free one asks for none, or two would drive each other in turn.
bool canUndo(Value value, TransposeOp transpose) {
  ArrayRef<int64_t> permutation = transpose.getPermutation();
  auto other = value.getDefiningOp<TransposeOp>();
  if (isConstant(value) || (other && other.getPermutation() == permutation))
    return true;
  if (movesOnlyOnes(shapeOf(transpose.getInput()), permutation))
    return false;
  if (isChannelsFirst(permutation))
    return true;
  SmallVector<int64_t> shape(shapeOf(value));
  shape.insert(shape.begin(), permutation.size() - shape.size(), 1);
  return movesOnlyOnes(shape, inverse(permutation));
}

/// The constant that a movement of a constant is: left as it is, the op would
/// look like a run-time tensor in another layout.
Value foldIfConstant(PatternRewriter &rewriter, Value value) {
  Operation *op = value.getDefiningOp();
  OpBuilder::InsertionGuard guard(rewriter);
  auto folded = evaluateConstant(rewriter, op);
  if (failed(folded))
    return value;
  rewriter.eraseOp(op);
  return *folded;
}

/// `value`, which broadcasts to the rank of `permutation`, before it.
Value undo(PatternRewriter &rewriter, Value value,
           ArrayRef<int64_t> permutation) {
  if (auto transpose = value.getDefiningOp<TransposeOp>();
      transpose && transpose.getPermutation() == permutation)
    return transpose.getInput();
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.size() == 0)
    return value;
  if (shape.size() < permutation.size()) {
    SmallVector<int64_t> full(permutation.size() - shape.size(), 1);
    llvm::append_range(full, shape);
    auto type = cast<RankedTensorType>(value.getType()).clone(full);
    value = foldIfConstant(
        rewriter, ReshapeOp::create(rewriter, value.getLoc(), type, value));
  }
  return foldIfConstant(rewriter, makeTranspose(rewriter, value.getLoc(), value,
                                                inverse(permutation)));
}

/// The transpose among the operands whose layout the op should take, if the
/// others can follow.
TransposeOp findTranspose(Operation *op) {
  int64_t rank = shapeOf(op->getResult(0)).size();
  for (Value operand : op->getOperands()) {
    auto transpose = operand.getDefiningOp<TransposeOp>();
    if (!transpose || static_cast<int64_t>(shapeOf(operand).size()) != rank)
      continue;
    if (llvm::all_of(op->getOperands(),
                     [&](Value other) { return canUndo(other, transpose); }))
      return transpose;
  }
  return {};
}

/// Replaces `op` by the same op on `operands` with `attributes` changed, and
/// a transpose behind it. `shape` is the new op's result shape.
void replaceSunk(PatternRewriter &rewriter, Operation *op,
                 ArrayRef<Value> operands, ArrayRef<int64_t> shape,
                 ArrayRef<NamedAttribute> attributes, TransposeOp transpose,
                 ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType()).clone(shape);
  OperationState state(op->getLoc(), op->getName(), operands, type,
                       op->getAttrs());
  for (NamedAttribute attribute : attributes)
    state.attributes.set(attribute.getName(), attribute.getValue());
  Value sunk = rewriter.create(state)->getResult(0);
  rewriter.replaceOp(
      op, makeTranspose(rewriter, transpose.getLoc(), sunk, permutation));
}

/// Ops whose result has the layout of all their operands: elementwise ones,
/// the borders of what a model quantized, and concat with its axis.
struct SinkThroughPointwise : RewritePattern {
  SinkThroughPointwise(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    auto concat = dyn_cast<ConcatOp>(op);
    if (!concat && !isBorder(op) && !isa<ElementwiseOpInterface>(op))
      return failure();
    TransposeOp transpose = findTranspose(op);
    if (!transpose)
      return failure();
    Permutation permutation(transpose.getPermutation());
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(undo(rewriter, operand, permutation));
    SmallVector<NamedAttribute> attributes;
    if (concat)
      attributes.push_back(rewriter.getNamedAttr(
          "axis", rewriter.getI64IntegerAttr(permutation[concat.getAxis()])));
    replaceSunk(rewriter, op, operands,
                permute(shapeOf(op->getResult(0)), inverse(permutation)),
                attributes, transpose, permutation);
    return success();
  }
};

struct SinkThroughSoftmax : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SoftmaxOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose)
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    Value input = transpose.getInput();
    // Along another dimension than the last it is slower, so only images.
    if (permutation[op.getAxis()] !=
            static_cast<int64_t>(permutation.size()) - 1 &&
        !isChannelsFirst(permutation))
      return failure();
    replaceSunk(rewriter, op, input, shapeOf(input),
                rewriter.getNamedAttr("axis", rewriter.getI64IntegerAttr(
                                                  permutation[op.getAxis()])),
                transpose, permutation);
    return success();
  }
};

struct SinkThroughLayerNorm : OpRewritePattern<LayerNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LayerNormOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose)
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    Value input = transpose.getInput();
    if (permutation.back() != static_cast<int64_t>(permutation.size()) - 1)
      return failure();
    replaceSunk(rewriter, op, {input, op.getScale(), op.getBias()},
                shapeOf(input), {}, transpose, permutation);
    return success();
  }
};

struct SinkThroughReduceMean : OpRewritePattern<ReduceMeanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceMeanOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose)
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    Value input = transpose.getInput();
    SmallVector<int64_t> axes = permute(permutation, op.getAxes());
    llvm::sort(axes);
    // What is left of the permutation when the axes are gone.
    Permutation rest;
    SmallVector<int64_t> shape;
    for (int64_t dim : permutation)
      if (op.getKeepDims() || !llvm::is_contained(axes, dim))
        rest.push_back(
            op.getKeepDims() ? dim : dim - llvm::count_if(axes, [&](int64_t a) {
                                       return a < dim;
                                     }));
    for (auto [dim, extent] : llvm::enumerate(shapeOf(input))) {
      bool reduced = llvm::is_contained(axes, static_cast<int64_t>(dim));
      if (!reduced || op.getKeepDims())
        shape.push_back(reduced ? 1 : extent);
    }
    replaceSunk(
        rewriter, op, input, shape,
        rewriter.getNamedAttr("axes", rewriter.getDenseI64ArrayAttr(axes)),
        transpose, rest);
    return success();
  }
};

/// pad and slice: lists with one number per dimension.
template <typename OpTy> struct SinkThroughLists : OpRewritePattern<OpTy> {
  SinkThroughLists(MLIRContext *context, ArrayRef<StringRef> lists)
      : OpRewritePattern<OpTy>(context), lists(lists) {}
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().template getDefiningOp<TransposeOp>();
    // Elsewhere, as in attention, the slices of one transpose are views.
    if (!transpose || !isChannelsFirst(transpose.getPermutation()))
      return failure();
    Permutation permutation(transpose.getPermutation());
    Permutation before = inverse(permutation);
    SmallVector<NamedAttribute> attributes;
    for (StringRef name : lists) {
      auto list = op->template getAttrOfType<DenseI64ArrayAttr>(name);
      attributes.push_back(rewriter.getNamedAttr(
          name,
          rewriter.getDenseI64ArrayAttr(permute(list.asArrayRef(), before))));
    }
    replaceSunk(rewriter, op, transpose.getInput(),
                permute(shapeOf(op), before), attributes, transpose,
                permutation);
    return success();
  }
  SmallVector<StringRef> lists;
};
} // namespace

void populateSinkTransposePatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<SinkThroughPointwise, SinkThroughSoftmax, SinkThroughLayerNorm,
               SinkThroughReduceMean>(context);
  patterns.add<SinkThroughLists<PadOp>>(context,
                                        ArrayRef<StringRef>{"low", "high"});
  patterns.add<SinkThroughLists<SliceOp>>(
      context, ArrayRef<StringRef>{"offsets", "sizes", "strides"});
}

} // namespace dyadic
