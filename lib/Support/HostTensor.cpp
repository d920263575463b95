//===- HostTensor.cpp -----------------------------------------------------===//
#include "dyadic/Support/HostTensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <functional>
#include <numeric>

using namespace dyadic;

namespace {
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
      "bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"};
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
