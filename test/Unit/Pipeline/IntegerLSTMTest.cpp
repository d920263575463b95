//===- IntegerLSTMTest.cpp - qnn.lstm in integers -------------------------===//
//
// docs/Spec.md, section 10: the gates' functions within their bounds for each of the
// 65536 arguments; the steps to the bit, and near an LSTM of doubles.
//
//===----------------------------------------------------------------------===//
#include "IntegerRecurrence.h"

using namespace dyadic;
using namespace dyadic::test;
using namespace mlir;

TEST(GateTables, Bounds) {
  // In units of 2^−15: half of what a line through exact values misses, half a unit
  // for the entries and half a unit for the result.
  for (auto [gate, bound] : {std::pair(&kSigmoidGate, 1.8), std::pair(&kTanhGate, 2.6)}) {
    auto table = gateTable(*gate);
    ASSERT_EQ(table.size(), 513u);
    double worst = 0;
    for (int32_t x = INT16_MIN; x <= INT16_MAX; ++x) {
      double exact = 32768 * gate->function(std::ldexp(x, -gate->fractionBits));
      int32_t y = interpolate(table, x);
      worst = std::max(worst, std::fabs(y - exact));
      EXPECT_LE(std::abs(y), 32768);
    }
    EXPECT_LE(worst, bound);
    EXPECT_GT(worst, 0.5) << "a bound that says nothing";
  }
}

