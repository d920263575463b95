//===- FoldMovement.cpp - making, moving and cutting known tensors --------===//
#include "ConstantFolder.h"

#include "TensorReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;

namespace dyadic::onnx_import {

static LogicalResult foldConstant(FoldContext &context) {
  Node &node = context.node;
  if (const onnx::TensorProto *tensor = node.getTensor("value")) {
    auto read =
        readTensor(*tensor, context.folder, [&] { return node.emitError(); });
    return failed(read) ? failure() : context.finish(std::move(*read));
  }
  if (node.has("value_int"))
    return context.finish([&] {
      HostTensor scalar(ElementKind::I64, {});
      setInt(scalar, 0, node.getInt("value_int", 0));
      return scalar;
    }());
  if (node.has("value_ints"))
    return context.finish(makeInts(node.getInts("value_ints")));
  bool isScalar = node.has("value_float");
  if (!isScalar && !node.has("value_floats"))
    return node.unsupported("a value that is not numbers");
  SmallVector<float> values =
      isScalar ? SmallVector<float>{node.getFloat("value_float", 0)}
               : node.getFloats("value_floats");
  Shape shape;
  if (!isScalar)
    shape.push_back(values.size());
  HostTensor out(ElementKind::F32, shape);
  for (auto [i, value] : llvm::enumerate(values))
    out.set(i, value);
  return context.finish(std::move(out));
}

static LogicalResult foldConstantOfShape(FoldContext &context) {
  Node &node = context.node;
  HostTensor value(ElementKind::F32, {1});
  if (const onnx::TensorProto *tensor = node.getTensor("value")) {
    auto read =
        readTensor(*tensor, context.folder, [&] { return node.emitError(); });
    if (failed(read))
      return failure();
    value = std::move(*read);
  }
  if (value.numElements() != 1)
    return node.emitError()
           << "expected a value of one element, but got " << describe(value);
  Shape shape = toInts(context.in(0));
  if (auto count = countElements(shape, kMaxFoldedElements))
    node.allowFill(*count * byteWidth(value.kind));
  auto out = context.copy(value, shape, Shape(shape.size(), 0));
  return failed(out) ? failure() : context.finish(std::move(*out));
}

static LogicalResult foldIdentity(FoldContext &context) {
  return context.finish(context.in(0));
}

static LogicalResult foldShape(FoldContext &context) {
  Node &node = context.node;
  int64_t rank = context.in(0).shape.size();
  auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  int64_t start = clamp(node.getInt("start", 0));
  int64_t end = clamp(node.getInt("end", rank));
  ArrayRef<int64_t> shape = context.in(0).shape;
  return context.finish(
      makeInts(shape.slice(start, std::max<int64_t>(end - start, 0))));
}

static LogicalResult foldSize(FoldContext &context) {
  HostTensor out(ElementKind::I64, {});
  setInt(out, 0, context.in(0).numElements());
  return context.finish(std::move(out));
}

static LogicalResult finishReshape(FoldContext &context,
                                   const FailureOr<Shape> &shape) {
  if (failed(shape))
    return failure();
  HostTensor out = context.in(0);
  out.shape = *shape;
  return context.finish(std::move(out));
}

static LogicalResult foldReshape(FoldContext &context) {
  return finishReshape(
      context,
      resolveReshape(context.node, context.in(0).shape, toInts(context.in(1))));
}

static LogicalResult foldFlatten(FoldContext &context) {
  ArrayRef<int64_t> shape = context.in(0).shape;
  int64_t axis = context.node.getInt("axis", 1), rank = shape.size();
  if (axis < -rank || axis > rank)
    return context.node.emitError() << "axis " << axis << " is out of range";
  axis = axis < 0 ? axis + rank : axis;
  return finishReshape(context, Shape{*countElements(shape.take_front(axis)),
                                      *countElements(shape.drop_front(axis))});
}

static LogicalResult foldSqueeze(FoldContext &context) {
  Shape axes = context.intsArgument(1, "axes", 13);
  return finishReshape(context,
                       squeezeShape(context.node, context.in(0).shape, axes));
}

static LogicalResult foldUnsqueeze(FoldContext &context) {
  Shape axes = context.intsArgument(1, "axes", 13);
  return finishReshape(context,
                       unsqueezeShape(context.node, context.in(0).shape, axes));
}

static LogicalResult foldTranspose(FoldContext &context) {
  const HostTensor &in = context.in(0);
  int64_t rank = in.shape.size();
  Shape reversed = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  Shape permutation = context.node.getInts("perm", reversed);
  if (!isPermutation(permutation, rank))
    return context.node.emitError()
           << "expected a permutation of " << rank << " dimensions, but got "
           << toString(permutation);
  return context.finish(transpose(in, permutation));
}

static LogicalResult foldExpand(FoldContext &context) {
  const HostTensor &in = context.in(0);
  auto shape = broadcast(in.shape, toInts(context.in(1)));
  if (!shape)
    return context.node.emitError()
           << "cannot expand " << toString(in.shape) << " to "
           << toString(toInts(context.in(1)));
  auto out = context.copy(in, *shape, broadcastStrides(in.shape, *shape));
  return failed(out) ? failure() : context.finish(std::move(*out));
}

static LogicalResult foldSlice(FoldContext &context) {
  const HostTensor &in = context.in(0);
  Node &node = context.node;
  if (node.getOpset() >= 10 && (!context.has(1) || !context.has(2)))
    return node.emitError() << "starts or ends are missing";
  Shape starts = context.intsArgument(1, "starts", 10);
  Shape ends = context.intsArgument(2, "ends", 10);
  Shape axes = context.intsArgument(3, "axes", 10);
  Shape steps = context.has(4) ? toInts(context.in(4)) : Shape();
  auto ranges = resolveSlice(node, in.shape, starts, ends, axes, steps);
  if (failed(ranges))
    return failure();
  Shape own = stridesOf(in.shape), shape, strides;
  int64_t offset = 0;
  for (auto [range, stride] : llvm::zip(*ranges, own)) {
    shape.push_back(range.size);
    strides.push_back(stride * range.step);
    offset += stride * range.start;
  }
  return context.finish(copyStrided(in, shape, strides, offset));
}

static LogicalResult foldGather(FoldContext &context) {
  const HostTensor &in = context.in(0), &indices = context.in(1);
  Node &node = context.node;
  auto axis = resolveAxis(node, node.getInt("axis", 0), in.shape.size());
  if (failed(axis))
    return failure();
  ArrayRef<int64_t> from = in.shape;
  Shape shape(from.take_front(*axis));
  shape.append(indices.shape.begin(), indices.shape.end());
  shape.append(from.begin() + *axis + 1, from.end());
  auto out = context.make(in.kind, shape);
  if (failed(out))
    return failure();
  int64_t outer = *countElements(from.take_front(*axis));
  int64_t inner =
      *countElements(from.drop_front(*axis + 1)) * byteWidth(in.kind);
  int64_t extent = from[*axis];
  char *target = out->bytes.data();
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t index : toInts(indices)) {
      auto at = normalizeAxis(index, extent);
      if (!at)
        return node.emitError()
               << "index " << index << " is out of range for an extent of "
               << extent;
      target = std::copy_n(in.bytes.data() + (i * extent + *at) * inner, inner,
                           target);
    }
  return context.finish(std::move(*out));
}

