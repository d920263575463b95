//===- Pooling.cpp - windows and reductions -------------------------------===//
#include "ConstantFolder.h"
#include "OpRegistry.h"
#include "Window.h"

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

ArrayRef<OpEntry> poolingOps() {
  static const OpEntry entries[] = {
      {"MaxPool", 1, 1, convertPool<qnn::MaxPool2DOp>},
      {"AveragePool", 1, 1, convertPool<qnn::AvgPool2DOp>},
      {"GlobalAveragePool", 1, 1, convertGlobalAveragePool},
      {"GlobalMaxPool", 1, 1, convertGlobalMaxPool},
  };
  return entries;
}

} // namespace dyadic::onnx_import
