//===- GateTables.cpp -----------------------------------------------------===//
#include "GateTables.h"

#include <cmath>

using namespace dyadic;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
static double tanhOf(double x) { return std::tanh(x); }

const GateFunction dyadic::kSigmoidGate{sigmoid, 11};
const GateFunction dyadic::kTanhGate{tanhOf, 12};

llvm::SmallVector<int32_t> dyadic::gateTable(const GateFunction &gate) {
  constexpr int32_t kEntries = 513, kStep = 128;
  double step = std::ldexp(kStep, -gate.fractionBits);
  llvm::SmallVector<int32_t> table;
  for (int32_t i = 0; i < kEntries; ++i) {
    double x = (i - kEntries / 2) * step, y = gate.function(x),
           bend = gate.function(x + step) - 2 * y + gate.function(x - step);
    table.push_back(static_cast<int32_t>(std::nearbyint(32768 * (y - bend / 16))));
  }
  return table;
}

int32_t dyadic::interpolate(llvm::ArrayRef<int32_t> table, int32_t x) {
  int32_t at = (x >> 7) + 256, fraction = x & 127;
  return table[at] + (((table[at + 1] - table[at]) * fraction + 64) >> 7);
}
