//===- QuantizedArithmetic.h - Q/DQ that no type can say --------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_QUANTIZEDARITHMETIC_H
#define DYADIC_LIB_IMPORT_ONNX_QUANTIZEDARITHMETIC_H

#include "Quantization.h"

namespace dyadic::onnx_import {

/// (x − zero point) · scale, element by element, for scales that are computed,
/// per channel or per block, and for float formats, as f32.
mlir::LogicalResult convertDequantizeArithmetic(NodeImporter &node,
                                                const QuantizedFormat &format,
                                                const ScaleLayout &layout);

/// Saturate(round(x / scale) + zero point) as ONNX defines it, to the bit. Without
/// `saturate` what a float format can't hold becomes infinite or no number.
mlir::LogicalResult convertQuantizeArithmetic(NodeImporter &node,
                                              const QuantizedFormat &format,
                                              const ScaleLayout &layout,
                                              bool saturate);

} // namespace dyadic::onnx_import

#endif
