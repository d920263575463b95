//===- Window.cpp ---------------------------------------------------------===//
#include "Window.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// Far more than any network has, and far from where sums overflow.
constexpr int64_t kLargest = int64_t{1} << 24;

/// An attribute of `count` numbers in [least, kLargest], one per spatial
/// dimension (and side); a signal's get those of the missing row in front.
static FailureOr<Shape> readNumbers(NodeImporter &node, StringRef name,
                                    size_t sides, bool isSignal, int64_t least,
                                    int64_t fallback) {
  size_t count = sides * (isSignal ? 1 : 2);
  Shape numbers = node.getInts(name, Shape(count, fallback));
  bool valid = numbers.size() == count && llvm::all_of(numbers, [&](int64_t n) {
                 return n >= least && n <= kLargest;
               });
  if (!valid)
    return node.emitError()
           << "expected '" << name << "' to be " << count << " numbers from "
           << least << " on, but got " << toString(numbers);
  if (isSignal)
    for (size_t side = 0; side < sides; ++side)
      numbers.insert(numbers.begin() + 2 * side, fallback);
  return numbers;
}

/// Pads so that each stride has one output: SAME_UPPER puts an odd element
/// behind, SAME_LOWER in front.
static void padSame(Window &window, ArrayRef<int64_t> spatial, bool upper) {
  for (int i = 0; i < 2; ++i) {
    int64_t stride = window.strides[i];
    int64_t outputs = (spatial[i] + stride - 1) / stride;
    int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    int64_t total =
        std::max<int64_t>((outputs - 1) * stride + reach - spatial[i], 0);
    int64_t small = total / 2, large = total - small;
    window.pads[i] = upper ? small : large;
    window.pads[i + 2] = upper ? large : small;
  }
}

/// Rounds the number of windows up by padding behind, except for a window
/// that would start behind the image and its padding.
static void applyCeilMode(Window &window, ArrayRef<int64_t> spatial) {
  for (int i = 0; i < 2; ++i) {
    int64_t stride = window.strides[i];
    int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    int64_t padded = spatial[i] + window.pads[i] + window.pads[i + 2];
    if (padded < reach)
      continue; // shape inference reports it
    int64_t windows = (padded - reach + stride - 1) / stride + 1;
    if ((windows - 1) * stride >= spatial[i] + window.pads[i])
      --windows;
    int64_t extra =
        std::max<int64_t>((windows - 1) * stride + reach - padded, 0);
    window.ceilExtra[i] = extra;
    window.pads[i + 2] += extra;
  }
}

FailureOr<Window> resolveWindow(NodeImporter &node,
                                ArrayRef<int64_t> inputShape,
                                ArrayRef<int64_t> kernel) {
  size_t rank = inputShape.size();
  if (rank != 3 && rank != 4)
    return node.unsupported("an input of " + std::to_string(rank) +
                            " dimensions");
  bool isSignal = rank == 3;
  Shape spatial(inputShape.drop_front(2));
  if (isSignal)
    spatial.insert(spatial.begin(), 1);
  if (kernel.empty() && !node.has("kernel_shape"))
    return node.emitError() << "attribute 'kernel_shape' is missing";
  auto shape = readNumbers(node, "kernel_shape", 1, isSignal, 1, 1);
  auto strides = readNumbers(node, "strides", 1, isSignal, 1, 1);
  auto dilations = readNumbers(node, "dilations", 1, isSignal, 1, 1);
  auto pads = readNumbers(node, "pads", 2, isSignal, 0, 0);
  if (failed(shape) || failed(strides) || failed(dilations) || failed(pads))
    return failure();
  Window window{*shape, *strides, *dilations, *pads, {0, 0}};
  if (!kernel.empty()) {
    Shape actual(kernel);
    if (isSignal)
      actual.insert(actual.begin(), 1);
    if (node.has("kernel_shape") && actual != window.kernel)
      return node.emitError()
             << "expected a filter of " << toString(window.kernel)
             << ", but got " << toString(actual);
    window.kernel = actual;
  }

  std::string autoPad = node.getString("auto_pad", "NOTSET");
  bool ceilMode = node.getInt("ceil_mode", 0) != 0;
  if (autoPad == "VALID")
    window.pads = {0, 0, 0, 0};
  else if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER")
    padSame(window, spatial, autoPad == "SAME_UPPER");
  else if (autoPad != "NOTSET")
    return node.unsupported("auto_pad '" + autoPad + "'");
  if (ceilMode)
    applyCeilMode(window, spatial);
  return window;
}

Value imageToChannelsLast(NodeImporter &node, Value value) {
  if (!value)
    return {};
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.size() == 3)
    value = node.reshape(value, {shape[0], shape[1], 1, shape[2]});
  return node.toChannelsLast(value);
}

Value imageToChannelsFirst(NodeImporter &node, Value value, size_t rank) {
  value = node.toChannelsFirst(value);
  if (!value || rank == 4)
    return value;
  ArrayRef<int64_t> shape = shapeOf(value);
  return node.reshape(value, {shape[0], shape[1], shape[3]});
}

} // namespace dyadic::onnx_import
