//===- Window.h - kernels, strides and padding of image ops -----*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_WINDOW_H
#define DYADIC_LIB_IMPORT_ONNX_WINDOW_H

#include "NodeImporter.h"

namespace dyadic::onnx_import {

/// The window of a convolution or pooling over two dimensions, all explicit.
struct Window {
  Shape kernel, strides, dilations;
  Shape pads; // top, left, bottom, right
  /// How far `ceil_mode` reaches beyond the image and its padding; included
  /// in `pads`.
  Shape ceilExtra;
};

/// Reads the window's attributes for an N×C×… input of rank 3 or 4; a signal
/// (rank 3) is taken as an image of one row. `kernel` holds the spatial
/// extents of the filter, or is empty where only the attribute tells them.
mlir::FailureOr<Window> resolveWindow(NodeImporter &node,
                                      llvm::ArrayRef<int64_t> inputShape,
                                      llvm::ArrayRef<int64_t> kernel);

/// An N×C×W or N×C×H×W value as N×H×W×C, and back to `rank` dimensions.
mlir::Value imageToChannelsLast(NodeImporter &node, mlir::Value value);
mlir::Value imageToChannelsFirst(NodeImporter &node, mlir::Value value,
                                 size_t rank);

} // namespace dyadic::onnx_import

#endif
