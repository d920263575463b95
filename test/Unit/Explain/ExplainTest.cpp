//===- ExplainTest.cpp - errors that are known by construction ------------===//
#include "dyadic/Explain/Explain.h"

#include "dyadic/InitAll.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace dyadic;
using namespace mlir;

namespace {
DialectRegistry allDialects() {
  DialectRegistry registry;
  registerAllDialects(registry);
  return registry;
}

class ExplainTest : public testing::Test {
protected:
  ExplainTest() : context(allDialects(), MLIRContext::Threading::DISABLED) {}

  /// Explains `text`, whose only input has `width` elements, on `samples`. Ranges
  /// are calibrated unless the text has some.
  void explain(const std::string &text, std::vector<float> samples, int64_t width,
               bool calibrates = true) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module);
    auto main = module->lookupSymbol<func::FuncOp>("main");
    SampleArray array{"x", ElementKind::F32, {int64_t(samples.size()) / width, width},
                      reinterpret_cast<const char *>(samples.data())};
    auto stream = SampleStream::open(array, inputSpecs(main));
    ASSERT_TRUE(bool(stream)) << llvm::toString(stream.takeError());
    auto runner = [&](ArrayRef<HostTensor> inputs, ObserveFn observe) -> LogicalResult {
      return interpret(main, inputs, [&](Value value, const HostTensor &tensor) {
        if (!isa<BlockArgument>(value))
          observe(value, tensor.as<float>());
      });
    };
    ObserverOptions observer;
    observer.kind = ObserverOptions::Kind::MinMax;
    if (calibrates)
      ASSERT_TRUE(succeeded(calibrate(main, **stream, runner, observer)));
    markLayers(*module);
    OwningOpRef<ModuleOp> quantized = module->clone();
    ASSERT_TRUE(succeeded(runPasses(
        *quantized, [](OpPassManager &pm) { buildQuantizePipeline(pm, {}, /*equalize=*/false); })));
    auto explanation = explainModules(*module, *quantized, "", **stream, {});
    ASSERT_TRUE(succeeded(explanation));
    found = std::move(*explanation);
    CompileOptions compile;
    compile.calibration.emplace();
    advise(found, compile);
  }

  const Layer &layer(StringRef name, StringRef kind = "") {
    for (const Layer &layer : found.layers)
      if (layer.name == name && (kind.empty() || layer.kind == kind))
        return layer;
    ADD_FAILURE() << "no layer " << name.str();
    return found.layers.front();
  }

  MLIRContext context;
  Explanation found;
};

/// A 4×4 matrix: ones on the diagonal, `corner` in the last row of each column.
std::string matrix(StringRef corner) {
  std::string rows[4];
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      rows[i] += (j ? ", " : "") + (i == 3 ? corner.str() : i == j ? "1.0" : "0.25");
  return "dense<[[" + rows[0] + "], [" + rows[1] + "], [" + rows[2] + "], [" + rows[3] +
         "]]> : tensor<4x4xf32> : tensor<4x4xf32>";
}

/// Three products in a row. The second has weights that no input reaches, x₃ being
/// zero, beside which the others are less than half of a step.
std::string withOutlier() {
  return R"mlir(func.func @main(%x: tensor<1x4xf32> {qnn.name = "x"}) -> (tensor<1x4xf32> {qnn.name = "y"}) {
    %w0 = qnn.constant dense<[[1.0, 0.5, 0.25, 0.0], [0.5, 1.0, 0.25, 0.0], [0.25, 0.5, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
    %w1 = qnn.constant )mlir" +
         matrix("1000.0") + "\n    %w2 = qnn.constant " + matrix("0.5") + R"mlir(
    %0 = qnn.matmul %x, %w0 : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("first")
    %1 = qnn.matmul %0, %w1 : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("outlier")
    %2 = qnn.matmul %1, %w2 : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("last")
    return %2 : tensor<1x4xf32>
  })mlir";
}

std::vector<float> someSamples() {
  std::vector<float> samples;
  for (int i = 0; i < 24; ++i)
    for (int j = 0; j < 4; ++j)
      samples.push_back(j == 3 ? 0 : 0.1f + float((7 * i + 5 * j) % 11) / 10);
  return samples;
}

TEST_F(ExplainTest, FindsTheLayerWithAnOutlier) {
  explain(withOutlier(), someSamples(), 4);
  ASSERT_FALSE(found.culprits.empty());
  const Layer &worst = found.layers[found.culprits.front()];
  EXPECT_EQ(worst.name, "outlier");
  EXPECT_GT(worst.share, 0.99);
  // Nothing is left of its result but the mean, which is in the bias.
  EXPECT_LT(worst.own.sqnr(), 13);
  EXPECT_GT(worst.weightNoise, 100 * (worst.roundingNoise + worst.clippingNoise));
  EXPECT_EQ(worst.remedy.flag(), "--keep-float outlier");
  ASSERT_TRUE(worst.weights);
  EXPECT_EQ(worst.weights->bits, 8);
  EXPECT_EQ(worst.weights->channelMax, std::vector<float>(4, 1000));
  // The others are innocent: what is wrong behind it is inherited.
  EXPECT_GT(layer("first").own.sqnr(), 35);
  EXPECT_GT(layer("first").inherited.sqnr(), 35);
  EXPECT_GT(layer("last").own.sqnr(), 35);
  EXPECT_LT(layer("last").inherited.sqnr(), 13);
  EXPECT_LT(layer("last").share, 0.01);
  EXPECT_EQ(layer("last").inputs, std::vector<int64_t>{2});
}

