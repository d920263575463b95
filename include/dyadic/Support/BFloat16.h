//===- BFloat16.h - rounding to bf16 ----------------------------*- C++ -*-===//
#ifndef DYADIC_SUPPORT_BFLOAT16_H
#define DYADIC_SUPPORT_BFLOAT16_H

#include <cstdint>
#include <cstring>

namespace dyadic {

/// The bits of the bf16 number nearest to `x`, ties to even; `x` isn't a NaN.
inline uint16_t roundToBF16Bits(float x) {
  uint32_t word;
  std::memcpy(&word, &x, sizeof word);
  return static_cast<uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

/// The float that such bits are.
inline float widenBF16Bits(uint16_t bits) {
  uint32_t word = static_cast<uint32_t>(bits) << 16;
  float x;
  std::memcpy(&x, &word, sizeof x);
  return x;
}

} // namespace dyadic

#endif