static LogicalResult foldConcat(FoldContext &context) {
  Node &node = context.node;
  const HostTensor &first = context.in(0);
  auto axis = resolveAxis(node, node.getInt("axis", 1), first.shape.size());
  if (failed(axis))
    return failure();
  Shape shape = first.shape;
  shape[*axis] = 0;
  for (const HostTensor *part : context.inputs) {
    Shape expected = shape;
    if (part && part->shape.size() == shape.size())
      expected[*axis] = part->shape[*axis];
    if (!part || part->kind != first.kind || part->shape != expected)
      return node.emitError()
             << "cannot join " << describe(first) << " and "
             << (part ? describe(*part) : "nothing") << " along axis " << *axis;
    shape[*axis] += part->shape[*axis];
  }
  auto out = context.make(first.kind, shape);
  if (failed(out))
    return failure();
  int64_t outer = *countElements(ArrayRef<int64_t>(shape).take_front(*axis));
  char *target = out->bytes.data();
  for (int64_t i = 0; i < outer; ++i)
    for (const HostTensor *part : context.inputs) {
      int64_t chunk = part->bytes.size() / outer;
      target = std::copy_n(part->bytes.data() + i * chunk, chunk, target);
    }
  return context.finish(std::move(*out));
}

static LogicalResult foldSplit(FoldContext &context) {
  Node &node = context.node;
  const HostTensor &in = context.in(0);
  auto axis = resolveAxis(node, node.getInt("axis", 0), in.shape.size());
  if (failed(axis))
    return failure();
  auto sizes = splitSizes(node, in.shape[*axis], context.numOutputs,
                          context.intsArgument(1, "split", 13));
  if (failed(sizes))
    return failure();
  Shape strides = stridesOf(in.shape);
  int64_t start = 0;
  for (int64_t size : *sizes) {
    Shape shape = in.shape;
    shape[*axis] = size;
    context.results.push_back(
        copyStrided(in, shape, strides, start * strides[*axis]));
    start += size;
  }
  return success();
}

