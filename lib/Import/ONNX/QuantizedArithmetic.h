//===- QuantizedArithmetic.h - Q/DQ that no type can say --------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_QUANTIZEDARITHMETIC_H
#define DYADIC_LIB_IMPORT_ONNX_QUANTIZEDARITHMETIC_H

#include "Quantization.h"

namespace dyadic::onnx_import {

/// (x − zero point) · scale, element by element, for scales that are computed,
/// per channel or per block, and for float formats. `outputType` is the result's
/// ONNX type; 0: the scale's.
mlir::LogicalResult convertDequantizeArithmetic(NodeImporter &node,
                                                const QuantizedFormat &format,
                                                const ScaleLayout &layout,
                                                int64_t outputType);

/// Saturate(round(x / scale) + zero point) as ONNX defines it, to the bit. Without
/// `saturate` what a float format can't hold becomes infinite or no number.
mlir::LogicalResult convertQuantizeArithmetic(NodeImporter &node,
                                              const QuantizedFormat &format,
                                              const ScaleLayout &layout,
                                              bool saturate);

/// The element type that a format's elements have in memory.
mlir::Type storageElement(const QuantizedFormat &format,
                          mlir::MLIRContext *context);

} // namespace dyadic::onnx_import

#endif
