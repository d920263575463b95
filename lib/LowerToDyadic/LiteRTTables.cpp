//===- LiteRTTables.cpp ---------------------------------------------------===//
#include "LiteRTTables.h"

#include <cmath>
#include <utility>
#include <vector>

using namespace mlir;
using namespace dyadic;

//===----------------------------------------------------------------------===//
// Multipliers
//===----------------------------------------------------------------------===//

std::optional<FixedPointMultiplier>
litert::quantizeMultiplierAsDouble(double scale, int32_t min, int32_t max) {
  std::optional<FixedPointMultiplier> nearest = litert::quantizeMultiplier(scale);
  if (!nearest || nearest->multiplier == 0)
    return nearest;
  // The least x that gives y or more: both functions are monotone.
  auto reaches = [&](int64_t x, int32_t y) {
    return std::round(static_cast<double>(x) * scale) >= y;
  };
  std::vector<std::pair<int64_t, int32_t>> thresholds;
  for (int64_t y = int64_t{min} + 1; y <= max; ++y) {
    int64_t low = INT32_MIN, high = int64_t{INT32_MAX} + 1;
    while (low < high) {
      int64_t middle = low + (high - low) / 2;
      if (reaches(middle, static_cast<int32_t>(y)))
        high = middle;
      else
        low = middle + 1;
    }
    thresholds.emplace_back(low, static_cast<int32_t>(y));
  }
  auto agrees = [&](FixedPointMultiplier m) {
    auto result = [&](int64_t x) {
      return requantize(x, m.multiplier, m.shift, RoundingMode::HalfUp);
    };
    for (auto [x, y] : thresholds)
      if ((x <= INT32_MAX && result(x) < y) ||
          (x > INT32_MIN && result(x - 1) >= y))
        return false;
    return true;
  };
  constexpr int32_t kNeighbours = 64;
  for (int32_t i = 0; i <= kNeighbours; ++i)
    for (int32_t m : {nearest->multiplier + i, nearest->multiplier - i})
      if (m > 0 && agrees({m, nearest->shift}))
        return FixedPointMultiplier{m, nearest->shift};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Fixed point
//===----------------------------------------------------------------------===//

int32_t litert::multiply(int64_t x, FixedPointMultiplier m) {
  return static_cast<int32_t>(
      requantize(x, m.multiplier, m.shift, RoundingMode::DoubleRound));
}

/// x·y·2^−31 for Q0.31 factors, half up, saturated.
static int32_t multiplyHigh(int32_t x, int32_t y) {
  if (x == INT32_MIN && y == INT32_MIN)
    return INT32_MAX;
  return static_cast<int32_t>(shiftHalfUp(int64_t{x} * y, 31));
}

/// e^a of a in [−1/4, 0), both Q0.31: four terms of the series around −1/8.
static int32_t expOfQuarter(int32_t a) {
  constexpr int32_t kExpOfEighth = 1895147668, kThird = 715827883;
  int32_t x = a + (1 << 28);
  int32_t x2 = multiplyHigh(x, x), x3 = multiplyHigh(x2, x),
          x4 = multiplyHigh(x2, x2);
  auto quarter = static_cast<int32_t>(shiftHalfAway(x4, 2));
  int32_t terms = static_cast<int32_t>(
      shiftHalfAway(int64_t{multiplyHigh(quarter + x3, kThird)} + x2, 1));
  return kExpOfEighth + multiplyHigh(kExpOfEighth, x + terms);
}

/// e^a in Q0.31 of a ≤ 0 in Q5.26: the rest modulo 1/4, times powers of e.
static int32_t expOfNegative(int32_t a) {
  if (a == 0)
    return INT32_MAX;
  constexpr int kFractionBits = 26;
  constexpr int32_t kQuarter = 1 << (kFractionBits - 2);
  int32_t rest = (a & (kQuarter - 1)) - kQuarter;
  int32_t result = expOfQuarter(rest * 32);
  int32_t left = rest - a;
  // e^−2^k for k = −2, −1, …
  constexpr int32_t kPowers[] = {1672461947, 1302514674, 790015084, 290630308,
                                 39332535,   720401,     242};
  for (auto [i, power] : llvm::enumerate(kPowers))
    if (left & (int64_t{1} << (kFractionBits - 2 + i)))
      result = multiplyHigh(result, power);
  return result;
}

SmallVector<int32_t> litert::softmaxExponentials(double scale) {
  constexpr int kIntegerBits = 5;
  double factor = std::min(scale * (1 << (31 - kIntegerBits)),
                           double((int64_t{1} << 31) - 1));
  SmallVector<int32_t> table(256, 0);
  auto multiplier = litert::quantizeMultiplier(factor);
  int leftShift = 31 - multiplier->shift;
  auto radius = static_cast<int64_t>(
      std::floor(double((1 << kIntegerBits) - 1) *
                 double(int64_t{1} << (31 - kIntegerBits)) /
                 std::ldexp(1.0, leftShift)));
  for (int64_t d = 0; d < 256 && d <= radius; ++d)
    table[d] = expOfNegative(multiply(-d, *multiplier));
  return table;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

int32_t litert::quantizeBound(float real, ActivationType type) {
  auto scale = static_cast<float>(type.getScale());
  double q = double{std::round(real / scale)} + double(type.getZeroPoint());
  return static_cast<int32_t>(std::min<double>(
      std::max<double>(q, type.getStorageTypeMin()), type.getStorageTypeMax()));
}

/// A function of floats, rounded half away from zero.
static int32_t throughFloat(float y, ActivationType to) {
  float inverse = 1 / static_cast<float>(to.getScale());
  float rescaled = std::round(y * inverse) + static_cast<float>(to.getZeroPoint());
  if (rescaled != rescaled)
    rescaled = 0;
  return static_cast<int32_t>(std::min<float>(
      std::max<float>(rescaled, to.getStorageTypeMin()), to.getStorageTypeMax()));
}

/// Saturation to 16 bits.
static int32_t narrow(int64_t x) {
  return static_cast<int32_t>(dyadic::clamp(x, -32768, 32767));
}

/// x·y·2^−15 of 16-bit numbers, half up.
static int32_t multiplyHigh16(int32_t x, int32_t y) {
  return narrow(shiftHalfUp(int64_t{x} * y, 15));
}

namespace {
/// A multiplier of 15 bits and the exponent of two that goes with it.
struct ShortMultiplier {
  int32_t multiplier;
  int exponent;

  static ShortMultiplier of(float scale) {
    FixedPointMultiplier m =
        litert::quantizeMultiplier(scale).value_or(FixedPointMultiplier{0, 31});
    int64_t rounded = (int64_t{m.multiplier} + (1 << 15)) >> 16;
    return {narrow(rounded), 31 - m.shift};
  }
};
} // namespace

/// x · clamp(x/6 + 1/2, 0, 1) in 16 bits.
static int32_t hardSwish(int32_t q, ActivationType from, ActivationType to) {
  float fine = (1.0f / 128.0f) * static_cast<float>(from.getScale());
  auto out = ShortMultiplier::of(fine / static_cast<float>(to.getScale())),
       gate = ShortMultiplier::of(fine / (3.0f / 32768.0f));
  auto x = narrow((q - from.getZeroPoint()) * 128);
  int32_t scaled = multiplyHigh16(x, out.multiplier);
  int32_t g = x;
  if (gate.exponent > 0)
    g = narrow(int64_t{g} << (gate.exponent - 1));
  g = multiplyHigh16(g, gate.multiplier);
  if (gate.exponent > 0)
    g = narrow(int64_t{g} * 2);
  if (gate.exponent < 0)
    g = static_cast<int32_t>(shiftHalfAway(g, -gate.exponent));
  g = (g + (1 << 15)) >> 1;
  int32_t product = g * scaled / (1 << 15); // towards zero
  int64_t y = shiftHalfAway(product, std::max(-out.exponent, 0));
  return static_cast<int32_t>(
      dyadic::clamp(y + to.getZeroPoint(), to.getStorageTypeMin(),
                    to.getStorageTypeMax()));
}

static int32_t leakyRelu(int32_t q, float alpha, ActivationType from,
                         ActivationType to) {
  int64_t x = q - from.getZeroPoint();
  float in = static_cast<float>(from.getScale()),
        out = static_cast<float>(to.getScale());
  double factor = x >= 0 ? in / out : in * alpha / out;
  auto multiplier = litert::quantizeMultiplier(std::fabs(factor))
                        .value_or(FixedPointMultiplier{INT32_MAX, 0});
  int64_t y = litert::multiply(x, multiplier);
  return static_cast<int32_t>(
      dyadic::clamp((factor < 0 ? -y : y) + to.getZeroPoint(),
                    to.getStorageTypeMin(), to.getStorageTypeMax()));
}

/// relu and clamp: to storage values of the bounds, after a rescale where the
/// types differ.
static int32_t clampBetween(int32_t q, float min, float max,
                            ActivationType from, ActivationType to) {
  int64_t y = q;
  if (from != to) {
    double ratio =
        static_cast<float>(from.getScale()) / static_cast<float>(to.getScale());
    auto multiplier = litert::quantizeMultiplier(ratio).value_or(
        FixedPointMultiplier{INT32_MAX, 0});
    y = to.getZeroPoint() + litert::multiply(q - from.getZeroPoint(), multiplier);
  }
  return static_cast<int32_t>(dyadic::clamp(y, litert::quantizeBound(min, to),
                                            litert::quantizeBound(max, to)));
}

std::optional<HostTensor> litert::tabulate(Operation *op, ActivationType from,
                                           ActivationType to) {
  if (op->getNumOperands() != 1 || from.getStorageTypeIntegralWidth() != 8 ||
      to.getStorageTypeIntegralWidth() != 8)
    return std::nullopt;
  auto function = dyn_cast<qnn::ElementwiseOpInterface>(op);
  if (!function)
    return std::nullopt;
  HostTensor table(to.isSigned() ? ElementKind::I8 : ElementKind::U8, {256});
  int32_t first = from.isSigned() ? -128 : 0;
  for (int32_t i = 0; i < 256; ++i) {
    int32_t q = first + i, y;
    float x = static_cast<float>(from.getScale()) *
              static_cast<float>(q - from.getZeroPoint());
    if (isa<qnn::HardSwishOp>(op))
      y = hardSwish(q, from, to);
    else if (auto leaky = dyn_cast<qnn::LeakyReluOp>(op))
      y = leakyRelu(q, leaky.getAlpha().convertToFloat(), from, to);
    else if (isa<qnn::ReluOp>(op))
      y = clampBetween(q, 0, INFINITY, from, to);
    else if (auto clamp = dyn_cast<qnn::ClampOp>(op))
      y = clampBetween(q, clamp.getMin().convertToFloat(),
                       clamp.getMax().convertToFloat(), from, to);
    else if (isa<qnn::NegOp>(op))
      y = -q; // whatever it stands for, and of −128 itself
    else if (isa<qnn::LogOp>(op) && x <= 0)
      y = to.getStorageTypeMin();
    else
      y = throughFloat(function.evaluateAt(x), to);
    table.bytes[i] = static_cast<char>(y);
  }
  return table;
}

HostTensor litert::concatTable(ActivationType from, ActivationType to) {
  HostTensor table(ElementKind::U8, {256});
  float scale = static_cast<float>(from.getScale()) *
                (1 / static_cast<float>(to.getScale()));
  float bias = -static_cast<float>(from.getZeroPoint()) * scale;
  for (int32_t q = 0; q < 256; ++q) {
    float product = static_cast<float>(q) * scale;
    double y = double{std::round(product + bias)} + double(to.getZeroPoint());
    table.bytes[q] = static_cast<char>(
        static_cast<int32_t>(std::min(std::max(y, 0.0), 255.0)));
  }
  return table;
}
