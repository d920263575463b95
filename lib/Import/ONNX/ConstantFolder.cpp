//===- ConstantFolder.cpp - shape rules shared by folding and importing ---===//
#include "ConstantFolder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace dyadic::onnx_import {

Shape FoldContext::intsArgument(size_t index, StringRef name, int64_t since) {
  if (node.getOpset() < since)
    return node.getInts(name);
  return has(index) ? Shape(toInts(in(index))) : Shape();
}

LogicalResult FoldContext::checkSize(ElementKind kind,
                                     ArrayRef<int64_t> shape) {
  auto count = countElements(shape, kMaxFoldedElements);
  if (!count)
    return node.emitError() << "shape " << toString(shape)
                            << " has a negative extent or more than "
                            << kMaxFoldedElements << " elements";
  return node.checkAllowance(*count, byteWidth(kind));
}

FailureOr<HostTensor> FoldContext::make(ElementKind kind,
                                        ArrayRef<int64_t> shape) {
  if (failed(checkSize(kind, shape)))
    return failure();
  return HostTensor(kind, shape);
}

FailureOr<HostTensor> FoldContext::copy(const HostTensor &in,
                                        ArrayRef<int64_t> shape,
                                        ArrayRef<int64_t> strides,
                                        int64_t offset) {
  if (failed(checkSize(in.kind, shape)))
    return failure();
  return copyStrided(in, shape, strides, offset);
}

const FoldEntry *lookupFold(StringRef opType) {
  static const llvm::StringMap<const FoldEntry *> table = [] {
    llvm::StringMap<const FoldEntry *> map;
    for (ArrayRef<FoldEntry> entries :
         {arithmeticFolds(), movementFolds(), selectionFolds()})
      for (const FoldEntry &entry : entries)
        map[entry.opType] = &entry;
    return map;
  }();
  return table.lookup(opType);
}

LogicalResult foldNode(const FoldEntry &entry, FoldContext &context) {
  size_t count = context.inputs.size();
  size_t present = llvm::count_if(context.inputs.take_front(entry.minInputs),
                                  [](const HostTensor *t) { return t; });
  if (present < entry.minInputs || (entry.maxInputs && count > entry.maxInputs))
    return context.node.emitError()
           << "expected " << entry.minInputs << " to " << entry.maxInputs
           << " inputs, but got " << count;
  if (failed(entry.fold(context)) || failed(context.node.finish()))
    return failure();
  if (context.results.size() < context.numOutputs)
    return context.node.emitError()
           << "expected " << context.results.size() << " outputs, but got "
           << context.numOutputs;
  return success();
}

FailureOr<int64_t> resolveAxis(Node &node, int64_t axis, int64_t rank) {
  if (std::optional<int64_t> found = normalizeAxis(axis, rank))
    return *found;
  return node.emitError() << "expected an axis in [" << -rank << ", " << rank
                          << "), but got " << axis;
}

FailureOr<Shape> resolveAxes(Node &node, ArrayRef<int64_t> axes, int64_t rank) {
  Shape resolved;
  for (int64_t axis : axes) {
    auto found = resolveAxis(node, axis, rank);
    if (failed(found))
      return failure();
    resolved.push_back(*found);
  }
  llvm::sort(resolved);
  if (std::adjacent_find(resolved.begin(), resolved.end()) != resolved.end())
    return node.emitError()
           << "expected distinct axes, but got " << toString(axes);
  return resolved;
}

FailureOr<Shape> resolveReshape(Node &node, ArrayRef<int64_t> from,
                                ArrayRef<int64_t> to) {
  bool zeroIsZero = node.getInt("allowzero", 0) != 0;
  Shape shape(to);
  int64_t known = 1, inferred = -1;
  auto mismatch = [&] {
    return node.emitError()
           << "cannot reshape " << toString(from) << " to " << toString(to);
  };
  for (auto [i, extent] : llvm::enumerate(shape)) {
    if (extent == 0 && !zeroIsZero) {
      if (i >= from.size())
        return mismatch();
      extent = from[i];
    }
    if (extent == -1 && inferred < 0) {
      inferred = i;
      continue;
    }
    if (extent < 0 || extent > kMaxElements / std::max<int64_t>(known, 1))
      return mismatch();
    known *= extent;
  }
  std::optional<int64_t> count = countElements(from);
  if (!count)
    return mismatch();
  if (inferred >= 0) {
    if (known == 0 || *count % known != 0)
      return mismatch();
    shape[inferred] = *count / known;
    known = *count;
  }
  if (known != *count)
    return mismatch();
  return shape;
}

