//===- IntegerGRUTest.cpp - qnn.gru in integers ---------------------------===//
//
// docs/Spec.md, section 10: the steps to the bit, each within its bound of the real
// cell, and all of them near a GRU of doubles.
//
//===----------------------------------------------------------------------===//
#include "IntegerRecurrence.h"

using namespace dyadic;
using namespace dyadic::test;
using namespace mlir;

namespace {
struct GRU {
  int64_t steps, batch, units;
  bool reverse, linearBeforeReset;
  std::vector<int16_t> projection;
  std::vector<int8_t> weights;
  std::vector<float> scales, hidden, bias; // empty: it has none
};

constexpr double kProjectionScale = 0.0005;

GRU randomGRU(int64_t steps, int64_t batch, int64_t units, bool reverse,
              bool linearBeforeReset, bool hasBias) {
  std::mt19937 random(units);
  GRU net{steps, batch, units, reverse, linearBeforeReset, {}, {}, {}, {}, {}};
  net.projection = numbers<int16_t>(random, steps * batch * 3 * units, 6000);
  net.weights = numbers<int8_t>(random, units * 3 * units, 127.4);
  for (double x : numbers<double>(random, 3 * units, 1))
    net.scales.push_back(static_cast<float>(0.002 * (2 + x)));
  net.hidden = numbers<float>(random, batch * units, 1);
  if (hasBias)
    net.bias = numbers<float>(random, units, 0.7);
  return net;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double stepsOf(int64_t gate) { return gate == 2 ? 4096 : 2048; }

struct Steps {
  std::vector<int64_t> hidden;
  /// How far each is at most from what its step would be in reals, as a part of the bound.
  double worst = 0;
};

/// The steps of Spec.md.
Steps runInIntegers(const GRU &net) {
  int64_t units = net.units, columns = 3 * units;
  auto sigmoids = gateTable(kSigmoidGate), tanhs = gateTable(kTanhGate);
  int64_t shift = shiftOf(net.scales, units, kProjectionScale, {2048, 2048, 4096});
  auto fixed = [&](double x) { return std::llround(std::ldexp(x, shift)); };
  Steps found;
  found.hidden.resize(net.steps * net.batch * units);
  for (int64_t n = 0; n < net.batch; ++n) {
    std::vector<int64_t> h, next(units);
    for (int64_t u = 0; u < units; ++u)
      h.push_back(saturated(std::llround(std::ldexp(net.hidden[n * units + u], 15))));
    for (int64_t i = 0; i < net.steps; ++i) {
      int64_t t = net.reverse ? net.steps - 1 - i : i;
      const int16_t *p = &net.projection[(t * net.batch + n) * columns];
      auto sumOf = [&](const std::vector<int64_t> &state, int64_t j) {
        int64_t sum = 0;
        for (int64_t k = 0; k < units; ++k)
          sum += halfUp(127 * state[k], 15) * net.weights[k * columns + j];
        return sum;
      };
      auto scaled = [&](int64_t sum, int64_t j) {
        return sum * fixed(double(net.scales[j]) / 127 * stepsOf(j / units));
      };
      auto input = [&](int64_t j) {
        return p[j] * fixed(double(float(kProjectionScale)) * stepsOf(j / units));
      };
      auto argument = [&](int64_t sum) {
        return static_cast<int32_t>(saturated(halfUp(sum, shift)));
      };
      auto gate = [&](int64_t j) -> int64_t {
        return interpolate(sigmoids, argument(scaled(sumOf(h, j), j) + input(j)));
      };
      std::vector<int64_t> kept(units);
      for (int64_t u = 0; u < units; ++u)
        kept[u] = saturated(halfUp(gate(units + u) * h[u], 15));
      for (int64_t u = 0; u < units; ++u) {
        int64_t j = 2 * units + u, z = gate(u);
        double bias = net.bias.empty() ? 0 : net.bias[u];
        int64_t product = sumOf(net.linearBeforeReset ? h : kept, j),
                part = scaled(product, j);
        if (net.linearBeforeReset)
          part = gate(units + u) * halfUp(part + fixed(bias * stepsOf(2)), 15);
        int64_t candidate = interpolate(tanhs, argument(part + input(j)));
        next[u] = saturated(halfUp(z * h[u] + (32768 - z) * candidate, 15));
        // In reals, from the same state as the products have it.
        auto real = [&](int64_t sum, int64_t j) { return sum * double(net.scales[j]) / 127; };
        auto realGate = [&](int64_t j) {
          return sigmoid(real(sumOf(h, j), j) + kProjectionScale * p[j]);
        };
        double behind = real(product, j) + bias, update = realGate(u),
               reset = net.linearBeforeReset ? realGate(units + u) : 1,
               exact = (1 - update) * std::tanh(reset * behind + kProjectionScale * p[j]) +
                       update * std::ldexp(double(h[u]), -15),
               bound = 1.0 / 2048 + (net.linearBeforeReset ? std::fabs(behind) / 8192 : 0);
        found.worst = std::max(
            found.worst, std::fabs(std::ldexp(double(next[u]), -15) - exact) / bound);
      }
      h = next;
      llvm::copy(h, found.hidden.begin() + (t * net.batch + n) * units);
    }
  }
  return found;
}

std::vector<double> runInDoubles(const GRU &net) {
  int64_t units = net.units, columns = 3 * units;
  std::vector<double> shown(net.steps * net.batch * units);
  for (int64_t n = 0; n < net.batch; ++n) {
    std::vector<double> h(net.hidden.begin() + n * units, net.hidden.begin() + (n + 1) * units);
    for (int64_t i = 0; i < net.steps; ++i) {
      int64_t t = net.reverse ? net.steps - 1 - i : i;
      const int16_t *p = &net.projection[(t * net.batch + n) * columns];
      auto product = [&](const std::vector<double> &state, int64_t j) {
        double sum = 0;
        for (int64_t k = 0; k < units; ++k)
          sum += state[k] * net.weights[k * columns + j] * net.scales[j];
        return sum;
      };
      std::vector<double> kept(units), next(units), reset(units);
      for (int64_t u = 0; u < units; ++u) {
        reset[u] = sigmoid(product(h, units + u) + kProjectionScale * p[units + u]);
        kept[u] = reset[u] * h[u];
      }
      for (int64_t u = 0; u < units; ++u) {
        int64_t j = 2 * units + u;
        double update = sigmoid(product(h, u) + kProjectionScale * p[u]),
               bias = net.bias.empty() ? 0 : net.bias[u],
               part = net.linearBeforeReset ? reset[u] * (product(h, j) + bias)
                                            : product(kept, j);
        next[u] = (1 - update) * std::tanh(part + kProjectionScale * p[j]) + update * h[u];
      }
      h = next;
      llvm::copy(h, shown.begin() + (t * net.batch + n) * units);
    }
  }
  return shown;
}

/// The lowered op's hidden states.
std::vector<float> run(const GRU &net) {
  std::string p = typeText({net.steps, net.batch, 3 * net.units}, "i16"),
              r = typeText({net.steps, net.batch, 3 * net.units}, "f32"),
              s = typeText({net.batch, net.units}, "f32"),
              w = typeText({net.units, 3 * net.units}, "i8"),
              h = typeText({net.steps, net.batch, net.units}, "f32"),
              b = typeText({net.units}, "f32");
  bool hasBias = !net.bias.empty();
  std::string text = "func.func @main(%p: " + p + ", %h: " + s + ") -> " + h + " {\n" +
                     weightsText(net.weights, net.units);
  if (hasBias)
    text += "%b = qnn.constant dense<[" + listText(net.bias) + "]> : " + b + " : " + b + "\n";
  text += "%r = dyadic.dequantize %p {scale = 0.0005 : f32, zero_point = 0 : i32} : (" + p +
          ") -> " + r + "\n%y = qnn.gru %r, %w, %h" + (hasBias ? ", %b" : "") +
          " {linear_before_reset = " + (net.linearBeforeReset ? "true" : "false") +
          ", reverse = " + (net.reverse ? "true" : "false") +
          ", recurrent_scales = array<f32: " + listText(net.scales) + ">} : (" + r + ", " + w +
          ", " + s + (hasBias ? ", " + b : "") + ") -> " + h + "\nreturn %y : " + h + " }";
  return runLowered<qnn::GRUOp>(
      text, createLowerGRUToIntegers(),
      {hostTensor({net.steps, net.batch, 3 * net.units}, net.projection),
       hostTensor({net.batch, net.units}, net.hidden)});
}

struct Form {
  int64_t steps, batch, units;
  bool reverse, linearBeforeReset, hasBias;
};
class IntegerGRU : public testing::TestWithParam<Form> {};
} // namespace

TEST_P(IntegerGRU, IsExactAndNear) {
  auto [steps, batch, units, reverse, linearBeforeReset, hasBias] = GetParam();
  GRU net = randomGRU(steps, batch, units, reverse, linearBeforeReset, hasBias);
  std::vector<float> found = run(net);
  Steps expected = runInIntegers(net);
  std::vector<double> real = runInDoubles(net);
  ASSERT_EQ(found.size(), expected.hidden.size());
  double worst = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i], std::ldexp(float(expected.hidden[i]), -15)) << "at " << i;
    worst = std::max(worst, std::fabs(found[i] - real[i]));
  }
  EXPECT_LE(expected.worst, 1);
  if (units > 1) // of many numbers
    EXPECT_GT(expected.worst, 0.1) << "a bound that says nothing";
  EXPECT_LE(worst, 0.02);
}

TEST_P(IntegerGRU, IsTheSameInParts) {
  auto [steps, batch, units, reverse, linearBeforeReset, hasBias] = GetParam();
  GRU net = randomGRU(steps, batch, units, /*reverse=*/false, linearBeforeReset, hasBias),
      part = net;
  std::vector<float> whole = run(net), inParts;
  int64_t state = batch * units;
  part.steps = 1;
  for (int64_t t = 0; t < steps; ++t) {
    part.projection.assign(net.projection.begin() + t * 3 * state,
                           net.projection.begin() + (t + 1) * 3 * state);
    part.hidden = run(part);
    inParts.insert(inParts.end(), part.hidden.begin(), part.hidden.end());
  }
  EXPECT_EQ(whole, inParts);
}

INSTANTIATE_TEST_SUITE_P(Forms, IntegerGRU,
                         testing::Values(Form{6, 1, 16, false, true, true},
                                         Form{5, 3, 12, true, true, false},
                                         Form{4, 2, 7, false, true, true},
                                         Form{6, 1, 16, false, false, false},
                                         Form{5, 2, 7, true, false, false},
                                         Form{3, 1, 1, true, true, true}));
