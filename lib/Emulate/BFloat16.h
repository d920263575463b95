//===- BFloat16.h - bf16 as x86 computes with it ----------------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_BFLOAT16_H
#define DYADIC_LIB_EMULATE_BFLOAT16_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace dyadic::emulate {

/// Denormal numbers count as zeros, on the way in and on the way out.
inline float flushDenormal(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}

inline float widenBF16(uint16_t bits) {
  uint32_t word = uint32_t(bits) << 16;
  float x;
  std::memcpy(&x, &word, sizeof x);
  return flushDenormal(x);
}

/// To nearest, ties to even; a NaN stays quiet.
inline uint16_t roundToBF16(float x) {
  uint32_t word;
  x = flushDenormal(x);
  std::memcpy(&word, &x, sizeof word);
  if (std::isnan(x))
    return uint16_t(word >> 16 | 0x40);
  return uint16_t((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

} // namespace dyadic::emulate

#endif
