//===- Window.h - padding of images -----------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_TFLITE_WINDOW_H
#define DYADIC_LIB_IMPORT_TFLITE_WINDOW_H

#include "NodeImporter.h"

namespace dyadic::tflite_import {

/// What slides over an image, rows first.
struct Window {
  Shape kernel, strides, dilations{1, 1};
  tflite::Padding padding;
};

/// [top, left, bottom, right] of an image N×H×W×C; SAME makes ⌈H / stride⌉ rows
/// and has the greater half of the padding behind. Reports windows that don't
/// fit and strides below 1.
mlir::FailureOr<Shape> padsOf(NodeImporter &node, mlir::Value image,
                              const Window &window);

} // namespace dyadic::tflite_import

#endif
