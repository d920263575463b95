//===- FloatFormats.h - floats of at most 8 bits at run time ----*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_FLOATFORMATS_H
#define DYADIC_LIB_IMPORT_ONNX_FLOATFORMATS_H

#include "NarrowTypes.h"
#include "NodeImporter.h"

namespace dyadic::onnx_import {

/// The reals, as f32, of a tensor of the bits of a float format.
mlir::Value decodeFloats(NodeImporter &node, const QuantizedFormat &format,
                         mlir::Value bits);

/// The bits of `value`, a f32, in a float format, as an i32: rounded to the
/// nearest even. What the format can't hold becomes its largest number or,
/// without `saturate`, infinite or no number.
mlir::Value encodeFloat(mlir::OpBuilder &b, mlir::Location loc,
                        const QuantizedFormat &format, bool saturate,
                        mlir::Value value);

/// Where the bits of a power of two lie that a number between two becomes.
enum class ExponentRounding { Up, Down, Nearest };

/// The bits of |value|, a f32, as FLOAT8E8M0, which has powers of two alone, as an
/// i32. With `saturate` nothing finite becomes NaN.
mlir::Value encodeExponent(mlir::OpBuilder &b, mlir::Location loc,
                           ExponentRounding rounding, bool saturate,
                           mlir::Value value);

} // namespace dyadic::onnx_import

#endif
