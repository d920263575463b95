//===- IntegerFunctionsTest.cpp - integer functions against double --------===//
//
// The error bounds of docs/Spec.md, section 9: functions of one element for each of
// the 65536 values, softmax, layer norm and RMS norm for random rows of several spreads.
//
//===----------------------------------------------------------------------===//
#include "dyadic/InitAll.h"
#include "dyadic/LowerToDyadic/Passes.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

using namespace dyadic;
using namespace mlir;

namespace {
/// Runs one quantized op.
class IntegerFunctionsTest : public testing::Test {
protected:
  IntegerFunctionsTest() : context(registry(), MLIRContext::Threading::DISABLED) {
    context.loadAllAvailableDialects();
  }
  static DialectRegistry registry() {
    DialectRegistry registry;
    registerAllDialects(registry);
    return registry;
  }

  /// What @main of `text`, lowered, makes of `inputs`.
  HostTensor run(const std::string &text, const std::vector<HostTensor> &inputs) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    PassManager pm(&context);
    pm.addNestedPass<func::FuncOp>(createLowerQNNToDyadic({"", /*integerFunctions=*/true}));
    EXPECT_TRUE(succeeded(pm.run(*module)));
    auto outputs = interpret(module->lookupSymbol<func::FuncOp>("main"), inputs);
    EXPECT_TRUE(succeeded(outputs));
    return outputs->front();
  }

  /// The same of a function of one element and all values of 16 bits.
  HostTensor runOnAll(const std::string &op, double scale, const std::string &type) {
    std::string x = "tensor<65536x!quant.uniform<i16:f32, " + std::to_string(scale) + ">>",
                y = "tensor<65536x" + type + ">";
    HostTensor all(ElementKind::I16, {65536});
    for (int64_t i = 0; i < 65536; ++i)
      all.as<int16_t>()[i] = static_cast<int16_t>(i + INT16_MIN);
    return run("func.func @main(%x: " + x + ") -> " + y + " { %0 = " + op + " %x : (" + x +
                   ") -> " + y + " return %0 : " + y + " }",
               {all});
  }

  HostTensor randomRows(int64_t rows, int64_t length) {
    HostTensor tensor(ElementKind::I16, {rows, length});
    for (int64_t row = 0; row < rows; ++row) {
      // From all values to a few steps.
      int spread = INT16_MAX >> (row % 12), shift = INT16_MAX - spread;
      std::uniform_int_distribution<int> value(-spread, spread), mean(-shift, shift);
      int middle = mean(random);
      for (int64_t i = 0; i < length; ++i)
        tensor.as<int16_t>()[row * length + i] = static_cast<int16_t>(middle + value(random));
    }
    return tensor;
  }

  MLIRContext context;
  std::mt19937 random{7};
};

struct Function {
  const char *op;
  std::function<double(double)> real;
  /// The greatest magnitude of the second derivative.
  double bend;
};

