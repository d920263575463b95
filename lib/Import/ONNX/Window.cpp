//===- Window.cpp ---------------------------------------------------------===//
#include "Window.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

/// Far more than any network has, and far from where sums overflow.
constexpr int64_t kLargest = int64_t{1} << 24;

/// An attribute of `count` numbers in [least, kLargest].
static FailureOr<Shape> readNumbers(NodeImporter &node, StringRef name,
                                    size_t count, int64_t least,
                                    int64_t fallback) {
  Shape numbers = node.getInts(name, Shape(count, fallback));
  bool valid = numbers.size() == count && llvm::all_of(numbers, [&](int64_t n) {
                 return n >= least && n <= kLargest;
               });
  if (!valid)
    return node.emitError()
           << "expected '" << name << "' to be " << count << " numbers from "
           << least << " on, but got " << toString(numbers);
  return numbers;
}

static int64_t reachOf(const Window &window, size_t i) {
  return (window.kernel[i] - 1) * window.dilations[i] + 1;
}

int64_t Window::count(size_t i, int64_t extent) const {
  int64_t room = extent + begin[i] + end[i] - reachOf(*this, i);
  return room < 0 ? 0 : room / strides[i] + 1;
}

Shape Window::pads() const {
  Shape all(begin);
  llvm::append_range(all, end);
  return all;
}

Window Window::from(size_t first) const {
  auto rest = [&](ArrayRef<int64_t> all) { return Shape(all.drop_front(first)); };
  return {rest(kernel), rest(strides), rest(dilations),
          rest(begin),  rest(end),     rest(ceilExtra)};
}

/// Pads so that each stride has one output: SAME_UPPER puts an odd element
/// behind, SAME_LOWER in front.
static void padSame(Window &window, ArrayRef<int64_t> spatial, bool upper) {
  for (size_t i = 0; i < window.rank(); ++i) {
    int64_t stride = window.strides[i];
    int64_t outputs = (spatial[i] + stride - 1) / stride;
    int64_t total = std::max<int64_t>(
        (outputs - 1) * stride + reachOf(window, i) - spatial[i], 0);
    int64_t small = total / 2, large = total - small;
    window.begin[i] = upper ? small : large;
    window.end[i] = upper ? large : small;
  }
}

/// Rounds the number of windows up by padding behind, except for a window
/// that would start behind the image and its padding.
static void applyCeilMode(Window &window, ArrayRef<int64_t> spatial) {
  for (size_t i = 0; i < window.rank(); ++i) {
    int64_t stride = window.strides[i], reach = reachOf(window, i);
    int64_t padded = spatial[i] + window.begin[i] + window.end[i];
    if (padded < reach)
      continue; // reported where the result's shape is made
    int64_t windows = (padded - reach + stride - 1) / stride + 1;
    if ((windows - 1) * stride >= spatial[i] + window.begin[i])
      --windows;
    int64_t extra =
        std::max<int64_t>((windows - 1) * stride + reach - padded, 0);
    window.ceilExtra[i] = extra;
    window.end[i] += extra;
  }
}

FailureOr<Window> resolveWindow(NodeImporter &node,
                                ArrayRef<int64_t> inputShape,
                                ArrayRef<int64_t> kernel) {
  if (inputShape.size() < 3)
    return node.unsupported("an input of " + std::to_string(inputShape.size()) +
                            " dimensions");
  ArrayRef<int64_t> spatial = inputShape.drop_front(2);
  size_t rank = spatial.size();
  if (kernel.empty() && !node.has("kernel_shape"))
    return node.emitError() << "attribute 'kernel_shape' is missing";
  auto shape = readNumbers(node, "kernel_shape", rank, 1, 1);
  auto strides = readNumbers(node, "strides", rank, 1, 1);
  auto dilations = readNumbers(node, "dilations", rank, 1, 1);
  auto pads = readNumbers(node, "pads", 2 * rank, 0, 0);
  if (failed(shape) || failed(strides) || failed(dilations) || failed(pads))
    return failure();
  ArrayRef<int64_t> sides = *pads;
  Window window{*shape, *strides, *dilations, Shape(sides.take_front(rank)),
                Shape(sides.drop_front(rank)), Shape(rank, 0)};
  if (!kernel.empty()) {
    if (node.has("kernel_shape") && kernel != ArrayRef<int64_t>(window.kernel))
      return node.emitError()
             << "expected a filter of " << toString(window.kernel)
             << ", but got " << toString(kernel);
    window.kernel = Shape(kernel);
  }

  std::string autoPad = node.getString("auto_pad", "NOTSET");
  bool ceilMode = node.getInt("ceil_mode", 0) != 0;
  if (autoPad == "VALID")
    window.begin = window.end = Shape(rank, 0);
  else if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER")
    padSame(window, spatial, autoPad == "SAME_UPPER");
  else if (autoPad != "NOTSET")
    return node.unsupported("auto_pad '" + autoPad + "'");
  if (ceilMode)
    applyCeilMode(window, spatial);
  return window;
}

FailureOr<Shape> windowedShape(NodeImporter &node, const Window &window,
                               ArrayRef<int64_t> inputShape, int64_t channels) {
  Shape shape{inputShape[0], channels};
  for (size_t i = 0; i < window.rank(); ++i) {
    shape.push_back(window.count(i, inputShape[i + 2]));
    if (shape.back() < 1)
      return node.emitError()
             << "expected an input that a window of "
             << toString(window.kernel) << " fits in, but got "
             << toString(inputShape);
  }
  return shape;
}

Window asImageWindow(const Window &window) {
  Window image(window);
  if (window.rank() != 1)
    return image;
  for (Shape *ones : {&image.kernel, &image.strides, &image.dilations})
    ones->insert(ones->begin(), 1);
  for (Shape *zeros : {&image.begin, &image.end, &image.ceilExtra})
    zeros->insert(zeros->begin(), 0);
  return image;
}

SmallVector<Scalar> tapPosition(const Window &window, ArrayRef<Scalar> at,
                                ArrayRef<Scalar> tap) {
  SmallVector<Scalar> position;
  for (size_t i = 0; i < window.rank(); ++i)
    position.push_back(at[i] * window.strides[i] +
                       tap[i] * window.dilations[i] - window.begin[i]);
  return position;
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
