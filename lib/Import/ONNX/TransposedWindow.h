//===- TransposedWindow.h - ConvTranspose in general ------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_TRANSPOSEDWINDOW_H
#define DYADIC_LIB_IMPORT_ONNX_TRANSPOSEDWINDOW_H

#include "Window.h"

namespace dyadic::onnx_import {

/// A transposed convolution over any number of dimensions, of any floats, with
/// filters and biases that may be computed at run time. It isn't quantized.
mlir::LogicalResult convertTransposedWindow(NodeImporter &node);

} // namespace dyadic::onnx_import

#endif