static LogicalResult foldTile(FoldContext &context) {
  const HostTensor &in = context.in(0);
  Shape repeats = toInts(context.in(1));
  if (repeats.size() != in.shape.size())
    return context.node.emitError() << "expected " << in.shape.size()
                                    << " repeats, but got " << repeats.size();
  // Each dimension is read as [repeats, extent] with a stride of zero.
  Shape own = stridesOf(in.shape), shape, strides, result;
  for (size_t i = 0; i < repeats.size(); ++i) {
    shape.append({repeats[i], in.shape[i]});
    strides.append({0, own[i]});
  }
  auto out = context.copy(in, shape, strides);
  if (failed(out))
    return failure();
  for (size_t i = 0; i < repeats.size(); ++i)
    result.push_back(repeats[i] * in.shape[i]);
  out->shape = result;
  return context.finish(std::move(*out));
}

static LogicalResult foldRange(FoldContext &context) {
  for (const HostTensor *input : context.inputs)
    if (input->numElements() != 1 || input->kind != context.in(0).kind)
      return context.node.emitError()
             << "expected three scalars of one type, but got "
             << describe(*input);
  double start = context.in(0).get(0), limit = context.in(1).get(0),
         delta = context.in(2).get(0);
  double count = std::max(0.0, std::ceil((limit - start) / delta));
  if (!(count <= kMaxFoldedElements))
    return context.node.emitError()
           << "expected a finite range, but got " << start << " to " << limit
           << " by " << delta;
  auto range = context.make(context.in(0).kind, {static_cast<int64_t>(count)});
  if (failed(range))
    return failure();
  HostTensor out = std::move(*range);
  for (int64_t i = 0; i < out.shape[0]; ++i) {
    double value = start + static_cast<double>(i) * delta;
    if (isFloat(out.kind))
      out.set(i, value);
    else
      setInt(out, i, static_cast<int64_t>(value));
  }
  return context.finish(std::move(out));
}

ArrayRef<FoldEntry> movementFolds() {
  static const FoldEntry entries[] = {
      {"Constant", 0, 0, foldConstant},
      {"ConstantOfShape", 1, 1, foldConstantOfShape},
      {"Identity", 1, 1, foldIdentity},
      {"Shape", 1, 1, foldShape},
      {"Size", 1, 1, foldSize},
      {"Reshape", 2, 2, foldReshape},
      {"Flatten", 1, 1, foldFlatten},
      {"Squeeze", 1, 2, foldSqueeze},
      {"Unsqueeze", 1, 2, foldUnsqueeze},
      {"Transpose", 1, 1, foldTranspose},
      {"Expand", 2, 2, foldExpand},
      {"Slice", 1, 5, foldSlice},
      {"Gather", 2, 2, foldGather},
      {"Concat", 1, 0, foldConcat},
      {"Split", 1, 2, foldSplit},
      {"Tile", 2, 2, foldTile},
      {"Range", 3, 3, foldRange},
  };
  return entries;
}

} // namespace dyadic::onnx_import
