//===- Window.cpp ---------------------------------------------------------===//
#include "Window.h"

using namespace mlir;

namespace dyadic::tflite_import {

FailureOr<Shape> padsOf(NodeImporter &node, Value image, const Window &window) {
  ArrayRef<int64_t> shape = shapeOf(image);
  if (shape.size() != 4)
    return node.emitError() << "expected an image of 4 dimensions, but got "
                            << toString(shape);
  Shape pads(4, 0);
  for (size_t i = 0; i < 2; ++i) {
    int64_t kernel = window.kernel[i], stride = window.strides[i],
            dilation = window.dilations[i], extent = shape[1 + i];
    if (kernel < 1 || stride < 1 || dilation < 1 || dilation > (1 << 20) ||
        kernel > (1 << 20))
      return node.emitError()
             << "expected a window, strides and dilations of at least 1, but "
                "got "
             << toString(window.kernel) << ", " << toString(window.strides)
             << " and " << toString(window.dilations);
    int64_t reach = (kernel - 1) * dilation + 1;
    if (window.padding == tflite::Padding::VALID) {
      if (reach > extent)
        return node.emitError() << "expected a window of at most " << extent
                                << ", but got " << reach;
      continue;
    }
    int64_t count = (extent + stride - 1) / stride;
    int64_t total =
        std::max<int64_t>((count - 1) * stride + reach - extent, 0);
    pads[i] = total / 2;
    pads[i + 2] = total - total / 2;
  }
  return pads;
}

} // namespace dyadic::tflite_import
