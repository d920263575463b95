//===- Movement.cpp - where elements go -----------------------------------===//
#include "OpRegistry.h"

#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace mlir;

namespace dyadic::tflite_import {

/// The shape is the result's in the file, whatever says so.
static LogicalResult convertReshape(NodeImporter &node) {
  return node.setOutput(
      node.reshape(node.input(0), node.outputTensor().shape()));
}

static LogicalResult convertTranspose(NodeImporter &node) {
  auto permutation = node.integers(1, "a permutation's numbers");
  Value input = node.input(0);
  if (failed(permutation) || !input)
    return failure();
  for (int64_t &dim : *permutation)
    dim += dim < 0 ? shapeOf(input).size() : 0;
  return node.setOutput(node.emit<qnn::TransposeOp>(
      input, node.outputType(), node.attr("permutation", *permutation)));
}

static LogicalResult convertConcat(NodeImporter &node) {
  auto *options = node.options<tflite::ConcatenationOptions>();
  SmallVector<Value> inputs;
  for (size_t i = 0; i < node.numInputs(); ++i)
    inputs.push_back(node.input(i));
  if (!options || !llvm::all_of(inputs, [](Value v) { return bool(v); }))
    return failure();
  auto axis = node.axis(options->axis(), shapeOf(inputs[0]).size());
  if (failed(axis))
    return failure();
  Value output = node.emit<qnn::ConcatOp>(inputs, node.outputType(),
                                          node.attr("axis", *axis));
  return node.setOutput(
      node.activate(output, options->fused_activation_function()));
}

static Value slice(NodeImporter &node, Value input, ArrayRef<int64_t> offsets,
                   ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides,
                   size_t result = 0) {
  if (llvm::is_contained(sizes, 0)) {
    node.unsupported("an empty result of shape " + toString(sizes));
    return {};
  }
  return node.emit<qnn::SliceOp>(
      input, node.outputType(result),
      {node.attr("offsets", offsets), node.attr("sizes", sizes),
       node.attr("strides", strides)});
}

static LogicalResult convertSlice(NodeImporter &node) {
  auto begin = node.integers(1, "offsets"), sizes = node.integers(2, "sizes");
  Value input = node.input(0);
  if (failed(begin) || failed(sizes) || !input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  if (begin->size() != shape.size() || sizes->size() != shape.size())
    return node.emitError() << "expected " << shape.size()
                            << " offsets and sizes";
  for (auto [size, offset, extent] : llvm::zip_equal(*sizes, *begin, shape))
    if (size == -1)
      size = extent - offset;
  return node.setOutput(
      slice(node, input, *begin, *sizes, Shape(shape.size(), 1)));
}

namespace {
/// What a STRIDED_SLICE does to one dimension of its input.
struct Range {
  int64_t begin, size, stride;
};
} // namespace

static FailureOr<Range> resolveRange(NodeImporter &node, int64_t extent,
                                     int64_t begin, int64_t end, int64_t stride,
                                     bool fromStart, bool toEnd, bool shrinks) {
  if (stride < 1)
    return node.unsupported("a stride of " + std::to_string(stride));
  auto place = [&](int64_t at) {
    return std::min(std::max<int64_t>(at < 0 ? at + extent : at, 0), extent);
  };
  int64_t first = fromStart ? 0 : place(begin);
  if (shrinks)
    return Range{std::min(first, extent - 1), 1, 1};
  int64_t last = toEnd ? extent : place(end);
  return Range{first, std::max<int64_t>((last - first + stride - 1) / stride, 0),
               stride};
}

static LogicalResult convertStridedSlice(NodeImporter &node) {
  auto *options = node.options<tflite::StridedSliceOptions>();
  auto begin = node.integers(1, "begins"), end = node.integers(2, "ends"),
       strides = node.integers(3, "strides");
  Value input = node.input(0);
  if (!options || failed(begin) || failed(end) || failed(strides) || !input)
    return failure();
  if (options->ellipsis_mask() || options->new_axis_mask() || options->offset())
    return node.unsupported("an ellipsis, a new axis or an offset");
  ArrayRef<int64_t> shape = shapeOf(input);
  if (begin->size() > shape.size() || end->size() != begin->size() ||
      strides->size() != begin->size())
    return node.emitError() << "expected at most " << shape.size()
                            << " begins, and as many ends and strides";
  Shape offsets(shape.size(), 0), sizes(shape), steps(shape.size(), 1);
  for (size_t i = 0; i < begin->size(); ++i) {
    auto has = [&](int32_t mask) { return (mask >> i & 1) != 0; };
    auto range = resolveRange(node, shape[i], (*begin)[i], (*end)[i],
                              (*strides)[i], has(options->begin_mask()),
                              has(options->end_mask()),
                              has(options->shrink_axis_mask()));
    if (failed(range))
      return failure();
    offsets[i] = range->begin;
    sizes[i] = range->size;
    steps[i] = range->stride;
  }
  Value part = slice(node, input, offsets, sizes, steps);
  return node.setOutput(node.reshape(part, node.outputTensor().shape()));
}

/// Slices of `sizes` along `axis`, each a result.
static LogicalResult split(NodeImporter &node, Value input, int64_t axis,
                           ArrayRef<int64_t> sizes) {
  ArrayRef<int64_t> shape = shapeOf(input);
  if (sizes.size() != node.numOutputs() ||
      std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) != shape[axis])
    return node.emitError() << "expected " << node.numOutputs()
                            << " parts of dimension " << axis << " of "
                            << toString(shape) << ", but got " << toString(sizes);
  Shape offsets(shape.size(), 0), extents(shape);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    extents[axis] = size;
    Value part = slice(node, input, offsets, extents, Shape(shape.size(), 1), i);
    part = node.reshape(part, node.outputTensor(i).shape());
    if (failed(node.setOutput(part, i)))
      return failure();
    offsets[axis] += size;
  }
  return success();
}

