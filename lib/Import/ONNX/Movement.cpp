//===- Movement.cpp - reshaping, cutting and joining run-time tensors -----===//
#include "ConstantFolder.h"
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::onnx_import {

static LogicalResult convertIdentity(NodeImporter &node) {
  return node.setOutput(node.anyInput(0));
}

/// The bits that an integer's value may take; 0 for other types.
static unsigned widthOf(int64_t type) {
  switch (type) {
  case onnx::TensorProto::INT8:
    return 8;
  case onnx::TensorProto::INT16:
    return 16;
  case onnx::TensorProto::INT32:
    return 32;
  case onnx::TensorProto::INT64:
    return 64;
  default:
    return 0;
  }
}

/// The bits of a signed type that holds all of a tensor's integers.
static unsigned widthOf(Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  unsigned width = element.getIntOrFloatBitWidth();
  return element.isUnsignedInteger() || width == 1 ? width + 1 : width;
}

static LogicalResult convertCast(NodeImporter &node) {
  node.ignore("saturate");
  node.ignore("round_mode");
  Value input = node.anyInput(0);
  int64_t to = node.getInt("to", 0);
  if (!input)
    return failure();
  if (to == onnx::TensorProto::FLOAT)
    return node.setOutput(isInteger(input) ? node.emit<qnn::CastOp>(input)
                                           : input);
  // Whatever reads integers takes those of any width, so a wider type is none.
  if (isInteger(input) && widthOf(to) >= widthOf(input))
    return node.setOutput(input);
  return node.unsupported("a cast of run-time values to another type");
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
    if (isInteger(values.back()) != isInteger(values.front()))
      return node.emitError() << "expected inputs of one element type";
  }
  if (values.empty())
    return node.emitError() << "nothing to join";
  auto resolved = resolveAxis(node, axis, shapeOf(values.front()).size());
  return failed(resolved) ? failure()
                          : node.setOutput(node.concat(values, *resolved));
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
  for (const SliceRange &range : *ranges) {
    if (range.step < 0)
      return node.unsupported("a negative step");
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
  if (positions.empty())
    return node.unsupported("an empty list of indices");
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
      return node.unsupported("gathering " + std::to_string(count) +
                              " scattered indices");
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

/// `count` copies side by side along a dimension.
static Value repeat(NodeImporter &node, Value value, int64_t axis,
                    int64_t count) {
  constexpr int64_t mostCopies = 64;
  if (count == 1 || !value)
    return value;
  if (count < 1 || count > mostCopies) {
    (void)node.unsupported("repeating a run-time value " +
                           std::to_string(count) + " times");
    return {};
  }
  return node.concat(SmallVector<Value>(count, value), axis);
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
  Value output = node.reshape(input, from);
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != (*shape)[i])
      output = repeat(node, output, i, (*shape)[i]);
  return node.setOutput(output);
}

static LogicalResult convertTile(NodeImporter &node) {
  Value input = node.anyInput(0);
  auto repeats = node.intsArgument(1, "repeats", 0);
  if (!input || failed(repeats))
    return failure();
  if (repeats->size() != shapeOf(input).size())
    return node.emitError() << "expected " << shapeOf(input).size()
                            << " repeats, but got " << repeats->size();
  for (auto [i, count] : llvm::enumerate(*repeats))
    input = repeat(node, input, i, count);
  return node.setOutput(input);
}

/// Which element of an extent each position of the padded one takes.
static FailureOr<Shape> paddedIndices(NodeImporter &node, StringRef mode,
                                      int64_t extent, int64_t low,
                                      int64_t high) {
  bool reflects = mode == "reflect";
  if (reflects && std::max(low, high) >= extent)
    return node.emitError() << "expected pads below " << extent
                            << ", the extent they reflect, but got " << low
                            << " and " << high;
  Shape indices;
  for (int64_t i = -low; i < extent + high; ++i) {
    int64_t inside = std::clamp<int64_t>(i, 0, extent - 1);
    if (reflects)
      inside = 2 * inside - i;
    else if (mode == "wrap")
      inside = (i % extent + extent) % extent;
    indices.push_back(inside);
  }
  return indices;
}

static LogicalResult convertPad(NodeImporter &node) {
  Value input = node.input(0);
  bool attributes = node.getOpset() < 11;
  std::string mode = node.getString("mode", "constant");
  if (!llvm::is_contained({"constant", "reflect", "edge", "wrap"}, mode))
    return node.unsupported("the mode '" + mode + "'");
  auto pads = node.intsArgument(1, "pads", 11);
  auto given = node.intsArgument(3, "axes", 18);
  float value = attributes ? node.getFloat("value", 0) : 0;
  if (!attributes && node.hasInput(2)) {
    auto scalar = node.scalar(2, "a padding value");
    if (failed(scalar))
      return failure();
    value = *scalar;
  }
  if (!input || failed(pads) || failed(given))
    return failure();
  Shape shape(shapeOf(input)), axes(*given);
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  size_t count = axes.size();
  if (pads->size() != 2 * count ||
      failed(resolveAxes(node, axes, shape.size())))
    return node.emitError()
           << "expected " << 2 * count << " pads, but got " << pads->size();
  // A negative pad cuts elements off.
  Shape low(shape.size(), 0), high = low, offsets = low, sizes = shape;
  Shape strides(shape.size(), 1);
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = *normalizeAxis(axes[i], shape.size());
    int64_t before = (*pads)[i], after = (*pads)[i + count];
    if (std::max(before, after) > kMaxElements ||
        std::min(before, after) < -kMaxElements)
      return node.emitError() << "pads " << toString(*pads) << " are too large";
    offsets[axis] = std::max<int64_t>(-before, 0);
    sizes[axis] -= offsets[axis] + std::max<int64_t>(-after, 0);
    low[axis] = std::max<int64_t>(before, 0);
    high[axis] = std::max<int64_t>(after, 0);
    if (sizes[axis] <= 0)
      return node.emitError() << "pads " << toString(*pads)
                              << " leave nothing of " << toString(shape);
  }
  Value output = node.slice(input, offsets, sizes, strides);
  bool any = llvm::any_of(llvm::concat<int64_t>(low, high),
                          [](int64_t pad) { return pad != 0; });
  for (size_t i = 0; mode != "constant" && i < shape.size(); ++i) {
    if (low[i] == 0 && high[i] == 0)
      continue;
    auto indices = paddedIndices(node, mode, sizes[i], low[i], high[i]);
    if (failed(indices))
      return failure();
    output = node.emit<qnn::GatherOp>(
        {output, node.constantTensor(makeInts(*indices))}, node.attr("axis", i));
  }
  if (any && mode == "constant")
    output = node.emit<qnn::PadOp>(output, {node.attr("low", low),
                                            node.attr("high", high),
                                            node.floatAttr("value", value)});
  return node.setOutput(output);
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
      {"Cast", 1, 1, convertCast},
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
      {"Pad", 1, 4, convertPad},
      {"DepthToSpace", 1, 1, convertBlocks<true>},
      {"SpaceToDepth", 1, 1, convertBlocks<false>},
  };
  return entries;
}

} // namespace dyadic::onnx_import
