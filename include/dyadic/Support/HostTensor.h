//===- HostTensor.h - a tensor in this process's memory ---------*- C++ -*-===//
//
// What the interpreter computes on, what sample files are read into and what
// compiled code is called with: a shape, an element kind and bytes.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_SUPPORT_HOSTTENSOR_H
#define DYADIC_SUPPORT_HOSTTENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cassert>
#include <cstdint>
#include <optional>
#include <vector>

namespace dyadic {

/// Element types that reach memory, named as NumPy (and ml_dtypes) name them.
enum class ElementKind {
  Bool, U8, I8, I16, I32, I64, F32, F64, U16, U32, U64, F16, BF16
};

inline bool isFloat(ElementKind kind) {
  return kind == ElementKind::F32 || kind == ElementKind::F64 ||
         kind == ElementKind::F16 || kind == ElementKind::BF16;
}

/// Bytes of one element.
int64_t byteWidth(ElementKind kind);
/// "uint8", "float32", …
llvm::StringRef name(ElementKind kind);

template <typename T> ElementKind elementKindOf();
template <> inline ElementKind elementKindOf<uint8_t>() { return ElementKind::U8; }
template <> inline ElementKind elementKindOf<int8_t>() { return ElementKind::I8; }
template <> inline ElementKind elementKindOf<int16_t>() { return ElementKind::I16; }
template <> inline ElementKind elementKindOf<int32_t>() { return ElementKind::I32; }
template <> inline ElementKind elementKindOf<int64_t>() { return ElementKind::I64; }
template <> inline ElementKind elementKindOf<uint16_t>() { return ElementKind::U16; }
template <> inline ElementKind elementKindOf<uint32_t>() { return ElementKind::U32; }
template <> inline ElementKind elementKindOf<uint64_t>() { return ElementKind::U64; }
template <> inline ElementKind elementKindOf<float>() { return ElementKind::F32; }
template <> inline ElementKind elementKindOf<double>() { return ElementKind::F64; }

/// A dense row-major tensor that owns its bytes.
struct HostTensor {
  ElementKind kind = ElementKind::F32;
  llvm::SmallVector<int64_t> shape;
  std::vector<char> bytes;

  HostTensor() = default;
  /// Zeros.
  HostTensor(ElementKind kind, llvm::ArrayRef<int64_t> shape);

  int64_t numElements() const;

  template <typename T> llvm::MutableArrayRef<T> as() {
    assert(elementKindOf<T>() == kind && "element type");
    return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T> llvm::ArrayRef<T> as() const {
    assert(elementKindOf<T>() == kind && "element type");
    return {reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// Element `i` in row-major order whatever the kind; for code whose speed
  /// doesn't matter. Integers up to 2^53 are exact.
  double get(int64_t i) const;
  void set(int64_t i, double value);
};

/// "1x3x224x224xfloat32"
std::string describe(const HostTensor &tensor);

} // namespace dyadic

#endif
