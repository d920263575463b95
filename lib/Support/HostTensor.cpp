//===- HostTensor.cpp -----------------------------------------------------===//
#include "dyadic/Support/HostTensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <functional>
#include <numeric>

using namespace dyadic;

namespace {
/// A float of 16 bits of the format that `semantics` returns.
template <const llvm::fltSemantics &(*semantics)()> struct ShortFloat {
  uint16_t bits;

  explicit ShortFloat(double value) {
    llvm::APFloat number(value);
    bool isInexact;
    number.convert(semantics(), llvm::APFloat::rmNearestTiesToEven, &isInexact);
    bits = number.bitcastToAPInt().getZExtValue();
  }
  operator double() const {
    llvm::APFloat number(semantics(), llvm::APInt(16, bits));
    bool isInexact;
    number.convert(llvm::APFloat::IEEEdouble(),
                   llvm::APFloat::rmNearestTiesToEven, &isInexact);
    return number.convertToDouble();
  }
};
using Half = ShortFloat<llvm::APFloatBase::IEEEhalf>;
using BFloat = ShortFloat<llvm::APFloatBase::BFloat>;

/// Calls `fn` with a null pointer of the C++ type that `kind` stands for.
template <typename Fn> auto dispatch(ElementKind kind, Fn fn) {
  switch (kind) {
  case ElementKind::Bool:
  case ElementKind::U8:
    return fn((uint8_t *)nullptr);
  case ElementKind::I8:
    return fn((int8_t *)nullptr);
  case ElementKind::I16:
    return fn((int16_t *)nullptr);
  case ElementKind::I32:
    return fn((int32_t *)nullptr);
  case ElementKind::I64:
    return fn((int64_t *)nullptr);
  case ElementKind::F32:
    return fn((float *)nullptr);
  case ElementKind::U16:
    return fn((uint16_t *)nullptr);
  case ElementKind::U32:
    return fn((uint32_t *)nullptr);
  case ElementKind::U64:
    return fn((uint64_t *)nullptr);
  case ElementKind::F16:
    return fn((Half *)nullptr);
  case ElementKind::BF16:
    return fn((BFloat *)nullptr);
  case ElementKind::F64:
    break;
  }
  return fn((double *)nullptr);
}
} // namespace

int64_t dyadic::byteWidth(ElementKind kind) {
  return dispatch(kind, [](auto *p) -> int64_t { return sizeof(*p); });
}

llvm::StringRef dyadic::name(ElementKind kind) {
  static constexpr llvm::StringLiteral names[] = {
      "bool",    "uint8",   "int8",   "int16",  "int32",   "int64",   "float32",
      "float64", "uint16", "uint32", "uint64", "float16", "bfloat16"};
  return names[static_cast<int>(kind)];
}

HostTensor::HostTensor(ElementKind kind, llvm::ArrayRef<int64_t> shape)
    : kind(kind), shape(shape), bytes(numElements() * byteWidth(kind)) {}

int64_t HostTensor::numElements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1},
                         std::multiplies<int64_t>());
}

double HostTensor::get(int64_t i) const {
  return dispatch(kind, [&](auto *p) -> double {
    return reinterpret_cast<decltype(p)>(const_cast<char *>(bytes.data()))[i];
  });
}

void HostTensor::set(int64_t i, double value) {
  dispatch(kind, [&](auto *p) -> int {
    reinterpret_cast<decltype(p)>(bytes.data())[i] =
        static_cast<std::remove_pointer_t<decltype(p)>>(value);
    return 0;
  });
}

std::string dyadic::describe(const HostTensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(tensor.shape, os, "x");
  os << (tensor.shape.empty() ? "" : "x") << name(tensor.kind);
  return text;
}
