//===- FixedPoint.h - the only rounding arithmetic there is -----*- C++ -*-===//
//
// Multipliers, requantization and quantization as docs/Spec.md §2 and §3 define
// them; docs/Quantization.md derives them. The numbers in parentheses are its
// equations. Everything that rounds, from the quantizer to the interpreter,
// calls these functions, so that there is one rounding to get right.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_SUPPORT_FIXEDPOINT_H
#define DYADIC_SUPPORT_FIXEDPOINT_H

#include <cstdint>
#include <optional>

namespace dyadic {

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

/// How a division by a power of two rounds. The order is that of
/// dyadic::Rounding, the attribute.
enum class RoundingMode : uint32_t { NearestEven, HalfUp, DoubleRound };

/// The nearest integer, the even one of two. Doesn't depend on the rounding
/// mode of the floating-point environment. NaN and infinities stay.
inline double roundHalfEven(double x) { return __builtin_roundeven(x); }
inline float roundHalfEven(float x) { return __builtin_roundevenf(x); }

/// min(max(x, lo), hi).
constexpr int64_t clamp(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : hi < x ? hi : x;
}

/// roundHalfEven(x) as an i32: out of range saturates, NaN is zero.
int32_t saturateToInt32(double x);

/// x · 2^−shift to the nearest integer, the even one of two (10).
/// 0 ≤ shift ≤ 62 and |x| ≤ 2^62.
constexpr int64_t shiftNearestEven(int64_t x, int shift) {
  if (shift == 0)
    return x;
  // Adding one half rounds ties up; one less than that, ties down. The odd
  // quotient is the one that must go up.
  int64_t belowHalf = (int64_t{1} << (shift - 1)) - 1;
  return (x + belowHalf + ((x >> shift) & 1)) >> shift;
}

/// x · 2^−shift to the nearest integer, the greater one of two.
constexpr int64_t shiftHalfUp(int64_t x, int shift) {
  return shift == 0 ? x : (x + (int64_t{1} << (shift - 1))) >> shift;
}

/// x · 2^−shift to the nearest integer, the one of two that is further from
/// zero.
constexpr int64_t shiftHalfAway(int64_t x, int shift) {
  return x < 0 ? -shiftHalfUp(-x, shift) : shiftHalfUp(x, shift);
}

/// x · 2^−shift as gemmlowp and TOSA's DOUBLE_ROUND round it: by 31 bits half
/// up, then the rest half away from zero.
constexpr int64_t shiftDoubleRound(int64_t x, int shift) {
  return shift <= 31 ? shiftHalfUp(x, shift)
                     : shiftHalfAway(shiftHalfUp(x, 31), shift - 31);
}

/// x · 2^−shift, rounded by `mode`.
constexpr int64_t shiftRound(int64_t x, int shift, RoundingMode mode) {
  switch (mode) {
  case RoundingMode::NearestEven:
    return shiftNearestEven(x, shift);
  case RoundingMode::HalfUp:
    return shiftHalfUp(x, shift);
  case RoundingMode::DoubleRound:
    break;
  }
  return shiftDoubleRound(x, shift);
}

//===----------------------------------------------------------------------===//
// Requantization
//===----------------------------------------------------------------------===//

/// Shifts are in [0, kMaxShift].
constexpr int32_t kMaxShift = 62;

/// The dyadic rational multiplier · 2^−shift.
struct FixedPointMultiplier {
  int32_t multiplier = 0;
  int32_t shift = 0;