static LogicalResult convertSplit(NodeImporter &node) {
  auto axes = node.integers(0, "an axis' numbers");
  Value input = node.input(1);
  if (failed(axes) || !input)
    return failure();
  int64_t rank = shapeOf(input).size();
  auto axis = node.axis(axes->empty() ? rank : axes->front(), rank);
  if (failed(axis))
    return failure();
  int64_t count = node.numOutputs();
  return split(node, input, *axis, Shape(count, shapeOf(input)[*axis] / count));
}

static LogicalResult convertSplitV(NodeImporter &node) {
  auto sizes = node.integers(1, "sizes"), axes = node.integers(2, "axes");
  Value input = node.input(0);
  if (failed(sizes) || failed(axes) || !input)
    return failure();
  int64_t rank = shapeOf(input).size();
  auto axis = node.axis(axes->empty() ? rank : axes->front(), rank);
  if (failed(axis))
    return failure();
  // One size may be −1: what is left.
  int64_t rest = shapeOf(input)[*axis];
  for (int64_t size : *sizes)
    rest -= std::max<int64_t>(size, 0);
  llvm::replace(*sizes, int64_t{-1}, rest);
  return split(node, input, *axis, *sizes);
}

static LogicalResult convertUnpack(NodeImporter &node) {
  Value input;
  auto *options = node.options<tflite::UnpackOptions>(input);
  if (!options)
    return failure();
  auto axis = node.axis(options->axis(), shapeOf(input).size());
  if (failed(axis))
    return failure();
  return split(node, input, *axis, Shape(node.numOutputs(), 1));
}