TEST_F(ExplainTest, TheLastLayersErrorIsTheOutputs) {
  explain(withOutlier(), someSamples(), 4);
  ASSERT_EQ(found.outputs.size(), 1u);
  EXPECT_EQ(found.samples, 16);
  EXPECT_EQ(found.outputs[0].error.sqnr(), layer("last").total.sqnr());
}

TEST_F(ExplainTest, CountsWhatIsCutOff) {
  // Half of the values are above the range, which a wrong calibration chose.
  const char *text = R"mlir(
    func.func @main(%x: tensor<1x4xf32> {qnn.name = "x", qnn.range = #qnn.range<0.0, 4.0>}) -> (tensor<1x4xf32> {qnn.name = "y"}) {
      %w = qnn.constant dense<[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
      %0 = qnn.matmul %x, %w {qnn.range = [#qnn.range<0.0, 2.5>]} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("cut")
      %1 = qnn.matmul %0, %w {qnn.range = [#qnn.range<0.0, 4.0>]} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("behind")
      return %1 : tensor<1x4xf32>
    })mlir";
  explain(text, {1, 2, 3, 4, 2, 1, 4, 3}, 4, /*calibrates=*/false);
  const Layer &cut = layer("cut");
  EXPECT_EQ(cut.clipped, 0.5);
  // 0.5² + 1.5² of 1 + 4 + 9 + 16.
  EXPECT_NEAR(cut.clippingNoise, 2.5 / 30, 1e-9);
  EXPECT_NEAR(cut.own.relativeNoise(), 2.5 / 30, 1e-3);
  ASSERT_TRUE(cut.range && cut.calibrated);
  EXPECT_NEAR(cut.range->max, 2.5, 1e-6);
  EXPECT_EQ(cut.values.extremes().max, 4);
  EXPECT_EQ(cut.remedy.flag(), "--observer minmax");
  EXPECT_EQ(layer("behind").clipped, 0);
}

TEST_F(ExplainTest, AFunctionBetweenSumsAndBytesIsInteger) {
  const char *text = R"mlir(
    func.func @main(%x: tensor<1x4xf32> {qnn.name = "x"}) -> (tensor<1x4xf32> {qnn.name = "y"}) {
      %w = qnn.constant dense<[[1.0, -1.0, 0.0, 0.0], [0.0, 1.0, 0.5, -1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
      %0 = qnn.matmul %x, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("fc")
      %1 = qnn.hard_swish %0 : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("swish")
      %2 = qnn.matmul %1, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("fc2")
      %3 = qnn.softmax %2 {axis = 1 : i64} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("softmax")
      return %3 : tensor<1x4xf32>
    })mlir";
  explain(text, someSamples(), 4);
  EXPECT_TRUE(layer("swish").isInteger);
  EXPECT_EQ(layer("swish").type, "u8");
  EXPECT_FALSE(layer("softmax").isInteger);
  EXPECT_EQ(layer("softmax").type, "f32");
}

TEST_F(ExplainTest, TakenInReluIsTheConvolutions) {
  const char *text = R"mlir(
    func.func @main(%x: tensor<1x4xf32> {qnn.name = "x"}) -> (tensor<2x2xf32> {qnn.name = "y"}) {
      %w = qnn.constant dense<[[1.0, -1.0, 0.0, 0.0], [0.0, 1.0, 0.5, -1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
      %0 = qnn.matmul %x, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("fc")
      %1 = qnn.relu %0 : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("relu")
      %2 = qnn.matmul %1, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("fc2")
      %3 = qnn.reshape %2 : (tensor<1x4xf32>) -> tensor<2x2xf32> loc("flat")
      return %3 : tensor<2x2xf32>
    })mlir";
  explain(text, someSamples(), 4);
  int64_t number = layer("relu").foldedInto;
  ASSERT_GE(number, 0);
  EXPECT_EQ(found.layers[number].name, "fc");
  EXPECT_FALSE(layer("relu").effect);
  // Negative results are no error of it: the relu cuts them off in float as well.
  EXPECT_GT(layer("fc").own.sqnr(), 35);
  EXPECT_EQ(layer("fc").clipped, 0);
  EXPECT_FALSE(layer("flat").effect);
}

TEST_F(ExplainTest, ResultsAreUnroundedForWhatReadsThem) {
  // Weights of powers of two over one channel each are exact: only results are
  // rounded, and those of "wide" to steps of 1/255 of 4 times what is read.
  const char *text = R"mlir(
    func.func @main(%x: tensor<1x4xf32> {qnn.name = "x"}) -> (tensor<1x4xf32> {qnn.name = "y"}) {
      %w = qnn.constant dense<[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
      %0 = qnn.matmul %x, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("wide")
      %1 = qnn.relu %0 : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("relu")
      %2 = qnn.reshape %1 : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("flat")
      %3 = qnn.matmul %2, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("reader")
      return %3 : tensor<1x4xf32>
    })mlir";
  explain(text, someSamples(), 4);
  EXPECT_LT(layer("wide").weightNoise, 1e-12);
  EXPECT_GT(layer("wide").roundingNoise, 1e-6);
  EXPECT_EQ(layer("wide").remedy.flag(), "--keep-float wide --keep-float relu --keep-float reader");
  EXPECT_EQ(layer("x").remedy.flag(), "--keep-float wide");
}
} // namespace
