//===- LiteRTTables16.cpp - tables that 16-bit functions interpolate ------===//
#include "LiteRTTables.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

/// 513 samples of `function` over [min, max], as 16-bit numbers of which one is
/// worth `unit`. Samples are moved by half of what a line through them misses in
/// the middle.
template <typename Real>
static SmallVector<int32_t> sample(Real min, Real max, Real unit,
                                   llvm::function_ref<Real(Real)> function) {
  constexpr int32_t kSteps = 512;
  Real step = (max - min) / kSteps;
  auto scaled = [&](Real x) { return function(x) * unit; };
  auto saturated = [](Real x) {
    return static_cast<int32_t>(std::min<Real>(std::max<Real>(x, -32768), 32767));
  };
  SmallVector<int32_t> table;
  for (int32_t i = 0; i < kSteps; ++i) {
    Real here = std::round(scaled(min + i * step));
    Real next = scaled(min + (i + 1) * step);
    Real middle = std::round(scaled(min + i * step + step / 2));
    Real missed = std::round((next + here) / 2) - middle;
    table.push_back(saturated(here - std::round(missed / 2)));
  }
  table.push_back(saturated(std::round(scaled(max))));
  return table;
}

SmallVector<int32_t> litert::exponentialTable() {
  return sample<double>(-10, 0, 65536.0 / 2, [](double x) { return std::exp(x); });
}

SmallVector<int32_t> litert::inverseTable() {
  return sample<double>(0, 1, 65536.0 / 2, [](double x) { return 1 / (1 + x); });
}

SmallVector<int32_t>
litert::interpolationTable(qnn::ElementwiseOpInterface op, ActivationType from,
                           ActivationType to) {
  auto end = [](ActivationType type, int32_t q) {
    return static_cast<float>(type.getScale()) *
           static_cast<float>(q - type.getZeroPoint());
  };
  return sample<float>(end(from, INT16_MIN), end(from, INT16_MAX),
                       65536 / (end(to, INT16_MAX) - end(to, INT16_MIN)),
                       [&](float x) { return op.evaluateAt(x); });
}

SmallVector<int32_t> litert::sigmoidTable() {
  SmallVector<int32_t> table;
  for (int32_t i = 0; i < 255; ++i) {
    // Less half of what a line misses in the middle, which is an eighth of the
    // second derivative.
    double y = 1 / (1 + std::exp(-i / 24.0)), slope = y * (1 - y) / 24,
           bend = slope * (1 - 2 * y) / 24;
    table.push_back(static_cast<int32_t>(std::round(65536 * (y - bend / 16))));
  }
  table.push_back(UINT16_MAX); // what all beyond it is
  return table;
}

litert::SigmoidInput litert::sigmoidInput(double scale) {
  // Powers of two are met within a thousandth.
  double log = std::log(static_cast<float>(scale)) * (1.0f / std::log(2.0f));
  double exponent = 12 + std::round(log);
  if (std::fabs(log - std::round(log)) < 1e-3 && (exponent == 0 || exponent == 1))
    return {3 << static_cast<int>(exponent), 0};
  double multiplier = static_cast<float>(scale) * 4096.0 * 3.0;
  int32_t shift = 0;
  for (; multiplier <= 32767.0 / 2 && shift <= 30; ++shift)
    multiplier *= 2;
  return {static_cast<int16_t>(std::min(multiplier, 32767.0)), shift};
}
