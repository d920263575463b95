//===- Shapes.cpp - shape inference shared by both dialects ---------------===//
#include "dyadic/Dialect/Shapes.h"

#include "mlir/Dialect/Traits.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using Shape = SmallVector<int64_t>;
using OptionalLoc = std::optional<Location>;

namespace dyadic {

template <typename... Args>
static LogicalResult fail(OptionalLoc loc, Args &&...args) {
  if (!loc)
    return failure();
  InFlightDiagnostic diagnostic = emitError(*loc);
  (diagnostic << ... << std::forward<Args>(args));
  return diagnostic;
}

static LogicalResult checkRank(OptionalLoc loc, StringRef what,
                               ArrayRef<int64_t> shape, size_t rank) {
  if (shape.size() == rank)
    return success();
  return fail(loc, "expected ", what, " of rank ", rank, ", but got rank ",
              shape.size());
}

/// `count` entries, each at least `least`.
static LogicalResult checkList(OptionalLoc loc, StringRef what,
                               ArrayRef<int64_t> list, size_t count,
                               int64_t least) {
  if (list.size() != count)
    return fail(loc, "expected ", count, " ", what, ", but got ", list.size());
  for (int64_t value : list)
    if (value < least || value > INT32_MAX)
      return fail(loc, "expected ", what, " of at least ", least, ", but got ",
                  value);
  return success();
}

static LogicalResult checkAxis(OptionalLoc loc, int64_t axis, size_t rank) {
  if (axis >= 0 && axis < static_cast<int64_t>(rank))
    return success();
  return fail(loc, "expected an axis in [0, ", rank, "), but got ", axis);
}

FailureOr<Shape> inferWindowShape(OptionalLoc loc, ArrayRef<int64_t> input,
                                  const Window2D &window, int64_t channels) {
  static constexpr int64_t ones[] = {1, 1}, zeros[] = {0, 0, 0, 0};
  ArrayRef<int64_t> dilations =
      window.dilations.empty() ? ArrayRef<int64_t>(ones) : window.dilations;
  ArrayRef<int64_t> pads =
      window.pads.empty() ? ArrayRef<int64_t>(zeros) : window.pads;
  if (failed(checkRank(loc, "an N×H×W×C image", input, 4)) ||
      failed(checkList(loc, "kernel extents", window.kernel, 2, 1)) ||
      failed(checkList(loc, "strides", window.strides, 2, 1)) ||
      failed(checkList(loc, "dilations", dilations, 2, 1)) ||
      failed(checkList(loc, "pads", pads, 4, 0)))
    return failure();
  Shape shape = {input[0], 0, 0, channels};
  for (int d : {0, 1}) {
    int64_t padded = input[1 + d] + pads[d] + pads[2 + d];
    int64_t span = (window.kernel[d] - 1) * dilations[d] + 1;
    if (padded < span)
      return fail(loc, "expected an image of at least ", span,
                  d ? " columns" : " rows", " with its padding, but got ",
                  padded);
    shape[1 + d] = (padded - span) / window.strides[d] + 1;
  }
  return shape;
}

FailureOr<Shape> inferConvShape(OptionalLoc loc, ArrayRef<int64_t> input,
                                ArrayRef<int64_t> filter,
                                std::optional<ArrayRef<int64_t>> bias,
                                Window2D window, int64_t groups) {
  if (failed(checkRank(loc, "an N×H×W×C image", input, 4)) ||
      failed(checkRank(loc, "an O×KH×KW×I filter", filter, 4)))
    return failure();
  if (groups < 1 || input[3] % groups || filter[0] % groups)
    return fail(loc, "expected groups to divide ", input[3], " input and ",
                filter[0], " output channels, but got ", groups);
  if (filter[3] != input[3] / groups)
    return fail(loc, "expected a filter of ", input[3] / groups,
                " input channels, but got ", filter[3]);
  if (bias && (bias->size() != 1 || (*bias)[0] != filter[0]))
    return fail(loc, "expected a bias of ", filter[0], " elements");
  window.kernel = filter.slice(1, 2);
  return inferWindowShape(loc, input, window, filter[0]);
}

FailureOr<Shape> inferBroadcastShape(OptionalLoc loc, ArrayRef<int64_t> lhs,
                                     ArrayRef<int64_t> rhs) {
  Shape shape;
  if (OpTrait::util::getBroadcastedShape(lhs, rhs, shape))
    return shape;
  return fail(loc, "expected shapes that broadcast together, but got [", lhs,
              "] and [", rhs, "]");
}

FailureOr<Shape> inferMatmulShape(OptionalLoc loc, ArrayRef<int64_t> lhs,
                                  ArrayRef<int64_t> rhs,
                                  std::optional<ArrayRef<int64_t>> bias) {
  if (lhs.size() < 2 || rhs.size() < 2)
    return fail(loc, "expected matrices of rank 2 or more, but got ranks ",
                lhs.size(), " and ", rhs.size());
  if (lhs.back() != rhs[rhs.size() - 2])
    return fail(loc, "expected ", lhs.back(),
                " rows in the right operand, but got ", rhs[rhs.size() - 2]);
  if (bias && (bias->size() != 1 || (*bias)[0] != rhs.back()))
    return fail(loc, "expected a bias of ", rhs.back(), " elements");
  auto shape = inferBroadcastShape(loc, lhs.drop_back(2), rhs.drop_back(2));
  if (failed(shape))
    return failure();
  shape->push_back(lhs[lhs.size() - 2]);
  shape->push_back(rhs.back());
  return shape;
}

FailureOr<Shape> inferReduceShape(OptionalLoc loc, ArrayRef<int64_t> input,
                                  ArrayRef<int64_t> axes, bool keepDims) {
  Shape shape(input);
  int64_t previous = -1;
  for (int64_t axis : axes) {
    if (failed(checkAxis(loc, axis, input.size())))
      return failure();
    if (axis <= previous)
      return fail(loc, "expected distinct axes in ascending order");
    shape[axis] = keepDims ? 1 : -1;
    previous = axis;
  }
  llvm::erase(shape, -1);
  return shape;
}

FailureOr<Shape> inferTransposeShape(OptionalLoc loc, ArrayRef<int64_t> input,
                                     ArrayRef<int64_t> permutation) {
  if (failed(checkList(loc, "dimensions in the permutation", permutation,
                       input.size(), 0)))
    return failure();
  SmallVector<bool> seen(input.size(), false);
  Shape shape;
  for (int64_t dim : permutation) {
    if (failed(checkAxis(loc, dim, input.size())))
      return failure();
    if (seen[dim])
      return fail(loc, "expected a permutation, but dimension ", dim,
                  " comes twice");
    seen[dim] = true;
    shape.push_back(input[dim]);
  }
  return shape;
}

FailureOr<Shape> inferConcatShape(OptionalLoc loc,
                                  ArrayRef<ArrayRef<int64_t>> inputs,
                                  int64_t axis) {
  if (inputs.empty())
    return fail(loc, "expected at least one input");
  Shape shape(inputs.front());
  if (failed(checkAxis(loc, axis, shape.size())))
    return failure();
  for (ArrayRef<int64_t> input : inputs.drop_front()) {
    if (failed(checkRank(loc, "inputs", input, shape.size())))
      return failure();
    for (auto [dim, extent] : llvm::enumerate(input)) {
      if (static_cast<int64_t>(dim) != axis && extent != shape[dim])
        return fail(loc, "expected extent ", shape[dim], " in dimension ", dim,
                    ", but got ", extent);
    }
    shape[axis] += input[axis];
  }
  return shape;
}

FailureOr<Shape> inferGatherShape(OptionalLoc loc, ArrayRef<int64_t> input,
                                  ArrayRef<int64_t> indices, int64_t axis) {
  if (failed(checkAxis(loc, axis, input.size())))
    return failure();
  Shape shape(input.take_front(axis));
  llvm::append_range(shape, indices);
  llvm::append_range(shape, input.drop_front(axis + 1));
  return shape;
}

FailureOr<Shape> inferSliceShape(OptionalLoc loc, ArrayRef<int64_t> input,
                                 ArrayRef<int64_t> offsets,
                                 ArrayRef<int64_t> sizes,
                                 ArrayRef<int64_t> strides) {
  if (failed(checkList(loc, "offsets", offsets, input.size(), 0)) ||
      failed(checkList(loc, "sizes", sizes, input.size(), 1)) ||
      failed(checkList(loc, "strides", strides, input.size(), 1)))
    return failure();
  for (auto [dim, extent] : llvm::enumerate(input)) {
    int64_t last = offsets[dim] + (sizes[dim] - 1) * strides[dim];
    if (last >= extent)
      return fail(loc, "expected the slice to end within ", extent,
                  " elements of dimension ", dim, ", but it reads element ",
                  last);
  }
  return Shape(sizes);
}

FailureOr<Shape> inferPadShape(OptionalLoc loc, ArrayRef<int64_t> input,
                               ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
  if (failed(checkList(loc, "low pads", low, input.size(), 0)) ||
      failed(checkList(loc, "high pads", high, input.size(), 0)))
    return failure();
  Shape shape(input);
  for (auto [dim, extent] : llvm::enumerate(shape))
    extent += low[dim] + high[dim];
  return shape;
}

FailureOr<Shape> inferResizeShape(OptionalLoc loc, ArrayRef<int64_t> input,
                                  ArrayRef<int64_t> rows,
                                  ArrayRef<int64_t> cols) {
  if (failed(checkRank(loc, "an N×H×W×C image", input, 4)))
    return failure();
  if (rows.empty() || cols.empty())
    return fail(loc, "expected at least one row and one column");
  for (auto [list, extent] : {std::pair(rows, input[1]), std::pair(cols, input[2])})
    for (int64_t index : list)
      if (index < 0 || index >= extent)
        return fail(loc, "expected sampled positions in [0, ", extent,
                    "), but got ", index);
  return Shape{input[0], static_cast<int64_t>(rows.size()),
               static_cast<int64_t>(cols.size()), input[3]};
}

} // namespace dyadic