double gelu(double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

const Function functions[] = {
    {"qnn.gelu", gelu, .80},
    {"qnn.sigmoid", sigmoid, .097},
    {"qnn.tanh", [](double x) { return std::tanh(x); }, .77},
    {"qnn.swish", [](double x) { return x * sigmoid(x); }, .5},
    {"qnn.erf", [](double x) { return std::erf(x); }, .97},
    {"qnn.relu", [](double x) { return std::max(x, 0.0); }, 0},
    {"qnn.abs", [](double x) { return std::fabs(x); }, 0},
};

TEST_F(IntegerFunctionsTest, InterpolatesWithinTheBound) {
  constexpr double kScale = 0.0005, kResultScale = 0.001;
  for (const Function &f : functions) {
    HostTensor y = runOnAll(f.op, kScale, "!quant.uniform<i16:f32, 0.001>");
    double step = 64 * kScale, bound = kResultScale * (.5 + 1.0 / 64) + f.bend * step * step / 8;
    double worst = 0;
    for (int64_t i = 0; i < 65536; ++i)
      worst = std::max(worst, std::fabs(y.as<int16_t>()[i] * kResultScale -
                                        f.real((i + INT16_MIN) * kScale)));
    EXPECT_LE(worst, bound) << f.op;
    EXPECT_GE(worst, kResultScale / 4) << f.op; // else nothing was tested
  }
}

TEST_F(IntegerFunctionsTest, RoundsToBytesOnce) {
  HostTensor y = runOnAll("qnn.gelu", 0.0005, "!quant.uniform<u8:f32, 0.0625:3>");
  for (int64_t i = 0; i < 65536; ++i) {
    double exact = 3 + gelu((i + INT16_MIN) * 0.0005) / 0.0625;
    EXPECT_LE(std::fabs(y.as<uint8_t>()[i] - std::min(std::max(exact, 0.0), 255.0)), .52);
  }
}

TEST_F(IntegerFunctionsTest, TakesRoots) {
  HostTensor y = runOnAll("qnn.sqrt", 0.01, "!quant.uniform<i16:f32, 0.000625>");
  for (int64_t i = 0; i < 65536; ++i) {
    double exact = std::sqrt(std::max<double>(i + INT16_MIN, 0) * 0.01) / 0.000625;
    EXPECT_LE(std::fabs(y.as<int16_t>()[i] - exact), .51) << i;
  }
}

TEST_F(IntegerFunctionsTest, Divides) {
  HostTensor y = runOnAll("qnn.reciprocal", 0.01, "!quant.uniform<i16:f32, 0.004>");
  for (int64_t i = 0; i < 65536; ++i) {
    int64_t q = i + INT16_MIN;
    double exact = 1 / ((q ? q : 1) * 0.01) / 0.004;
    EXPECT_LE(std::fabs(y.as<int16_t>()[i] - exact), .501) << i;
  }
}

TEST_F(IntegerFunctionsTest, MasksScores) {
  HostTensor scores(ElementKind::I16, {4}), mask(ElementKind::I16, {4});
  for (auto [i, pair] : llvm::enumerate(std::vector<std::pair<int, int>>{
           {1000, 0}, {-32768, 0}, {32767, -1}, {5, -32768}})) {
    scores.as<int16_t>()[i] = static_cast<int16_t>(pair.first);
    mask.as<int16_t>()[i] = static_cast<int16_t>(pair.second);
  }
  HostTensor y = run(R"(
    !s = !quant.uniform<i16:f32, 0.001>
    !m = !quant.uniform<i16:f32, 1.0e34>
    !y = !quant.uniform<i16:f32, 0.002>
    func.func @main(%x: tensor<4x!s>, %m: tensor<4x!m>) -> tensor<4x!y> {
      %0 = qnn.add %x, %m : (tensor<4x!s>, tensor<4x!m>) -> tensor<4x!y>
      return %0 : tensor<4x!y>
    })",
                     {scores, mask});
  EXPECT_EQ(y.get(0), 500);
  EXPECT_EQ(y.get(1), -16384);
  EXPECT_EQ(y.get(2), INT16_MIN);
  EXPECT_EQ(y.get(3), INT16_MIN);
}

TEST_F(IntegerFunctionsTest, Softmax) {
  constexpr int64_t kRows = 96, kLength = 57;
  for (double scale : {1e-5, 0.0007, 0.01, 1.0}) {
    HostTensor x = randomRows(kRows, kLength);
    std::string in = "tensor<96x57x!quant.uniform<i16:f32, " + std::to_string(scale) + ">>",
                out = "tensor<96x57x!quant.uniform<i16:f32, 3.0517578125E-5>>";
    HostTensor y = run("func.func @main(%x: " + in + ") -> " + out +
                           " { %0 = qnn.softmax %x {axis = 1} : (" + in + ") -> " + out +
                           " return %0 : " + out + " }",
                       {x});
    for (int64_t row = 0; row < kRows; ++row) {
      auto q = x.as<int16_t>().slice(row * kLength, kLength);
      double max = *llvm::max_element(q), sum = 0;
      for (int16_t value : q)
        sum += std::exp((value - max) * scale);
      for (int64_t i = 0; i < kLength; ++i) {
        double p = std::exp((q[i] - max) * scale) / sum;
        double actual = y.as<int16_t>()[row * kLength + i] / 32768.0;
        // All of it may be more than the type has.
        EXPECT_LE(std::fabs(actual - std::min(p, 32767.0 / 32768)),
                  .5 / 32768 + p / (1 << 13) + 1e-7)
            << scale << " " << row;
      }
    }
  }
}