FailureOr<SmallVector<SliceRange>>
resolveSlice(Node &node, ArrayRef<int64_t> shape, ArrayRef<int64_t> starts,
             ArrayRef<int64_t> ends, ArrayRef<int64_t> axes,
             ArrayRef<int64_t> steps) {
  int64_t rank = shape.size();
  SmallVector<SliceRange> ranges;
  for (int64_t extent : shape)
    ranges.push_back({0, extent, 1});
  if (starts.size() != ends.size() ||
      (!axes.empty() && axes.size() != starts.size()) ||
      (!steps.empty() && steps.size() != starts.size()) ||
      (axes.empty() && static_cast<int64_t>(starts.size()) > rank))
    return node.emitError()
           << "expected as many starts, ends, axes and steps, but got "
           << starts.size() << ", " << ends.size() << ", " << axes.size()
           << " and " << steps.size();
  for (size_t i = 0; i < starts.size(); ++i) {
    auto axis = resolveAxis(
        node, axes.empty() ? static_cast<int64_t>(i) : axes[i], rank);
    if (failed(axis))
      return failure();
    int64_t step = steps.empty() ? 1 : steps[i], extent = shape[*axis];
    if (step == 0 || step == INT64_MIN)
      return node.emitError() << "expected a step other than " << step;
    // With a negative step the walk may end before element 0, at -1.
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
    auto clamp = [&](int64_t position, int64_t least) {
      if (position < 0)
        position = position < -extent ? least : position + extent;
      return std::clamp(position, least, std::max(high, least));
    };
    int64_t start = clamp(starts[i], extent > 0 ? 0 : low);
    int64_t end = clamp(ends[i], low);
    int64_t distance = step > 0 ? end - start : start - end;
    int64_t stride = step > 0 ? step : -step;
    int64_t size = distance <= 0 ? 0 : (distance - 1) / stride + 1;
    ranges[*axis] = {size ? start : 0, size, size > 1 ? step : 1};
  }
  return ranges;
}

FailureOr<Shape> squeezeShape(Node &node, ArrayRef<int64_t> shape,
                              ArrayRef<int64_t> axes) {
  auto resolved = resolveAxes(node, axes, shape.size());
  if (failed(resolved))
    return failure();
  Shape result;
  for (auto [i, extent] : llvm::enumerate(shape)) {
    bool named = llvm::is_contained(*resolved, static_cast<int64_t>(i));
    if (named && extent != 1)
      return node.emitError() << "expected dimension " << i << " of "
                              << toString(shape) << " to be 1";
    if (!named && !(axes.empty() && extent == 1))
      result.push_back(extent);
  }
  return result;
}

FailureOr<Shape> unsqueezeShape(Node &node, ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> axes) {
  int64_t rank = shape.size() + axes.size();
  auto resolved = resolveAxes(node, axes, rank);
  if (failed(resolved))
    return failure();
  Shape result;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(*resolved, i)) {
      result.push_back(1);
      continue;
    }
    result.push_back(shape.front());
    shape = shape.drop_front();
  }
  return result;
}

FailureOr<Shape> splitSizes(Node &node, int64_t extent, size_t count,
                            ArrayRef<int64_t> sizes) {
  int64_t parts = node.getInt("num_outputs", count);
  if (parts != static_cast<int64_t>(count) || count == 0)
    return node.emitError()
           << "expected " << parts << " outputs, but got " << count;
  Shape result(sizes);
  if (sizes.empty()) {
    int64_t chunk = (extent + parts - 1) / parts;
    for (int64_t i = 0; i < parts; ++i)
      result.push_back(std::clamp<int64_t>(extent - i * chunk, 0, chunk));
  }
  int64_t sum = 0;
  bool valid = result.size() == count;
  for (int64_t size : result) {
    valid &= size >= 0 && size <= extent - sum;
    sum += valid ? size : 0;
  }
  if (!valid || sum != extent)
    return node.emitError() << "cannot split an extent of " << extent
                            << " into " << toString(result);
  return result;
}

} // namespace dyadic::onnx_import
