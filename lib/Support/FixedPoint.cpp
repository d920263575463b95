//===- FixedPoint.cpp -----------------------------------------------------===//
#include "dyadic/Support/FixedPoint.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace dyadic;

int32_t dyadic::saturateToInt32(double x) {
  if (std::isnan(x))
    return 0;
  double lo = std::numeric_limits<int32_t>::min();
  double hi = std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(std::min(std::max(roundHalfEven(x), lo), hi));
}

double FixedPointMultiplier::value() const {
  return std::ldexp(static_cast<double>(multiplier), -shift);
}

std::optional<FixedPointMultiplier> dyadic::quantizeMultiplier(double scale,
                                                               int bits) {
  if (!(scale >= 0) || std::isinf(scale))
    return std::nullopt;
  int exponent;
  std::frexp(scale, &exponent); // 2^(exponent−1) ≤ scale < 2^exponent
  int shift = std::min(bits - exponent, int{kMaxShift});
  double rounded = roundHalfEven(std::ldexp(scale, shift));
  // 0.999…·2^bits rounds up to 2^bits: halve it, which is exact.
  if (rounded == std::ldexp(1.0, bits)) {
    rounded /= 2;
    --shift;
  }
  if (shift < 0)
    return std::nullopt;
  return FixedPointMultiplier{static_cast<int32_t>(rounded), shift};
}

std::optional<AddMultipliers> dyadic::addMultipliers(double lhsRatio,
                                                     double rhsRatio) {
  if (!std::isfinite(lhsRatio) || !std::isfinite(rhsRatio))
    return std::nullopt;
  double largest = std::max(std::fabs(lhsRatio), std::fabs(rhsRatio));
  if (largest == 0)
    return AddMultipliers{};
  std::optional<AddMultipliers> best;
  double least = std::numeric_limits<double>::infinity();
  double smallest = std::min(std::fabs(lhsRatio), std::fabs(rhsRatio)) / largest;
  // The larger ratio's weight; equal errors go to the first, a power of two.
  for (int32_t weight = 1 << 14; weight < 1 << 15 && least > 0; ++weight) {
    // What the smaller one's rounding alone errs by; M's adds to it.
    double ideal = smallest * weight;
    if (std::fabs(roundHalfEven(ideal) - ideal) / weight * largest >= least)
      continue;
    auto requantizer = quantizeMultiplier(largest / weight);
    if (!requantizer)
      continue;
    auto weigh = [&](double ratio) {
      return static_cast<int32_t>(roundHalfEven(ratio / largest * weight));
    };
    AddMultipliers sum{weigh(lhsRatio), weigh(rhsRatio), *requantizer};
    double unit = requantizer->value();
    double error = std::fabs(sum.lhs * unit - lhsRatio) +
                   std::fabs(sum.rhs * unit - rhsRatio);
    if (error < least)
      best = sum, least = error;
  }
  return best;
}

std::optional<FactorMultipliers>
dyadic::factorMultipliers(double ratio, int32_t magnitude) {
  for (int32_t doublings = 0; doublings <= kMostDoublings; ++doublings) {
    auto factor = quantizeMultiplier(std::ldexp(ratio, kFactorShift - doublings));
    if (factor && requantize(magnitude, factor->multiplier, factor->shift) <=
                      kGreatestFactor)
      return FactorMultipliers{*factor, {1 << doublings, kFactorShift}};
  }
  return std::nullopt;
}

FloatRequantize dyadic::canUseFloatRequantize(int64_t min, int64_t max,
                                              int32_t multiplier,
                                              int32_t shift) {
  constexpr int64_t kFloatExact = int64_t{1} << 24;
  if (min < -kFloatExact || max > kFloatExact || min > max)
    return FloatRequantize::Refused;
  if (multiplier < 0 || multiplier >= kFloatExact || shift < 0 ||
      shift > kMaxShift)
    return FloatRequantize::Refused;
  int64_t product = std::max(-min, max) * multiplier; // ≤ 2^48
  // From shift 26 on every product passes: don't shift 2^22 out of range.
  if (shift > 26 || product < int64_t{1} << (22 + shift))
    return FloatRequantize::Exact;
  return FloatRequantize::NeedsClamp;
}

QuantParams dyadic::chooseQuantParams(double min, double max, int32_t qmin,
                                      int32_t qmax) {
  double limit = std::numeric_limits<float>::max() / 2;
  // Written so that NaN becomes 0.
  min = min < 0 ? std::max(min, -limit) : 0;
  max = max > 0 ? std::min(max, limit) : 0;
  QuantParams params{1.0, 0, qmin, qmax};
  double steps = static_cast<double>(qmax) - qmin;
  if (min < max) {
    double least = std::numeric_limits<float>::min();
    params.scale = static_cast<float>(std::max((max - min) / steps, least));
  }
  double zeroPoint = roundHalfEven(qmin - min / params.scale);
  params.zeroPoint = static_cast<int32_t>(
      std::min(std::max<double>(zeroPoint, qmin), static_cast<double>(qmax)));
  return params;
}

double dyadic::chooseSymmetricScale(double magnitude, int32_t qmax) {
  double limit = std::numeric_limits<float>::max();
  double least = std::numeric_limits<float>::min();
  if (!(magnitude > 0))
    return 1.0;
  return static_cast<float>(
      std::max(std::min(magnitude, limit) / qmax, least));
}
