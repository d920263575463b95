//===- DynamicParams.h - scales that are found at run time ------*- C++ -*-===//
#ifndef DYADIC_SUPPORT_DYNAMICPARAMS_H
#define DYADIC_SUPPORT_DYNAMICPARAMS_H

#include "dyadic/Support/FixedPoint.h"

namespace dyadic {

/// The parameters of dyadic.dynamic_quantize for a group of values (Spec §3).
struct DynamicParams {
  float scale, inverse;
  int32_t zeroPoint;
};

/// Those for the values [lo, hi], lo ≤ 0 ≤ hi, each operation rounded to f32. A range
/// so small that a factor could overflow is taken for none: all its values become the
/// zero point.
inline DynamicParams chooseDynamicParams(float lo, float hi) {
  constexpr float kLeast = 0x1p-100f;
  float range = hi - lo;
  range = range < kLeast ? 255.0f : range;
  float inverse = 255.0f / range;
  return {range / 255.0f, inverse, quantize(-lo, inverse, 0, 0, 255)};
}

} // namespace dyadic

#endif