TEST_F(IntegerFunctionsTest, LayerNorm) {
  constexpr int64_t kRows = 96, kLength = 40;
  constexpr double kScale = 0.001, kResultScale = 0.0004, kEpsilon = 1e-5;
  HostTensor x = randomRows(kRows, kLength);
  HostTensor y = run(R"(
    !x = !quant.uniform<i16:f32, 0.001>
    !y = !quant.uniform<i16:f32, 0.0004>
    func.func @main(%x: tensor<96x40x!x>) -> tensor<96x40x!y> {
      %w = qnn.constant dense<1.5> : tensor<40xf32> : tensor<40xf32>
      %b = qnn.constant dense<-0.25> : tensor<40xf32> : tensor<40xf32>
      %0 = qnn.layer_norm %x, %w, %b {epsilon = 1.0e-5 : f32} : (tensor<96x40x!x>, tensor<40xf32>, tensor<40xf32>) -> tensor<96x40x!y>
      return %0 : tensor<96x40x!y>
    })",
                     {x});
  for (int64_t row = 0; row < kRows; ++row) {
    auto q = x.as<int16_t>().slice(row * kLength, kLength);
    double mean = 0, variance = 0;
    for (int16_t value : q)
      mean += value * kScale / kLength;
    for (int16_t value : q)
      variance += (value * kScale - mean) * (value * kScale - mean) / kLength;
    double sigma = std::sqrt(variance + kEpsilon);
    for (int64_t i = 0; i < kLength; ++i) {
      double exact = (q[i] * kScale - mean) / sigma * 1.5 - .25;
      EXPECT_LE(std::fabs(y.as<int16_t>()[row * kLength + i] * kResultScale - exact),
                kResultScale * .51 + 1.5 * kScale / 128 / sigma)
          << row;
    }
  }
}

/// Of bytes whose zero point counts, and of 16 bits whose mean would.
TEST_F(IntegerFunctionsTest, RMSNorm) {
  constexpr int64_t kRows = 96, kLength = 40;
  for (auto [type, scale, zero, result, resultScale] :
       {std::tuple("!quant.uniform<u8:f32, 0.1:100>", 0.1, 100, "!quant.uniform<i16:f32, 0.0004>", 0.0004),
        {"!quant.uniform<i16:f32, 0.001>", 0.001, 0, "!quant.uniform<i8:f32, 0.05>", 0.05}}) {
    HostTensor x = randomRows(kRows, kLength);
    if (zero) {
      // From all values to one step.
      x = HostTensor(ElementKind::U8, {kRows, kLength});
      for (int64_t i = 0; i < x.numElements(); ++i) {
        int spread = 100 >> (i / kLength % 7);
        x.set(i, zero + std::uniform_int_distribution<int>(-spread, spread)(random));
      }
    }
    std::string from = "tensor<96x40x" + std::string(type) + ">",
                to = "tensor<96x40x" + std::string(result) + ">";
    HostTensor y = run("func.func @main(%x: " + from + ") -> " + to + R"( {
      %w = qnn.constant dense<1.5> : tensor<40xf32> : tensor<40xf32>
      %b = qnn.constant dense<-0.25> : tensor<40xf32> : tensor<40xf32>
      %0 = qnn.layer_norm %x, %w, %b {centered = false, epsilon = 1.0e-5 : f32} : ()" + from +
                           ", tensor<40xf32>, tensor<40xf32>) -> " + to + "\nreturn %0 : " + to + " }",
                       {x});
    double most = y.kind == ElementKind::I8 ? 127 : 32767;
    for (int64_t row = 0; row < kRows; ++row) {
      double squares = 0;
      for (int64_t i = 0; i < kLength; ++i)
        squares += std::pow(x.get(row * kLength + i) - zero, 2);
      double root = std::sqrt(squares * scale * scale / kLength + 1e-5);
      for (int64_t i = row * kLength; i < (row + 1) * kLength; ++i) {
        double exact = (x.get(i) - zero) * scale / root * 1.5,
               bound = resultScale * .51 + std::fabs(exact) / (1 << 13) / std::max(squares, 1.0);
        exact = std::min(std::max(exact - .25, -(most + 1) * resultScale), most * resultScale);
        EXPECT_LE(std::fabs(y.get(i) * resultScale - exact), bound) << type << " " << row;
      }
    }
  }
}
} // namespace