static LogicalResult convertPack(NodeImporter &node) {
  auto *options = node.options<tflite::PackOptions>();
  if (!options)
    return failure();
  SmallVector<Value> inputs;
  int64_t axis = 0;
  for (size_t i = 0; i < node.numInputs(); ++i) {
    Value input = node.input(i);
    if (!input)
      return failure();
    auto at = node.axis(options->axis(), shapeOf(input).size() + 1);
    if (failed(at))
      return failure();
    axis = *at;
    Shape shape(shapeOf(input));
    shape.insert(shape.begin() + axis, 1);
    inputs.push_back(node.reshape(input, shape));
  }
  return node.setOutput(node.emit<qnn::ConcatOp>(inputs, node.outputType(),
                                                 node.attr("axis", axis)));
}

/// How many elements go before and behind each dimension.
static FailureOr<std::pair<Shape, Shape>> padsAround(NodeImporter &node,
                                                     size_t index, Value input) {
  auto pads = node.integers(index, "pads");
  if (failed(pads))
    return failure();
  size_t rank = shapeOf(input).size();
  if (pads->size() != 2 * rank ||
      llvm::any_of(*pads, [](int64_t pad) { return pad < 0; }))
    return node.emitError() << "expected two pads of at least 0 for each of "
                            << rank << " dimensions, but got "
                            << toString(*pads);
  std::pair<Shape, Shape> result;
  for (size_t i = 0; i < rank; ++i) {
    result.first.push_back((*pads)[2 * i]);
    result.second.push_back((*pads)[2 * i + 1]);
  }
  return result;
}

static LogicalResult convertPad(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  auto pads = padsAround(node, 1, input);
  if (failed(pads))
    return failure();
  float value = 0;
  if (node.hasInput(2)) {
    auto known = node.constant(2);
    if (!known || known->numElements() != 1)
      return node.unsupported("a padding value that is computed at run time");
    value = static_cast<float>(known->get(0));
    const Tensor &tensor = node.inputTensor(2);
    if (tensor.isQuantized())
      value = (value - (tensor.zeroPoints().empty() ? 0 : tensor.zeroPoints()[0])) *
              tensor.scales()[0];
  }
  return node.setOutput(node.emit<qnn::PadOp>(
      input, node.outputType(),
      {node.attr("low", pads->first), node.attr("high", pads->second),
       node.floatAttr("value", value)}));
}

/// Borders that mirror the input: slices of it, from the outside inwards.
static LogicalResult convertMirrorPad(NodeImporter &node) {
  Value value;
  auto *options = node.options<tflite::MirrorPadOptions>(value);
  if (!options)
    return failure();
  auto pads = padsAround(node, 1, value);
  if (failed(pads))
    return failure();
  int64_t edge = options->mode() == tflite::MirrorMode::REFLECT ? 1 : 0;
  for (size_t dim = 0; dim < pads->first.size(); ++dim) {
    int64_t extent = shapeOf(value)[dim];
    int64_t low = pads->first[dim], high = pads->second[dim];
    int64_t most = std::min<int64_t>(extent - edge, 4096); // each is a slice
    if (low > most || high > most)
      return node.emitError() << "expected pads of at most " << most
                              << " for dimension " << dim;
    SmallVector<Value> parts;
    Shape offsets(shapeOf(value).size(), 0), sizes(shapeOf(value)),
        ones(shapeOf(value).size(), 1);
    sizes[dim] = 1;
    auto take = [&](int64_t at) {
      offsets[dim] = at;
      parts.push_back(slice(node, value, offsets, sizes, ones));
    };
    for (int64_t i = low; i-- > 0;)
      take(i + edge);
    parts.push_back(value);
    for (int64_t i = 0; i < high; ++i)
      take(extent - 1 - edge - i);
    if (parts.size() > 1)
      value = node.emit<qnn::ConcatOp>(parts, node.outputType(),
                                       node.attr("axis", dim));
  }
  return node.setOutput(value);
}

