//===- BFloat16.h - bf16 as x86 computes with it ----------------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_BFLOAT16_H
#define DYADIC_LIB_EMULATE_BFLOAT16_H

#include "dyadic/Support/BFloat16.h"

#include <cmath>

namespace dyadic::emulate {

/// Denormal numbers count as zeros, on the way in and on the way out.
inline float flushDenormal(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}

inline float widenBF16(uint16_t bits) {
  return flushDenormal(widenBF16Bits(bits));
}

/// To nearest, ties to even; a NaN stays quiet.
inline uint16_t roundToBF16(float x) {
  if (!std::isnan(x))
    return roundToBF16Bits(flushDenormal(x));
  uint32_t word;
  std::memcpy(&word, &x, sizeof word);
  return uint16_t(word >> 16 | 0x40);
}

} // namespace dyadic::emulate

#endif