  double value() const;
  bool operator==(const FixedPointMultiplier &other) const {
    return multiplier == other.multiplier && shift == other.shift;
  }
};

/// round(x · multiplier · 2^−shift) for |x| ≤ 2^31, 0 ≤ multiplier < 2^31 and
/// 0 ≤ shift ≤ 62 (9).
constexpr int64_t requantize(int64_t x, int32_t multiplier, int32_t shift,
                             RoundingMode mode = RoundingMode::NearestEven) {
  return shiftRound(x * multiplier, shift, mode);
}

/// The multiplier nearest to a positive `scale` (8): 2^(bits−1) ≤ multiplier <
/// 2^bits, unless the shift would pass kMaxShift: then the multiplier loses
/// bits, down to zero. None when `scale` is negative, not finite, or 2^bits or
/// more (to rounding). 1 ≤ bits ≤ 31.
std::optional<FixedPointMultiplier> quantizeMultiplier(double scale,
                                                       int bits = 24);

/// The weights of a sum, and what requantizes it.
struct AddMultipliers {
  int32_t lhs = 0;
  int32_t rhs = 0;
  FixedPointMultiplier requantizer;
};

/// lhs · M ≈ lhsRatio and rhs · M ≈ rhsRatio, M being what the requantizer stands
/// for, where a ratio is an operand's scale over the result's, negative for what is
/// subtracted. Of the weights below 2^15 those whose errors have the least sum (17).
/// None when a ratio isn't finite or is 2^39 or more.
std::optional<AddMultipliers> addMultipliers(double lhsRatio, double rhsRatio);

/// What makes x · g, 8 bits each, a product with a factor of 16 bits: the factor
/// is g − z_g requantized, the product x − z_x times that, rounded half up.
struct FactorMultipliers {
  FixedPointMultiplier factor;
  /// 2^doublings · 2^−kFactorShift.
  FixedPointMultiplier product;
};

/// The bits that a product with a factor is shifted by: what vpmulhrsw and
/// sqrdmulh, x · y · 2^−15 rounded half up, do at once.
constexpr int32_t kFactorShift = 15;
/// The greatest factor: −2^15 · −2^15, where the two instructions differ, is out.
constexpr int32_t kGreatestFactor = (1 << 15) - 1;
/// Each doubling takes a bit of the factor.
constexpr int32_t kMostDoublings = 3;

/// Those for a ratio s_x·s_g/s_y and |g − z_g| of at most `magnitude` (20a). None
/// where the product would be 2^kMostDoublings · (x − z_x) or more: the factor
/// would be too coarse.
std::optional<FactorMultipliers> factorMultipliers(double ratio,
                                                   int32_t magnitude);

/// Whether fma(x, multiplier · 2^−shift, 1.5 · 2^23) is a requantization.
enum class FloatRequantize {
  /// No: the integer sequence must be used.
  Refused,
  /// Yes, if the sum is clamped as a float before its bits are read.
  NeedsClamp,
  /// Yes: the low bits of every sum are the rounded product.
  Exact
};

/// Decides that for nearest_even and every x in [min, max] (15). One channel at
/// a time: the weakest decides for a vector of channels.
FloatRequantize canUseFloatRequantize(int64_t min, int64_t max,
                                      int32_t multiplier, int32_t shift);

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

/// real = (q − zeroPoint) · scale for q in [qmin, qmax] (1). The scale is a
/// positive normal f32.
struct QuantParams {
  double scale = 1.0;
  int32_t zeroPoint = 0;
  int32_t qmin = 0;
  int32_t qmax = 255;
};

/// Scale and zero point for the reals [min, max], extended to include 0, which
/// is represented exactly (3). An empty interval or one of zero width gives
/// scale 1; each end is limited to half the largest f32.
QuantParams chooseQuantParams(double min, double max, int32_t qmin,
                              int32_t qmax);

/// The scale of a symmetric type for reals of at most `magnitude`: the
/// zero point is 0 (4).
double chooseSymmetricScale(double magnitude, int32_t qmax);

/// The factor of dyadic.quantize for a scale: 1/scale in f32.
inline float inverseScale(double scale) {
  return 1.0f / static_cast<float>(scale);
}

/// dyadic.quantize of one element (Spec §3): the product is rounded to f32,
/// clamped, and rounded half to even; NaN becomes qmin. At most 16 bits wide,
/// zero point in range.
inline int32_t quantize(float x, float inverseScale, int32_t zeroPoint,
                        int32_t qmin, int32_t qmax) {
  float lo = static_cast<float>(qmin - zeroPoint);
  float hi = static_cast<float>(qmax - zeroPoint);
  float v = x * inverseScale;
  v = v > lo ? v : lo; // false for NaN
  v = v < hi ? v : hi;
  // Below 2^22 the addition rounds to an integer, half to even, and vectorizes.
  constexpr float kUnits = 0x1.8p23f;
  return zeroPoint + static_cast<int32_t>((v + kUnits) - kUnits);
}

/// dyadic.dequantize of one element (Spec §3).
inline float dequantize(int32_t q, float scale, int32_t zeroPoint) {
  return static_cast<float>(q - zeroPoint) * scale;
}

} // namespace dyadic

#endif
