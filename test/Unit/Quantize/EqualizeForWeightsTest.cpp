//===- EqualizeForWeightsTest.cpp -----------------------------------------===//
#include "NetworkTest.h"

#include "dyadic/Quantize/Passes.h"

using namespace dyadic;
using namespace mlir;

namespace {
/// 64 positive channels that a product reads.
const char *const kNetwork = R"mlir(
  func.func @main(%x: tensor<4x64xf32> {qnn.name = "x"}) -> tensor<4x8xf32> {
    %w0 = qnn.constant dense<0.0> : tensor<64x64xf32> : tensor<64x64xf32>
    %w1 = qnn.constant dense<0.0> : tensor<64x8xf32> : tensor<64x8xf32>
    %0 = qnn.matmul %x, %w0 : (tensor<4x64xf32>, tensor<64x64xf32>) -> tensor<4x64xf32>
    %1 = qnn.relu %0 : (tensor<4x64xf32>) -> tensor<4x64xf32>
    %2 = qnn.matmul %1, %w1 : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32> loc("reader")
    return %2 : tensor<4x8xf32>
  }
)mlir";

class EqualizeForWeightsTest : public NetworkTest {
protected:
  EqualizeForWeightsTest() {
    load(kNetwork);
    makeSamples(16, {4, 64}, std::uniform_real_distribution<float>(0, 1));
  }

  /// Channel c is input c times `loudness(c)`; `weight` gives what reads them.
  void fill(llvm::function_ref<float(int64_t c)> loudness,
            llvm::function_ref<float()> weight) {
    SmallVector<float> diagonal(64 * 64, 0), reader(64 * 8);
    for (int64_t c = 0; c < 64; ++c)
      diagonal[c * 65] = loudness(c);
    std::generate(reader.begin(), reader.end(), weight);
    setValues(constant(0), diagonal);
    setValues(constant(1), reader);
  }

  int64_t equalize() {
    calibrateOnSamples();
    auto count = equalizeForWeights(func, samples, {"int8", "reader=int4:group=64"});
    EXPECT_TRUE(succeeded(count));
    return count.value_or(-1);
  }

  /// What rounding the weights loses of the network's outputs: their variance about
  /// each output's mean, which a bias takes back.
  double lostByRounding() {
    OwningOpRef<ModuleOp> rounded = module->clone();
    PassManager manager(&context);
    EncodeWeightsOptions options;
    options.weights = {"int8", "reader=int4:group=64"};
    manager.addNestedPass<func::FuncOp>(createEncodeWeights(options));
    EXPECT_TRUE(succeeded(manager.run(*rounded)));
    std::vector<float> real = outputs(),
                       got = outputsOf(rounded->lookupSymbol<func::FuncOp>("main"));
    double variance = 0;
    for (size_t output = 0; output < 8; ++output) {
      double sum = 0, squares = 0, count = real.size() / 8;
      for (size_t i = output; i < real.size(); i += 8) {
        double lost = got[i] - real[i];
        sum += lost;
        squares += lost * lost;
      }
      variance += squares / count - sum * sum / count / count;
    }
    return variance;
  }
};
} // namespace

TEST_F(EqualizeForWeightsTest, RoundsWhatLoudChannelsReadMoreFinely) {
  // What reads channel 5 is small: multiplied by eight it is no larger than the rest.
  std::mt19937 random(7);
  int64_t i = 0;
  fill([](int64_t c) { return c == 5 ? 64.0f : 1.0f; },
       [&] { return std::normal_distribution<float>(0, i++ / 8 == 5 ? 0.125f : 1.0f)(random); });
  std::vector<float> expected = outputs();
  double before = lostByRounding();
  EXPECT_EQ(equalize(), 1);
  for (auto [actual, y] : llvm::zip_equal(outputs(), expected))
    EXPECT_NEAR(actual, y, 1e-3f);
  EXPECT_LT(lostByRounding(), before / 4);
}

TEST_F(EqualizeForWeightsTest, LeavesWhatLosesNothing) {
  // Each column of a group is on the grid of a scale of one.
  int64_t i = 0;
  fill([](int64_t c) { return c % 16 ? 1.0f : 64.0f; },
       [&] { return float(i++ / 8 % 15 - 7); });
  EXPECT_EQ(equalize(), 0);
}
