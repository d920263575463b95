//===- Pooling.cpp - windows and reductions -------------------------------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "Window.h"
#include "dyadic/Dialect/Dyadic/DynamicShapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace dyadic::onnx_import {

template <typename PoolOp>
static LogicalResult convertPool(NodeImporter &node) {
  constexpr bool isAverage = std::is_same_v<PoolOp, qnn::AvgPool2DOp>;
  Value input = node.input(0);
  if (!input)
    return failure();
  size_t rank = shapeOf(input).size();
  auto window = resolveWindow(node, shapeOf(input), {});
  if (failed(window))
    return failure();
  node.ignore("storage_order"); // orders the indices, which nothing may read
  if (window->dilations != Shape{1, 1})
    return node.unsupported("dilation");
  SmallVector<NamedAttribute> attributes{node.attr("kernel", window->kernel),
                                         node.attr("strides", window->strides),
                                         node.attr("pads", window->pads)};
  if (isAverage) {
    bool countPads = node.getInt("count_include_pad", 0) != 0;
    // Padding counts, but what ceil_mode adds behind it doesn't.
    if (countPads && window->ceilExtra != Shape{0, 0})
      return node.unsupported("ceil_mode together with count_include_pad");
    bool anyPads = llvm::any_of(window->pads, [](int64_t pad) { return pad; });
    attributes.push_back(
        node.boolAttr("count_include_pad", countPads && anyPads));
  }
  Value output =
      node.emit<PoolOp>(imageToChannelsLast(node, input), attributes);
  return node.setOutput(imageToChannelsFirst(node, output, rank));
}

static LogicalResult convertGlobalAveragePool(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  int64_t rank = shapeOf(input).size();
  if (rank < 3)
    return node.emitError()
           << "expected an image, but got " << toString(shapeOf(input));
  Shape axes = llvm::to_vector(llvm::seq<int64_t>(2, rank));
  return node.setOutput(node.emit<qnn::ReduceMeanOp>(
      input, {node.attr("axes", axes), node.boolAttr("keep_dims", true)}));
}

static LogicalResult convertGlobalMaxPool(NodeImporter &node) {
  Value input = node.input(0);
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() != 3 && shape.size() != 4)
    return node.unsupported("an input of " + std::to_string(shape.size()) +
                            " dimensions");
  Shape kernel(shape.drop_front(2));
  if (shape.size() == 3)
    kernel.insert(kernel.begin(), 1);
  Value output = node.emit<qnn::MaxPool2DOp>(imageToChannelsLast(node, input),
                                             node.attr("kernel", kernel));
  return node.setOutput(imageToChannelsFirst(node, output, shape.size()));
}

/// The mean, or the sum as a mean times the number of elements. From opset
/// `since` on the axes are an input.
template <bool isSum>
static FailureOr<Value> reduce(NodeImporter &node, Value input, int64_t since) {
  auto axes = node.intsArgument(1, "axes", since);
  bool keep = node.getInt("keepdims", 1) != 0;
  bool noop = node.getInt("noop_with_empty_axes", 0) != 0;
  if (!input || failed(axes))
    return failure();
  ArrayRef<int64_t> shape = shapeOf(input);
  auto resolved = resolveAxes(node, *axes, shape.size());
  if (failed(resolved))
    return failure();
  if (resolved->empty()) {
    if (noop || shape.empty())
      return input;
    *resolved = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  }
  Value output = node.emit<qnn::ReduceMeanOp>(
      input, {node.attr("axes", *resolved), node.boolAttr("keep_dims", keep)});
  if (!isSum)
    return output;
  // Whatever the length is: it divides by what it is multiplied by here.
  output.getDefiningOp()->setAttr(kIsSumAttr, UnitAttr::get(output.getContext()));
  float count = 1;
  for (int64_t axis : *resolved)
    count *= static_cast<float>(shape[axis]);
  return node.emit<qnn::MulOp>({output, node.constantTensor({count}, {})});
}

template <bool isSum> static LogicalResult convertReduce(NodeImporter &node) {
  auto result = reduce<isSum>(node, node.input(0), isSum ? 13 : 18);
  return failed(result) ? failure() : node.setOutput(*result);
}

/// The root of the sum of squares.
static LogicalResult convertReduceL2(NodeImporter &node) {
  Value input = node.input(0);
  auto sum = reduce<true>(node, node.emit<qnn::MulOp>({input, input}), 18);
  return failed(sum) ? failure()
                     : node.setOutput(node.emit<qnn::SqrtOp>(*sum));
}

ArrayRef<OpEntry> poolingOps() {
  static const OpEntry entries[] = {
      {"MaxPool", 1, 1, convertPool<qnn::MaxPool2DOp>},
      {"AveragePool", 1, 1, convertPool<qnn::AvgPool2DOp>},
      {"GlobalAveragePool", 1, 1, convertGlobalAveragePool},
      {"GlobalMaxPool", 1, 1, convertGlobalMaxPool},
      {"ReduceMean", 1, 2, convertReduce<false>},
      {"ReduceSum", 1, 2, convertReduce<true>},
      {"ReduceL2", 1, 2, convertReduceL2},
  };
  return entries;
}

} // namespace dyadic::onnx_import