namespace {
struct LSTM {
  int64_t steps, batch, units;
  bool reverse;
  std::vector<int16_t> projection;
  std::vector<int8_t> weights;
  std::vector<float> scales, hidden, cell;
};

constexpr double kProjectionScale = 0.001;

LSTM randomLSTM(int64_t steps, int64_t batch, int64_t units, bool reverse) {
  std::mt19937 random(units);
  LSTM net{steps, batch, units, reverse, {}, {}, {}, {}, {}};
  net.projection = numbers<int16_t>(random, steps * batch * 4 * units, 6000);
  net.weights = numbers<int8_t>(random, units * 4 * units, 127.4);
  for (double x : numbers<double>(random, 4 * units, 1))
    net.scales.push_back(static_cast<float>(0.002 * (2 + x)));
  net.hidden = numbers<float>(random, batch * units, 1);
  net.cell = numbers<float>(random, batch * units, 40);
  return net;
}

/// The steps of Spec.md, hidden states and then cells.
std::vector<int64_t> runInIntegers(const LSTM &net) {
  int64_t units = net.units;
  auto sigmoids = gateTable(kSigmoidGate), tanhs = gateTable(kTanhGate);
  auto steps = [](int64_t gate) { return gate == 3 ? 4096.0 : 2048.0; };
  int64_t shift = shiftOf(net.scales, units, kProjectionScale, {2048, 2048, 2048, 4096});
  auto fixed = [&](double x) { return std::llround(std::ldexp(x, shift)); };
  std::vector<int64_t> shown(net.steps * net.batch * units), cells;
  for (int64_t n = 0; n < net.batch; ++n) {
    std::vector<int64_t> h, c;
    for (int64_t u = 0; u < units; ++u) {
      h.push_back(saturated(std::llround(std::ldexp(net.hidden[n * units + u], 15))));
      c.push_back(saturated(std::llround(std::ldexp(net.cell[n * units + u], 9))));
    }
    for (int64_t i = 0; i < net.steps; ++i) {
      int64_t t = net.reverse ? net.steps - 1 - i : i;
      std::vector<int64_t> a(4 * units);
      for (int64_t j = 0; j < 4 * units; ++j) {
        int64_t sum = 0;
        for (int64_t k = 0; k < units; ++k)
          sum += halfUp(127 * h[k], 15) * net.weights[k * 4 * units + j];
        sum = sum * fixed(double(net.scales[j]) / 127 * steps(j / units)) +
              net.projection[(t * net.batch + n) * 4 * units + j] *
                  fixed(double(float(kProjectionScale)) * steps(j / units));
        a[j] = saturated(halfUp(sum, shift));
      }
      for (int64_t u = 0; u < units; ++u) {
        auto sigmoid = [&](int64_t gate) -> int64_t { return interpolate(sigmoids, a[gate * units + u]); };
        int64_t added = halfUp(sigmoid(0) * interpolate(tanhs, a[3 * units + u]), 6);
        c[u] = saturated(halfUp(sigmoid(2) * c[u] + added, 15));
        h[u] = saturated(halfUp(sigmoid(1) * interpolate(tanhs, saturated(8 * c[u])), 15));
        shown[(t * net.batch + n) * units + u] = h[u];
      }
    }
    cells.insert(cells.end(), c.begin(), c.end());
  }
  shown.insert(shown.end(), cells.begin(), cells.end());
  return shown;
}

std::vector<double> runInDoubles(const LSTM &net) {
  int64_t units = net.units;
  std::vector<double> shown(net.steps * net.batch * units), cells;
  for (int64_t n = 0; n < net.batch; ++n) {
    std::vector<double> h(net.hidden.begin() + n * units, net.hidden.begin() + (n + 1) * units),
        c(net.cell.begin() + n * units, net.cell.begin() + (n + 1) * units);
    for (int64_t i = 0; i < net.steps; ++i) {
      int64_t t = net.reverse ? net.steps - 1 - i : i;
      std::vector<double> a(4 * units);
      for (int64_t j = 0; j < 4 * units; ++j) {
        a[j] = kProjectionScale * net.projection[(t * net.batch + n) * 4 * units + j];
        for (int64_t k = 0; k < units; ++k)
          a[j] += h[k] * net.weights[k * 4 * units + j] * net.scales[j];
      }
      for (int64_t u = 0; u < units; ++u) {
        auto sigmoid = [&](int64_t gate) { return 1 / (1 + std::exp(-a[gate * units + u])); };
        c[u] = sigmoid(2) * c[u] + sigmoid(0) * std::tanh(a[3 * units + u]);
        h[u] = sigmoid(1) * std::tanh(c[u]);
        shown[(t * net.batch + n) * units + u] = h[u];
      }
    }
    cells.insert(cells.end(), c.begin(), c.end());
  }
  shown.insert(shown.end(), cells.begin(), cells.end());
  return shown;
}

class IntegerLSTM : public testing::TestWithParam<std::tuple<int, int, int, bool>> {
protected:
  /// The lowered op: hidden states and then cells as floats.
  std::vector<float> run(const LSTM &net) {
    std::string p = typeText({net.steps, net.batch, 4 * net.units}, "i16"),
                r = typeText({net.steps, net.batch, 4 * net.units}, "f32"),
                s = typeText({net.batch, net.units}, "f32"), w = typeText({net.units, 4 * net.units}, "i8"),
                out = typeText({net.steps + 1, net.batch, net.units}, "f32"),
                h = typeText({net.steps, net.batch, net.units}, "f32"),
                c = typeText({1, net.batch, net.units}, "f32");
    auto slice = [&](const char *name, int64_t first, int64_t count, const std::string &to) {
      return std::string(name) + " = qnn.slice %y {offsets = array<i64: " + std::to_string(first) +
             ", 0, 0>, sizes = array<i64: " + std::to_string(count) + ", " +
             std::to_string(net.batch) + ", " + std::to_string(net.units) +
             ">, strides = array<i64: 1, 1, 1>} : (" + out + ") -> " + to + "\n";
    };
    std::string text =
        "func.func @main(%p: " + p + ", %h: " + s + ", %c: " + s + ") -> (" + h + ", " + c + ") {\n" +
        weightsText(net.weights, net.units) +
        "%r = dyadic.dequantize %p {scale = 0.001 : f32, zero_point = 0 : i32} : (" + p + ") -> " + r + "\n" +
        "%y = qnn.lstm %r, %w, %h, %c {with_cell = true, reverse = " + (net.reverse ? "true" : "false") +
        ", recurrent_scales = array<f32: " + listText(net.scales) + ">} : (" + r + ", " + w + ", " + s + ", " + s + ") -> " + out + "\n" +
        slice("%a", 0, net.steps, h) + slice("%b", net.steps, 1, c) +
        "return %a, %b : " + h + ", " + c + " }";
    return runLowered<qnn::LSTMOp>(
        text, createLowerLSTMToIntegers(),
        {hostTensor({net.steps, net.batch, 4 * net.units}, net.projection),
         hostTensor({net.batch, net.units}, net.hidden),
         hostTensor({net.batch, net.units}, net.cell)});
  }
};
} // namespace

