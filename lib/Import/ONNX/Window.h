//===- Window.h - kernels, strides and padding of image ops -----*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_WINDOW_H
#define DYADIC_LIB_IMPORT_ONNX_WINDOW_H

#include "Scalar.h"

namespace dyadic::onnx_import {

/// The window of a convolution or pooling over any number of dimensions, all
/// explicit.
struct Window {
  Shape kernel, strides, dilations;
  Shape begin, end; // pads
  /// How far `ceil_mode` reaches beyond the input and its padding; included in
  /// `end`.
  Shape ceilExtra;

  size_t rank() const { return kernel.size(); }
  /// How many windows a dimension of `extent` has; below one where none fits.
  int64_t count(size_t i, int64_t extent) const;
  /// `begin`, then `end`, as attributes have them.
  Shape pads() const;
  /// The window over the dimensions from `first` on.
  Window from(size_t first) const;
};

/// Reads the window's attributes for an N×C×… input. `kernel` holds the spatial
/// extents of the filter, or is empty where only the attribute tells them.
mlir::FailureOr<Window> resolveWindow(NodeImporter &node,
                                      llvm::ArrayRef<int64_t> inputShape,
                                      llvm::ArrayRef<int64_t> kernel);

/// N×C×… with the window's counts, or an error where no window fits.
mlir::FailureOr<Shape> windowedShape(NodeImporter &node, const Window &window,
                                     llvm::ArrayRef<int64_t> inputShape,
                                     int64_t channels);

/// The window over an image of one row that does what `window` does over a
/// signal; windows over images stay as they are.
Window asImageWindow(const Window &window);

/// Where tap `tap` of window `at` lies in the input, one index a dimension.
llvm::SmallVector<Scalar> tapPosition(const Window &window,
                                      llvm::ArrayRef<Scalar> at,
                                      llvm::ArrayRef<Scalar> tap);

/// An N×C×W or N×C×H×W value as N×H×W×C, and back to `rank` dimensions.
mlir::Value imageToChannelsLast(NodeImporter &node, mlir::Value value);
mlir::Value imageToChannelsFirst(NodeImporter &node, mlir::Value value,
                                 size_t rank);

} // namespace dyadic::onnx_import

#endif
