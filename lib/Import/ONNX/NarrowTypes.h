//===- NarrowTypes.h - element types of few bits ----------------*- C++ -*-===//
//
// INT4, UINT4, INT2 and UINT2 are kept in bytes; the float types of 8 and 4 bits
// become f32 where they are constants, and are their bits where they are computed.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_IMPORT_ONNX_NARROWTYPES_H
#define DYADIC_LIB_IMPORT_ONNX_NARROWTYPES_H

#include "dyadic/Support/HostTensor.h"

#include "llvm/ADT/APFloat.h"

namespace dyadic::onnx_import {

/// What an onnx::TensorProto::DataType that quantized tensors have can hold.
struct QuantizedFormat {
  /// How elements are kept in memory.
  ElementKind kind;
  unsigned bits;
  /// The integers; of a float format, its bits.
  int64_t min, max;
  /// The float format; null for integers.
  const llvm::fltSemantics *semantics = nullptr;

  bool isFloat() const { return semantics; }
  /// Whether the elements are powers of two, with neither sign nor zero.
  bool isExponent() const {
    return semantics == &llvm::APFloat::Float8E8M0FNU();
  }
  bool isSigned() const { return min < 0; }
};

/// The format of an element type; none for those that nothing is quantized to.
std::optional<QuantizedFormat> quantizedFormat(int32_t dataType);

/// Whether elements of `dataType` are packed into bytes or are floats of at most
/// 8 bits: what TensorReader reads through this file.
bool isNarrow(int32_t dataType);

/// The bytes that `count` elements of a narrow type have in a file.
int64_t narrowBytes(int32_t dataType, int64_t count);

/// Elements of a narrow type from a file's bytes: integers as I8 or U8, floats
/// as F32.
HostTensor decodeNarrow(int32_t dataType, llvm::ArrayRef<uint8_t> bytes,
                        llvm::ArrayRef<int64_t> shape);

/// The real that `bits` of a float format stand for.
float decodeFloat(const QuantizedFormat &format, uint8_t bits);

} // namespace dyadic::onnx_import

#endif
