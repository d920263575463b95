//===- Movement.cpp - reshaping, cutting and joining run-time tensors -----===//
#include "ConstantFolder.h"
#include "OpRegistry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::onnx_import {

static LogicalResult convertIdentity(NodeImporter &node) {
  return node.setOutput(node.anyInput(0));
}

static LogicalResult reshapeTo(NodeImporter &node, Value input,
                               const FailureOr<Shape> &shape) {
  if (failed(shape))
    return failure();
  return node.setOutput(node.reshape(input, *shape));
}

static LogicalResult convertReshape(NodeImporter &node) {
  Value input = node.anyInput(0);
  auto target = node.intsArgument(1, "shape", 5);
  if (!input || failed(target))
    return failure();
  return reshapeTo(node, input, resolveReshape(node, shapeOf(input), *target));
}

static LogicalResult convertFlatten(NodeImporter &node) {
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  int64_t axis = node.getInt("axis", 1), rank = shape.size();
  if (axis < -rank || axis > rank)
    return node.emitError() << "expected an axis in [" << -rank << ", " << rank
                            << "], but got " << axis;
  axis = axis < 0 ? axis + rank : axis;
  return reshapeTo(node, input,
                   Shape{*countElements(shape.take_front(axis)),
                         *countElements(shape.drop_front(axis))});
}

template <FailureOr<Shape> (*newShape)(Node &, ArrayRef<int64_t>,
                                       ArrayRef<int64_t>)>
static LogicalResult convertUnitDims(NodeImporter &node) {
  Value input = node.anyInput(0);
  auto axes = node.intsArgument(1, "axes", 13);
  if (!input || failed(axes))
    return failure();
  return reshapeTo(node, input, newShape(node, shapeOf(input), *axes));
}

static LogicalResult convertTranspose(NodeImporter &node) {
  Value input = node.anyInput(0);
  if (!input)
    return failure();
  int64_t rank = shapeOf(input).size();
  Shape reversed = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  return node.setOutput(node.transpose(input, node.getInts("perm", reversed)));
}

static LogicalResult convertConcat(NodeImporter &node) {
  SmallVector<Value> values;
  int64_t axis = node.getInt("axis", 1);
  for (size_t i = 0; i < node.numInputs(); ++i) {
    // An empty part, as exporters leave behind, adds nothing.
    if (const HostTensor *part = node.constant(i); part && !part->numElements())
      continue;
    values.push_back(node.anyInput(i));
    if (!values.back())
      return failure();
    if (elementOf(values.back()) != elementOf(values.front()))
      return node.emitError() << "expected inputs of one element type";
  }
  if (values.empty())
    return node.emitError() << "nothing to join";
  auto resolved = resolveAxis(node, axis, shapeOf(values.front()).size());
  return failed(resolved) ? failure()
                          : node.setOutput(node.concat(values, *resolved));
}

/// A slice some of whose steps are negative.
static Value sliceBackwards(NodeImporter &node, Value input,
                            ArrayRef<SliceRange> ranges) {
  Shape sizes;
  for (const SliceRange &range : ranges)
    sizes.push_back(range.size);
  Type type = elementOf(input);
  return node.indexed(
      RankedTensorType::get(sizes, type), input,
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) {
        SmallVector<Value> from;
        for (auto [i, range] : llvm::zip_equal(at, ranges)) {
          auto index = [&](int64_t x) { return qnn::indexConstant(b, loc, x); };
          Value moved = arith::MulIOp::create(b, loc, i, index(range.step));
          from.push_back(
              arith::AddIOp::create(b, loc, moved, index(range.start)));
        }
        Value element = tensor::ExtractOp::create(b, loc, in[0], from);
        return qnn::toScalar(b, loc, element, type);
      });
}

static LogicalResult convertSlice(NodeImporter &node) {
  Value input = node.anyInput(0);
  auto starts = node.intsArgument(1, "starts", 10);
  auto ends = node.intsArgument(2, "ends", 10);
  auto axes = node.intsArgument(3, "axes", 10);
  auto steps = node.intsArgument(4, "steps", 10);
  if (!input || failed(starts) || failed(ends) || failed(axes) || failed(steps))
    return failure();
  auto ranges =
      resolveSlice(node, shapeOf(input), *starts, *ends, *axes, *steps);
  if (failed(ranges))
    return failure();
  Shape offsets, sizes, strides;
  if (llvm::any_of(*ranges, [](const SliceRange &r) { return r.step < 0; }))
    return node.setOutput(sliceBackwards(node, input, *ranges));
  for (const SliceRange &range : *ranges) {
    offsets.push_back(range.start);
    sizes.push_back(range.size);
    strides.push_back(range.step);
  }
  return node.setOutput(node.slice(input, offsets, sizes, strides));
}

