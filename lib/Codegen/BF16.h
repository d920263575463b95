//===- BF16.h - weights rounded to bf16 -------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_BF16_H
#define DYADIC_LIB_CODEGEN_BF16_H

#include "KernelBuilder.h"

#include "llvm/ADT/bit.h"

#include <cmath>

namespace dyadic::codegen {

/// A weight: the upper half of an f32, rounded to the nearest, ties to even.
struct BF16 {
  uint16_t bits = 0;

  explicit BF16(double value) {
    uint32_t word = llvm::bit_cast<uint32_t>(static_cast<float>(value));
    bits = std::isnan(value) ? word >> 16 | 0x40
                             : (word + 0x7fff + (word >> 16 & 1)) >> 16;
  }
};

template <> inline mlir::Type KernelBuilder::elementType<BF16>() {
  return b.getBF16Type();
}

} // namespace dyadic::codegen

#endif