TEST_P(IntegerLSTM, IsExactAndNear) {
  auto [steps, batch, units, reverse] = GetParam();
  LSTM net = randomLSTM(steps, batch, units, reverse);
  std::vector<float> found = run(net);
  std::vector<int64_t> expected = runInIntegers(net);
  std::vector<double> real = runInDoubles(net);
  ASSERT_EQ(found.size(), expected.size());
  int64_t numHidden = int64_t(steps) * batch * units;
  double worst = 0, worstCell = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(found.size()); ++i) {
    int64_t bits = i < numHidden ? 15 : 9;
    ASSERT_EQ(found[i], std::ldexp(float(expected[i]), -bits)) << "at " << i;
    double &error = i < numHidden ? worst : worstCell;
    error = std::max(error, std::fabs(found[i] - real[i]));
  }
  EXPECT_LE(worst, 0.02);
  EXPECT_LE(worstCell, 0.1);
}

TEST_P(IntegerLSTM, IsTheSameInParts) {
  auto [steps, batch, units, reverse] = GetParam();
  LSTM net = randomLSTM(steps, batch, units, /*reverse=*/false), part = net;
  std::vector<float> whole = run(net), inParts;
  int64_t state = int64_t(batch) * units;
  part.steps = 1;
  for (int64_t t = 0; t < steps; ++t) {
    part.projection.assign(net.projection.begin() + t * 4 * state,
                           net.projection.begin() + (t + 1) * 4 * state);
    std::vector<float> found = run(part);
    part.hidden.assign(found.begin(), found.begin() + state);
    part.cell.assign(found.begin() + state, found.end());
    inParts.insert(inParts.end(), part.hidden.begin(), part.hidden.end());
  }
  inParts.insert(inParts.end(), part.cell.begin(), part.cell.end());
  EXPECT_EQ(whole, inParts);
}

INSTANTIATE_TEST_SUITE_P(Shapes, IntegerLSTM,
                         testing::Values(std::tuple(6, 1, 16, false), std::tuple(5, 3, 12, true),
                                         std::tuple(4, 2, 7, false), std::tuple(3, 1, 1, true)));

TEST(IntegerMagnitude, IsNearest) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(R"(
func.func @main(%p: tensor<70000xi16>, %r: tensor<70000xi16>) -> tensor<70000xf32> {
  %0 = dyadic.dequantize %p {scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<70000xi16>) -> tensor<70000xf32>
  %1 = dyadic.dequantize %r {scale = 1.0 : f32, zero_point = 0 : i32} : (tensor<70000xi16>) -> tensor<70000xf32>
  %2 = qnn.mul %0, %0 : (tensor<70000xf32>, tensor<70000xf32>) -> tensor<70000xf32>
  %3 = qnn.mul %1, %1 : (tensor<70000xf32>, tensor<70000xf32>) -> tensor<70000xf32>
  %4 = qnn.add %2, %3 : (tensor<70000xf32>, tensor<70000xf32>) -> tensor<70000xf32>
  %5 = qnn.sqrt %4 : (tensor<70000xf32>) -> tensor<70000xf32>
  return %5 : tensor<70000xf32>
})",
                                            &context);
  ASSERT_TRUE(module);
  PassManager pm(&context);
  pm.addNestedPass<func::FuncOp>(createLowerMagnitudes());
  ASSERT_TRUE(succeeded(pm.run(*module)));
  ASSERT_FALSE(module->walk([](qnn::SqrtOp) { return WalkResult::interrupt(); }).wasInterrupted());
  // All values beside a small one, then pairs of all sizes.
  std::mt19937 random(3);
  HostTensor x(ElementKind::I16, {70000}), y(ElementKind::I16, {70000});
  for (int64_t i = 0; i < 70000; ++i) {
    int bits = i < 65536 ? 8 : 1 + i % 15;
    std::uniform_int_distribution<int> value(-(1 << bits), (1 << bits) - 1);
    x.as<int16_t>()[i] = static_cast<int16_t>(i < 65536 ? i - 32768 : value(random));
    y.as<int16_t>()[i] = static_cast<int16_t>(value(random));
  }
  auto outputs = interpret(module->lookupSymbol<func::FuncOp>("main"), {x, y});
  ASSERT_TRUE(succeeded(outputs));
  for (int64_t i = 0; i < 70000; ++i) {
    auto part = [](int16_t q) { return std::max(double(q), -32767.0); };
    double root = std::hypot(part(x.as<int16_t>()[i]), part(y.as<int16_t>()[i]));
    ASSERT_EQ(outputs->front().as<float>()[i], 2 * std::floor(root / 2 + 0.5)) << "at " << i;
  }
}