/// `size` elements along one dimension.
static Value sliceAlong(NodeImporter &node, Value value, int64_t axis,
                        int64_t start, int64_t size, int64_t stride = 1) {
  if (!value)
    return {};
  Shape sizes(shapeOf(value));
  Shape offsets(sizes.size(), 0), strides(sizes.size(), 1);
  offsets[axis] = start;
  sizes[axis] = size;
  strides[axis] = stride;
  return node.slice(value, offsets, sizes, strides);
}

static LogicalResult convertSplit(NodeImporter &node) {
  Value input = node.anyInput(0);
  auto given = node.intsArgument(1, "split", 13);
  if (!input || failed(given))
    return failure();
  auto axis = resolveAxis(node, node.getInt("axis", 0), shapeOf(input).size());
  if (failed(axis))
    return failure();
  auto sizes =
      splitSizes(node, shapeOf(input)[*axis], node.numOutputs(), *given);
  if (failed(sizes))
    return failure();
  int64_t start = 0;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    if (node.isUsed(i) &&
        failed(node.setOutput(i, sliceAlong(node, input, *axis, start, size))))
      return failure();
    start += size;
  }
  return success();
}

/// Gathering at known indices is a slice where they are evenly spaced, else a
/// few slices joined.
static LogicalResult convertGather(NodeImporter &node) {
  constexpr size_t mostSlices = 64;
  Value input = node.anyInput(0);
  const HostTensor *indices = node.constant(1);
  if (!input)
    return failure();
  Shape shape(shapeOf(input));
  auto axis = resolveAxis(node, node.getInt("axis", 0), shape.size());
  if (failed(axis))
    return failure();
  if (!indices) {
    Value places = node.anyInput(1);
    if (places && !isInteger(places))
      return node.emitError() << "expected indices that are integers";
    return node.setOutput(
        node.emit<qnn::GatherOp>({input, places}, node.attr("axis", *axis)));
  }
  Shape positions;
  for (int64_t index : toInts(*indices)) {
    auto position = normalizeAxis(index, shape[*axis]);
    if (!position)
      return node.emitError()
             << "index " << index << " is out of range for an extent of "
             << shape[*axis];
    positions.push_back(*position);
  }
  int64_t count = positions.size();
  int64_t stride = count > 1 ? positions[1] - positions[0] : 1;
  bool even = stride > 0;
  for (int64_t i = 1; i < count; ++i)
    even &= positions[i] - positions[i - 1] == stride;
  Value gathered;
  if (even) {
    gathered = sliceAlong(node, input, *axis, positions[0], count, stride);
  } else {
    if (positions.size() > mostSlices)
      return node.setOutput(node.emit<qnn::GatherOp>(
          {input, node.anyInput(1)}, node.attr("axis", *axis)));
    SmallVector<Value> parts;
    for (int64_t position : positions)
      parts.push_back(sliceAlong(node, input, *axis, position, 1));
    gathered = node.concat(parts, *axis);
  }
  Shape result(ArrayRef<int64_t>(shape).take_front(*axis));
  llvm::append_range(result, indices->shape);
  llvm::append_range(result, ArrayRef<int64_t>(shape).drop_front(*axis + 1));
  return node.setOutput(node.reshape(gathered, result));
}

/// A tensor of `counts` copies side by side along each dimension. A few copies
/// are a concatenation, which may be quantized; element i of more is element
/// i mod the extent.
static Value repeat(NodeImporter &node, Value value, ArrayRef<int64_t> counts) {
  constexpr int64_t mostCopies = 64;
  if (!value)
    return {};
  Shape shape(shapeOf(value)), from = shape;
  for (auto [extent, count] : llvm::zip_equal(shape, counts)) {
    if (count < 0 || extent > kMaxElements / std::max<int64_t>(count, 1)) {
      node.emitError() << "expected " << toString(counts)
                       << " copies of " << toString(from) << " to be less than "
                       << kMaxElements << " elements";
      return {};
    }
    extent *= count;
  }
  Type type = elementOf(value);
  if (type.isF32() && llvm::all_of(counts, [&](int64_t count) {
        return count >= 1 && count <= mostCopies;
      })) {
    for (auto [axis, count] : llvm::enumerate(counts))
      if (count != 1)
        value = node.concat(SmallVector<Value>(count, value), axis);
    return value;
  }
  return node.indexed(
      RankedTensorType::get(shape, type), value,
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange in) {
        SmallVector<Value> place;
        for (auto [i, extent] : llvm::zip_equal(at, from))
          place.push_back(arith::RemUIOp::create(
              b, loc, i, qnn::indexConstant(b, loc, extent)));
        Value element = tensor::ExtractOp::create(b, loc, in[0], place);
        return qnn::toScalar(b, loc, element, type);
      });
}

