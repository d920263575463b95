//===- FixedPointTest.cpp - rounding against 128-bit integers -------------===//
#include "dyadic/Support/FixedPoint.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace dyadic;

namespace {

__extension__ typedef __int128 Wide;

/// n · 2^−shift rounded as the specification words it: by quotient and
/// remainder, with nothing in common with the shifts and adds under test.
Wide divide(Wide n, int shift, RoundingMode mode) {
  Wide d = Wide{1} << shift;
  Wide quotient = n / d, rest = n % d;
  if (rest < 0) {
    --quotient;
    rest += d;
  }
  if (2 * rest != d)
    return 2 * rest > d ? quotient + 1 : quotient;
  if (mode == RoundingMode::NearestEven)
    return quotient % 2 ? quotient + 1 : quotient;
  return quotient + 1; // half up
}

/// gemmlowp's SaturatingRoundingDoublingHighMul and RoundingDivideByPOT, in
/// the words of their documentation.
Wide doubleRound(Wide x, Wide multiplier, int shift) {
  if (shift <= 31)
    return divide(x * multiplier, shift, RoundingMode::HalfUp);
  Wide product = x * multiplier;
  Wide nudge = product >= 0 ? Wide{1} << 30 : 1 - (Wide{1} << 30);
  Wide high = (product + nudge) / (Wide{1} << 31); // truncates
  Wide d = Wide{1} << (shift - 31);
  Wide magnitude = (2 * (high < 0 ? -high : high) + d) / (2 * d);
  return high < 0 ? -magnitude : magnitude;
}

Wide expected(int64_t x, int32_t multiplier, int shift, RoundingMode mode) {
  return mode == RoundingMode::DoubleRound
             ? doubleRound(x, multiplier, shift)
             : divide(Wide{x} * multiplier, shift, mode);
}

constexpr RoundingMode kModes[] = {RoundingMode::NearestEven,
                                   RoundingMode::HalfUp,
                                   RoundingMode::DoubleRound};

void check(int64_t x, int32_t multiplier, int shift) {
  for (RoundingMode mode : kModes)
    ASSERT_EQ(requantize(x, multiplier, shift, mode),
              static_cast<int64_t>(expected(x, multiplier, shift, mode)))
        << x << " * " << multiplier << " >> " << shift << " mode "
        << static_cast<int>(mode);
}

TEST(FixedPoint, TiesByHand) {
  auto all = [](int64_t x, int shift) {
    return std::vector<int64_t>{shiftNearestEven(x, shift),
                                shiftHalfUp(x, shift), shiftHalfAway(x, shift)};
  };
  EXPECT_EQ(all(1, 1), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(all(3, 1), (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(all(-1, 1), (std::vector<int64_t>{0, 0, -1}));
  EXPECT_EQ(all(-3, 1), (std::vector<int64_t>{-2, -1, -2}));
  EXPECT_EQ(all(-5, 2), (std::vector<int64_t>{-1, -1, -1}));
  // One half and the least thing below it: only rounding twice reaches 1.
  int64_t justBelow = (int64_t{1} << 39) - 1;
  EXPECT_EQ(shiftNearestEven(justBelow, 40), 0);
  EXPECT_EQ(shiftHalfUp(justBelow, 40), 0);
  EXPECT_EQ(shiftDoubleRound(justBelow, 40), 1);
}

TEST(FixedPoint, RequantizeExhaustivelySmall) {
  for (int64_t x = -260; x <= 260; ++x)
    for (int32_t multiplier = 0; multiplier <= 70; ++multiplier)
      for (int shift = 0; shift <= 16; ++shift)
        check(x, multiplier, shift);
}

TEST(FixedPoint, RequantizeCorners) {
  const int64_t least = std::numeric_limits<int32_t>::min();
  for (int64_t x : {least, least + 1, int64_t{-1}, int64_t{0}, int64_t{1},
                    -least - 1, -least})
    for (int32_t multiplier : {0, 1, (1 << 23), (1 << 24) - 1, 1 << 30,
                               std::numeric_limits<int32_t>::max()})
      for (int shift = 0; shift <= kMaxShift; ++shift)
        check(x, multiplier, shift);
}

TEST(FixedPoint, RequantizeTies) {
  // x · multiplier is an odd multiple of 2^(shift−1), and its neighbours.
  std::mt19937_64 random(1);
  for (int n = 0; n < 200000; ++n) {
    int twos = random() % 24;
    int32_t multiplier = static_cast<int32_t>((random() % 127 | 1) << twos);
    int64_t x = static_cast<int64_t>(random() % (1 << 24) | 1) - (1 << 23);
    int factors = random() % 8;
    x = (x | 1) * (int64_t{1} << factors);
    for (int d = -1; d <= 1; ++d)
      check(x + d, multiplier, twos + factors + 1);
  }
}

TEST(FixedPoint, RequantizeRandom) {
  std::mt19937_64 random(2);
  for (int n = 0; n < 1000000; ++n) {
    int64_t x = static_cast<int32_t>(random()) >> (random() % 32);
    int32_t multiplier = static_cast<int32_t>(random() & 0x7fffffff) >>
                         (random() % 31);
    check(x, multiplier, random() % (kMaxShift + 1));
  }
}

//===----------------------------------------------------------------------===//
// The fused-multiply-add form, docs/Quantization.md §5
//===----------------------------------------------------------------------===//

constexpr float kMagic = 12582912.0f; // 1.5 · 2^23

int32_t bitsOf(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

/// What generated code computes: clamp(zp + round(x·m·2^−s), lo, hi).
int32_t floatRequantize(int64_t x, int32_t multiplier, int32_t shift,
                        int32_t zp, int32_t lo, int32_t hi, bool clampFirst) {
  float scale = std::ldexp(static_cast<float>(multiplier), -shift);
  float sum = std::fma(static_cast<float>(x), scale, kMagic);
  if (clampFirst) {
    sum = std::max(sum, kMagic + static_cast<float>(lo - zp));
    sum = std::min(sum, kMagic + static_cast<float>(hi - zp));
  }
  int32_t rounded = bitsOf(sum) - bitsOf(kMagic);
  return clamp(int64_t{rounded} + zp, lo, hi);
}

void checkFloat(int64_t x, int32_t multiplier, int32_t shift) {
  int32_t zp = static_cast<int32_t>(x & 255);
  FloatRequantize form = canUseFloatRequantize(x, x, multiplier, shift);
  ASSERT_NE(form, FloatRequantize::Refused);
  Wide y = expected(x, multiplier, shift, RoundingMode::NearestEven) + zp;
  int32_t want = y < 0 ? 0 : y > 255 ? 255 : static_cast<int32_t>(y);
  ASSERT_EQ(floatRequantize(x, multiplier, shift, zp, 0, 255, true), want)
      << x << " * " << multiplier << " >> " << shift;
  if (form == FloatRequantize::Exact) {
    ASSERT_EQ(floatRequantize(x, multiplier, shift, zp, 0, 255, false), want)
        << x << " * " << multiplier << " >> " << shift;
  }
}

TEST(FixedPoint, FloatFormRandom) {
  std::mt19937_64 random(3);
  for (int n = 0; n < 2000000; ++n) {
    int64_t x = static_cast<int64_t>(random() % ((1 << 25) + 1)) - (1 << 24);
    x >>= random() % 24;
    int32_t multiplier = (1 << 23) + random() % (1 << 23);
    checkFloat(x, multiplier, random() % (kMaxShift + 1));
  }
}

TEST(FixedPoint, FloatFormTies) {
  std::mt19937_64 random(4);
  for (int n = 0; n < 1000000; ++n) {
    // multiplier = odd · 2^t below 2^24, x = odd · 2^f: a tie at shift t+f+1.
    int odd = random() % 12, t = 23 - odd;
    int32_t multiplier = static_cast<int32_t>(((random() % (1 << odd)) | 1) << t);
    int f = random() % 8;
    int64_t x = (static_cast<int64_t>(random() % (1 << 16)) | 1) << f;
    x = random() & 1 ? -x : x;
    for (int d = -1; d <= 1; ++d)
      checkFloat(x + d, multiplier, t + f + 1);
  }
}

TEST(FixedPoint, FloatFormAllAccumulatorsOfAFewMultipliers) {
  // Every accumulator that the predicate admits, the borders of the range of
  // unit-spaced floats included.
  for (auto [multiplier, shift] :
       {std::pair(1 << 23, 31), std::pair((1 << 24) - 1, 26),
        std::pair(11184811, 34)})
    for (int64_t x = -(1 << 24); x <= (1 << 24); x += 1) {
      float sum = std::fma(static_cast<float>(x),
                           std::ldexp(static_cast<float>(multiplier), -shift),
                           kMagic);
      if (canUseFloatRequantize(x, x, multiplier, shift) !=
          FloatRequantize::Exact)
        continue;
      ASSERT_EQ(bitsOf(sum) - bitsOf(kMagic), requantize(x, multiplier, shift));
    }
}

TEST(FixedPoint, FloatFormPredicate) {
  constexpr int64_t limit = 1 << 24;
  auto at = [](int64_t min, int64_t max, int32_t m, int32_t s) {
    return canUseFloatRequantize(min, max, m, s);
  };
  EXPECT_EQ(at(-limit, limit, 1 << 23, 30), FloatRequantize::Exact);
  EXPECT_EQ(at(-limit - 1, 0, 1 << 23, 30), FloatRequantize::Refused);
  EXPECT_EQ(at(0, limit + 1, 1 << 23, 30), FloatRequantize::Refused);
  EXPECT_EQ(at(0, 1, 1 << 24, 30), FloatRequantize::Refused);
  EXPECT_EQ(at(0, 1, -1, 30), FloatRequantize::Refused);
  EXPECT_EQ(at(0, 1, 1 << 23, 63), FloatRequantize::Refused);
  // The product reaches 2^22 exactly.
  EXPECT_EQ(at(0, limit, 1 << 23, 25), FloatRequantize::NeedsClamp);
  EXPECT_EQ(at(0, limit - 1, 1 << 23, 25), FloatRequantize::Exact);
  EXPECT_EQ(at(-limit, limit, (1 << 24) - 1, 26), FloatRequantize::Exact);
  EXPECT_EQ(at(-limit, limit, (1 << 24) - 1, 62), FloatRequantize::Exact);
}

//===----------------------------------------------------------------------===//
// Multipliers
//===----------------------------------------------------------------------===//

TEST(FixedPoint, QuantizeMultiplierIsNearest) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> mantissa(1, 2);
  for (int bits : {16, 24, 31})
    for (int n = 0; n < 20000; ++n) {
      double scale = std::ldexp(mantissa(random),
                                static_cast<int>(random() % 40) - 30);
      auto m = quantizeMultiplier(scale, bits);
      if (!m) {
        EXPECT_GT(scale, std::ldexp(1.0, bits - 1));
        continue;
      }
      EXPECT_GE(m->multiplier, 1ll << (bits - 1));
      EXPECT_LT(m->multiplier, 1ll << bits);
      EXPECT_LE(std::fabs(m->value() / scale - 1), std::ldexp(1.0, -bits));
    }
}

TEST(FixedPoint, QuantizeMultiplierEnds) {
  EXPECT_EQ(quantizeMultiplier(1.0), (FixedPointMultiplier{1 << 23, 23}));
  EXPECT_EQ(quantizeMultiplier(0.5, 31), (FixedPointMultiplier{1 << 30, 31}));
  // The mantissa rounds up to a power of two.
  EXPECT_EQ(quantizeMultiplier(1 - 1e-12), (FixedPointMultiplier{1 << 23, 23}));
  EXPECT_EQ(quantizeMultiplier(0.0)->multiplier, 0);
  EXPECT_EQ(quantizeMultiplier(1e-300), (FixedPointMultiplier{0, 62}));
  EXPECT_EQ(quantizeMultiplier(std::ldexp(1.0, -62)),
            (FixedPointMultiplier{1, 62}));
  EXPECT_TRUE(quantizeMultiplier((1 << 24) - 1));
  EXPECT_FALSE(quantizeMultiplier(1 << 24));
  EXPECT_FALSE(quantizeMultiplier(-1.0));
  EXPECT_FALSE(quantizeMultiplier(std::nan("")));
  EXPECT_FALSE(quantizeMultiplier(std::numeric_limits<double>::infinity()));
}

TEST(FixedPoint, AddMultipliersAreNear) {
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> mantissa(-2, 2);
  int likeFloat = 0;
  const int count = 500;
  for (int n = 0; n < count; ++n) {
    double lhs = std::ldexp(mantissa(random), static_cast<int>(random() % 20) - 10);
    double rhs = lhs * std::ldexp(mantissa(random), static_cast<int>(random() % 6) - 3);
    auto m = addMultipliers(lhs, rhs);
    ASSERT_TRUE(m);
    int32_t greatest = std::max(std::abs(m->lhs), std::abs(m->rhs));
    EXPECT_GE(greatest, 1 << 14);
    EXPECT_LT(greatest, 1 << 15);
    double unit = m->requantizer.value();
    double error = std::max(std::fabs(m->lhs * unit - lhs), std::fabs(m->rhs * unit - rhs));
    double largest = std::max(std::fabs(lhs), std::fabs(rhs));
    EXPECT_LE(error, std::ldexp(largest, -15));
    likeFloat += error <= std::ldexp(largest, -24);
    // 8-bit operands can't leave the range of the float form (18).
    int64_t sum = 255ll * (std::abs(m->lhs) + std::abs(m->rhs));
    EXPECT_NE(canUseFloatRequantize(-sum, sum, m->requantizer.multiplier,
                                    m->requantizer.shift),
              FloatRequantize::Refused);
  }
  EXPECT_GE(likeFloat, count * 98 / 100);
}

/// (20b) for every gate and a spread of x: the product with a factor is within its
/// bound of the exact one, and fits what an instruction of 16 bits computes.
TEST(FixedPoint, FactorsAreNear) {
  std::mt19937_64 random(8);
  std::uniform_real_distribution<double> exponent(-12, 2.99);
  for (int n = 0; n < 200; ++n) {
    double ratio = std::exp2(exponent(random)) / 255;
    auto m = factorMultipliers(ratio, 255);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->product.shift, 15);
    EXPECT_LE(m->product.multiplier, 1 << kMostDoublings);
    for (int32_t g = 0; g < 256; ++g) {
      int64_t factor = requantize(g, m->factor.multiplier, m->factor.shift);
      ASSERT_LE(factor, 32767);
      for (int32_t x : {-255, -128, -1, 0, 1, 37, 255}) {
        double exact = x * (g * ratio);
        double unrounded = x * factor * m->product.value();
        EXPECT_LE(std::fabs(unrounded - exact),
                  std::fabs(x) * std::ldexp(m->product.multiplier, -16) * 1.001);
        ASSERT_LT(std::abs(x) * m->product.multiplier, 1 << 14);
      }
    }
  }
}

TEST(FixedPoint, FactorEnds) {
  // A gate of at most 1 at equal scales: 255 · 32767.5/255 would be 2^15 already.
  EXPECT_EQ(factorMultipliers(32767.0 / 32768 / 255, 255)->product.multiplier, 1);
  EXPECT_EQ(factorMultipliers(1.0 / 255, 255)->product.multiplier, 2);
  EXPECT_EQ(factorMultipliers(3.9 / 255, 255)->product.multiplier, 4);
  EXPECT_EQ(factorMultipliers(4.0 / 255, 255)->product.multiplier, 8);
  EXPECT_FALSE(factorMultipliers(8.0 / 255, 255));
  EXPECT_FALSE(factorMultipliers(1e30, 255));
  EXPECT_EQ(factorMultipliers(1e-30, 255)->product.multiplier, 1);
  // Every x, at a factor of exactly one half: ties go up.
  for (int32_t x = -255; x <= 255; ++x)
    EXPECT_EQ(requantize(int64_t(x) << 14, 1, 15, RoundingMode::HalfUp),
              static_cast<int64_t>(std::floor(x / 2.0 + 0.5)));
}

TEST(FixedPoint, AddMultipliersEnds) {
  auto one = addMultipliers(1.0, -1.0);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->lhs, 1 << 14);
  EXPECT_EQ(one->rhs, -(1 << 14));
  EXPECT_EQ(one->requantizer, (FixedPointMultiplier{1 << 23, 37}));
  EXPECT_EQ(addMultipliers(std::ldexp(1.0, 37), 0.0)->requantizer.shift, 0);
  EXPECT_FALSE(addMultipliers(std::ldexp(1.0, 39), 0.0));
  EXPECT_FALSE(addMultipliers(std::nan(""), 0.0));
  EXPECT_EQ(addMultipliers(1e-300, 0.0)->requantizer.shift, 62);
  EXPECT_EQ(addMultipliers(0.0, 0.0)->lhs, 0);
}

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

TEST(FixedPoint, ChooseQuantParams) {
  QuantParams p = chooseQuantParams(-1.0, 1.0, 0, 255);
  EXPECT_EQ(p.zeroPoint, 127); // the f32 scale is above 2/255
  EXPECT_EQ(p.scale, static_cast<float>(2.0 / 255));
  p = chooseQuantParams(0.5, 6.0, 0, 255); // extended to 0
  EXPECT_EQ(p.zeroPoint, 0);
  EXPECT_EQ(p.scale, static_cast<float>(6.0 / 255));
  p = chooseQuantParams(-3.0, -1.0, -128, 127);
  EXPECT_EQ(p.zeroPoint, 127);
  p = chooseQuantParams(0.0, 0.0, 0, 255);
  EXPECT_EQ(p.scale, 1.0);
  EXPECT_EQ(p.zeroPoint, 0);
  p = chooseQuantParams(1.0, -1.0, -128, 127); // empty: [0, 0] is left
  EXPECT_EQ(p.zeroPoint, -128);
  EXPECT_TRUE(std::isnormal(p.scale));
}

TEST(FixedPoint, ChooseQuantParamsIsAlwaysUsable) {
  const double inf = std::numeric_limits<double>::infinity();
  for (double min : {-inf, -1e300, -1e38, -1.0, -1e-45, 0.0, std::nan("")})
    for (double max : {0.0, 1e-45, 1e-30, 1.0, 3e38, inf, std::nan("")})
      for (auto [qmin, qmax] : {std::pair(0, 255), std::pair(-128, 127),
                                std::pair(-32768, 32767), std::pair(0, 1)}) {
        QuantParams p = chooseQuantParams(min, max, qmin, qmax);
        float scale = static_cast<float>(p.scale);
        EXPECT_EQ(scale, p.scale);
        EXPECT_TRUE(std::isnormal(scale) && scale > 0);
        EXPECT_TRUE(qmin <= p.zeroPoint && p.zeroPoint <= qmax);
        EXPECT_EQ(quantize(0.0f, 1 / scale, p.zeroPoint, qmin, qmax),
                  p.zeroPoint);
      }
}

TEST(FixedPoint, QuantizeRoundsTiesToEvenAndClamps) {
  auto q = [](float x) { return quantize(x, 2.0f, 3, 0, 255); };
  EXPECT_EQ(q(0.25f), 3);  // 0.5
  EXPECT_EQ(q(0.75f), 5);  // 1.5
  EXPECT_EQ(q(-0.75f), 1); // −1.5
  EXPECT_EQ(q(-1e30f), 0);
  EXPECT_EQ(q(1e30f), 255);
  EXPECT_EQ(q(std::numeric_limits<float>::infinity()), 255);
  EXPECT_EQ(q(-std::numeric_limits<float>::infinity()), 0);
  EXPECT_EQ(q(std::nanf("")), 0);
  EXPECT_EQ(quantize(std::nanf(""), 1.0f, 0, -128, 127), -128);
}

TEST(FixedPoint, QuantizeAfterDequantizeIsTheIdentity) {
  for (float scale : {1.0f, 0.1f, 3e-7f, 0.0235294f, 1234.5f})
    for (int32_t zp : {0, 3, 128, 255})
      for (int32_t q = 0; q < 256; ++q)
        EXPECT_EQ(quantize(dequantize(q, scale, zp), 1 / scale, zp, 0, 255), q);
}

TEST(FixedPoint, SaturateToInt32) {
  EXPECT_EQ(saturateToInt32(2.5), 2);
  EXPECT_EQ(saturateToInt32(-3.5), -4);
  EXPECT_EQ(saturateToInt32(1e10), std::numeric_limits<int32_t>::max());
  EXPECT_EQ(saturateToInt32(-1e10), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(saturateToInt32(std::nan("")), 0);
}

} // namespace