/// Blocks of `rows` × `columns` pixels become channels of one, or back.
static LogicalResult moveBlocks(NodeImporter &node, int64_t block, bool toDepth) {
  Value input = node.input(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> s = shapeOf(input);
  if (s.size() != 4 || block < 1 ||
      (toDepth ? s[1] % block || s[2] % block : s[3] % (block * block)))
    return node.emitError() << "expected an image of whole blocks of " << block
                            << ", but got " << toString(s);
  Value parted =
      toDepth ? node.reshape(input, {s[0], s[1] / block, block, s[2] / block,
                                     block, s[3]})
              : node.reshape(input, {s[0], s[1], s[2], block, block,
                                     s[3] / (block * block)});
  Value moved = node.transpose(parted, {0, 1, 3, 2, 4, 5});
  return node.setOutput(node.reshape(moved, node.outputTensor().shape()));
}

static LogicalResult convertSpaceToDepth(NodeImporter &node) {
  auto *options = node.options<tflite::SpaceToDepthOptions>();
  return options ? moveBlocks(node, options->block_size(), true) : failure();
}

static LogicalResult convertDepthToSpace(NodeImporter &node) {
  auto *options = node.options<tflite::DepthToSpaceOptions>();
  return options ? moveBlocks(node, options->block_size(), false) : failure();
}

/// Block shape and a pair of numbers for each spatial dimension.
static FailureOr<std::pair<Shape, Shape>> blocksOf(NodeImporter &node,
                                                   Value input) {
  auto blocks = node.integers(1, "blocks"), pairs = node.integers(2, "pads");
  if (failed(blocks) || failed(pairs))
    return failure();
  if (shapeOf(input).size() < blocks->size() + 1 ||
      pairs->size() != 2 * blocks->size() ||
      llvm::any_of(*blocks, [](int64_t b) { return b < 1; }) ||
      llvm::any_of(*pairs, [](int64_t p) { return p < 0; }))
    return node.emitError() << "expected blocks and pads of spatial dimensions, "
                               "but got "
                            << toString(*blocks) << " and " << toString(*pairs);
  return std::make_pair(*blocks, *pairs);
}

static LogicalResult convertSpaceToBatch(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  auto found = blocksOf(node, input);
  if (failed(found))
    return failure();
  auto &[blocks, pads] = *found;
  size_t rank = shapeOf(input).size(), count = blocks.size();
  Shape low(rank, 0), high(rank, 0);
  for (size_t i = 0; i < count; ++i) {
    low[i + 1] = pads[2 * i];
    high[i + 1] = pads[2 * i + 1];
  }
  Value padded = node.emit<qnn::PadOp>(
      input, node.outputType(),
      {node.attr("low", low), node.attr("high", high), node.floatAttr("value", 0)});
  if (!padded)
    return failure();
  // N, (H/b, b)…, C  →  b…, N, H/b…, C
  Shape shape(shapeOf(padded)), parted{shape[0]}, order, inner;
  for (size_t i = 0; i < count; ++i) {
    if (shape[i + 1] % blocks[i])
      return node.emitError() << "expected whole blocks of "
                              << toString(blocks) << ", but got "
                              << toString(shape);
    parted.append({shape[i + 1] / blocks[i], blocks[i]});
    order.push_back(2 * i + 2);
    inner.push_back(2 * i + 1);
  }
  order.push_back(0);
  llvm::append_range(order, inner);
  for (size_t i = count + 1; i < rank; ++i) {
    order.push_back(parted.size());
    parted.push_back(shape[i]);
  }
  Value moved = node.transpose(node.reshape(padded, parted), order);
  return node.setOutput(node.reshape(moved, node.outputTensor().shape()));
}

static LogicalResult convertBatchToSpace(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  auto found = blocksOf(node, input);
  if (failed(found))
    return failure();
  auto &[blocks, crops] = *found;
  Shape shape(shapeOf(input));
  size_t count = blocks.size(), rank = shape.size();
  int64_t product = 1;
  for (int64_t block : blocks)
    product *= block;
  if (shape[0] % product)
    return node.emitError() << "expected a batch of whole blocks of "
                            << toString(blocks) << ", but got " << shape[0];
  // b…, N, H…, C  →  N, (H, b)…, C
  Shape parted(blocks), order{static_cast<int64_t>(count)}, joined;
  parted.push_back(shape[0] / product);
  joined.push_back(shape[0] / product);
  for (size_t i = 0; i < count; ++i) {
    order.append({static_cast<int64_t>(count + 1 + i), static_cast<int64_t>(i)});
    parted.push_back(shape[i + 1]);
    joined.push_back(shape[i + 1] * blocks[i]);
  }
  for (size_t i = count + 1; i < rank; ++i) {
    order.push_back(parted.size());
    parted.push_back(shape[i]);
    joined.push_back(shape[i]);
  }
  Value moved = node.reshape(node.transpose(node.reshape(input, parted), order),
                             joined);
  Shape offsets(rank, 0), sizes(joined);
  for (size_t i = 0; i < count; ++i) {
    offsets[i + 1] = crops[2 * i];
    sizes[i + 1] -= crops[2 * i] + crops[2 * i + 1];
    if (sizes[i + 1] < 1)
      return node.emitError() << "expected crops inside of "
                              << toString(joined);
  }
  return node.setOutput(slice(node, moved, offsets, sizes, Shape(rank, 1)));
}

static LogicalResult convertTile(NodeImporter &node) {
  auto counts = node.integers(1, "counts");
  Value value = node.input(0);
  if (failed(counts) || !value)
    return failure();
  if (counts->size() != shapeOf(value).size())
    return node.emitError() << "expected a count for each dimension of "
                            << toString(shapeOf(value));
  for (auto [dim, count] : llvm::enumerate(*counts)) {
    if (count < 1 || count > 4096)
      return node.unsupported("repeating " + std::to_string(count) + " times");
    if (count > 1)
      value = node.emit<qnn::ConcatOp>(SmallVector<Value>(count, value),
                                       node.outputType(),
                                       node.attr("axis", dim));
  }
  return node.setOutput(value);
}

static LogicalResult convertGather(NodeImporter &node) {
  auto *options = node.options<tflite::GatherOptions>();
  Value input = node.input(0), indices = node.input(1);
  if (!options || !input || !indices)
    return failure();
  if (options->batch_dims() != 0)
    return node.unsupported("batches of indices");
  auto axis = node.axis(options->axis(), shapeOf(input).size());
  if (failed(axis))
    return failure();
  return node.setOutput(node.emit<qnn::GatherOp>(
      {input, indices}, node.outputType(), node.attr("axis", *axis)));
}

ArrayRef<OpEntry> movementOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::RESHAPE, 1, 2, convertReshape, /*shapeInput=*/1},
      {Op::SQUEEZE, 1, 1, convertReshape},
      {Op::EXPAND_DIMS, 1, 2, convertReshape, /*shapeInput=*/1},
      {Op::TRANSPOSE, 2, 2, convertTranspose},
      {Op::CONCATENATION, 1, 0, convertConcat},
      {Op::SLICE, 3, 3, convertSlice},
      {Op::STRIDED_SLICE, 4, 4, convertStridedSlice},
      {Op::SPLIT, 2, 2, convertSplit},
      {Op::SPLIT_V, 3, 3, convertSplitV},
      {Op::PACK, 1, 0, convertPack},
      {Op::UNPACK, 1, 1, convertUnpack},
      {Op::PAD, 2, 2, convertPad},
      {Op::PADV2, 3, 3, convertPad},
      {Op::MIRROR_PAD, 2, 2, convertMirrorPad},
      {Op::SPACE_TO_DEPTH, 1, 1, convertSpaceToDepth},
      {Op::DEPTH_TO_SPACE, 1, 1, convertDepthToSpace},
      {Op::SPACE_TO_BATCH_ND, 3, 3, convertSpaceToBatch},
      {Op::BATCH_TO_SPACE_ND, 3, 3, convertBatchToSpace},
      {Op::TILE, 2, 2, convertTile},
      {Op::GATHER, 2, 2, convertGather},
  };
  return entries;
}

} // namespace dyadic::tflite_import