static LogicalResult convertExpand(NodeImporter &node) {
  Value input = node.anyInput(0);
  auto target = node.intsArgument(1, "shape", 0);
  if (!input || failed(target))
    return failure();
  Shape from(shapeOf(input));
  auto shape = broadcast(from, *target);
  if (!shape)
    return node.emitError()
           << "cannot expand " << toString(from) << " to " << toString(*target);
  from.insert(from.begin(), shape->size() - from.size(), 1);
  Shape counts;
  for (auto [have, want] : llvm::zip_equal(from, *shape))
    counts.push_back(have == want ? 1 : want);
  return node.setOutput(repeat(node, node.reshape(input, from), counts));
}

static LogicalResult convertTile(NodeImporter &node) {
  Value input = node.anyInput(0);
  auto repeats = node.intsArgument(1, "repeats", 0);
  if (!input || failed(repeats))
    return failure();
  if (repeats->size() != shapeOf(input).size())
    return node.emitError() << "expected " << shapeOf(input).size()
                            << " repeats, but got " << repeats->size();
  return node.setOutput(repeat(node, input, *repeats));
}

/// Blocks of channels become blocks of pixels, or the other way round.
template <bool toSpace> static LogicalResult convertBlocks(NodeImporter &node) {
  Value input = node.input(0);
  int64_t block = node.getInt("blocksize", 0);
  std::string mode = node.getString("mode", "DCR");
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() != 4 || block < 1 || block > 1024)
    return node.emitError() << "expected an image and a block size, but got "
                            << toString(shape) << " and " << block;
  if (mode != "DCR" && mode != "CRD")
    return node.unsupported("the mode '" + mode + "'");
  int64_t n = shape[0], c = shape[1], h = shape[2], w = shape[3];
  bool divides =
      toSpace ? c % (block * block) == 0 : h % block == 0 && w % block == 0;
  if (!divides)
    return node.emitError()
           << "blocks of " << block << " do not divide " << toString(shape);
  if (!toSpace) {
    Value parts =
        node.reshape(input, {n, c, h / block, block, w / block, block});
    Shape order =
        mode == "DCR" ? Shape{0, 3, 5, 1, 2, 4} : Shape{0, 1, 3, 5, 2, 4};
    return node.setOutput(
        node.reshape(node.transpose(parts, order),
                     {n, c * block * block, h / block, w / block}));
  }
  int64_t depth = c / (block * block);
  bool depthLast = mode == "DCR";
  Value parts = depthLast ? node.reshape(input, {n, block, block, depth, h, w})
                          : node.reshape(input, {n, depth, block, block, h, w});
  Shape permutation =
      depthLast ? Shape{0, 3, 4, 1, 5, 2} : Shape{0, 1, 4, 2, 5, 3};
  return node.setOutput(node.reshape(node.transpose(parts, permutation),
                                     {n, depth, h * block, w * block}));
}

ArrayRef<OpEntry> movementOps() {
  static const OpEntry entries[] = {
      {"Identity", 1, 1, convertIdentity},
      {"Reshape", 2, 2, convertReshape},
      {"Flatten", 1, 1, convertFlatten},
      {"Squeeze", 1, 2, convertUnitDims<squeezeShape>},
      {"Unsqueeze", 1, 2, convertUnitDims<unsqueezeShape>},
      {"Transpose", 1, 1, convertTranspose},
      {"Concat", 1, 0, convertConcat},
      {"Slice", 1, 5, convertSlice},
      {"Split", 1, 2, convertSplit},
      {"Gather", 2, 2, convertGather},
      {"Expand", 2, 2, convertExpand, 8},
      {"Tile", 2, 2, convertTile},
      {"DepthToSpace", 1, 1, convertBlocks<true>},
      {"SpaceToDepth", 1, 1, convertBlocks<false>},
  };
  return entries;
}

} // namespace dyadic::onnx_import
