//===- LearnRoundingTest.cpp - rounding in networks -----------------------===//
#include "NetworkTest.h"

#include "dyadic/Support/ConstantData.h"

#include <regex>
#include <string>

using namespace dyadic;
using namespace mlir;

namespace {
class LearnRoundingTest : public NetworkTest {
protected:
  /// Samples whose neighbours along the innermost dimension but one are twins, or
  /// else take all pairs of two values.
  void makeSamples(ArrayRef<int64_t> shape, bool twins = true) {
    std::mt19937 random(1);
    std::uniform_int_distribution<int> values(0, 20);
    for (int s = 0; s < 8; ++s) {
      HostTensor tensor(ElementKind::F32, shape);
      MutableArrayRef<float> x = tensor.as<float>();
      int64_t inner = shape.back();
      for (int64_t i = 0, e = x.size(); i < e; ++i)
        if (!twins)
          x[i] = i % 2 ? 20 * (i / 2 % 2) : 20 * (i / 4 % 2);
        else
          x[i] = i / inner % 2 ? x[i - inner] : values(random);
      samples.push_back({tensor});
    }
  }

  /// The weights of `quantized`'s only contraction after rounding.
  template <typename Op> std::vector<int> round(const char *real, const char *quantized,
                                                WeightRounding rounding) {
    auto floats = parse(real);
    auto integers = parse(quantized);
    auto realMain = floats->lookupSymbol<func::FuncOp>("main");
    auto main = integers->lookupSymbol<func::FuncOp>("main");
    EXPECT_TRUE(succeeded(correctMeans(main, realMain, samples, *meansOf(realMain, samples),
                                       MeansOver::Rows, rounding)));
    EXPECT_TRUE(succeeded(verify(*integers)));
    HostTensor weights = *readConstant((*main.getOps<Op>().begin())->getOperand(1));
    std::vector<int> result;
    for (int64_t i = 0; i < weights.numElements(); ++i)
      result.push_back(weights.get(i));
    return result;
  }
};

const char *const kRealMatmul = R"mlir(
  func.func @main(%x: tensor<4x2x1xf32>) -> tensor<4x2xf32> {
    %w = qnn.constant dense<[[0.4, -0.4], [0.4, -0.4]]> : tensor<2x2xf32> : tensor<2x2xf32>
    %r = qnn.reshape %x : (tensor<4x2x1xf32>) -> tensor<4x2xf32>
    %0 = qnn.matmul %r, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
    return %0 : tensor<4x2xf32>
  }
)mlir";
const char *const kMatmul = R"mlir(
  !q = !quant.uniform<u8:f32, 1.0>
  !w = !quant.uniform<i4<-7:7>:f32:1, {1.0, 0.5}>
  !y = !quant.uniform<i16:f32, 0.01>
  func.func @main(%x: tensor<4x2x1xf32>) -> tensor<4x2x!y> {
    %w = qnn.constant dense<[[0, -1], [0, -1]]> : tensor<2x2xi4> : tensor<2x2x!w>
    %q = quant.qcast %x : tensor<4x2x1xf32> to tensor<4x2x1x!q>
    %r = qnn.reshape %q : (tensor<4x2x1x!q>) -> tensor<4x2x!q>
    %0 = qnn.matmul %r, %w : (tensor<4x2x!q>, tensor<2x2x!w>) -> tensor<4x2x!y>
    return %0 : tensor<4x2x!y>
  }
)mlir";
const char *const kRealDepthwise = R"mlir(
  func.func @main(%x: tensor<1x4x2x2xf32>) -> tensor<1x4x1x2xf32> {
    %w = qnn.constant dense<[[[[0.4], [0.4]]], [[[1.6], [0.8]]]]> : tensor<2x1x2x1xf32> : tensor<2x1x2x1xf32>
    %0 = qnn.conv2d %x, %w {groups = 2 : i64} : (tensor<1x4x2x2xf32>, tensor<2x1x2x1xf32>) -> tensor<1x4x1x2xf32>
    return %0 : tensor<1x4x1x2xf32>
  }
)mlir";
const char *const kDepthwise = R"mlir(
  !q = !quant.uniform<u8:f32, 1.0>
  !w = !quant.uniform<i8<-127:127>:f32:0, {1.0, 1.0}>
  !y = !quant.uniform<i16:f32, 0.01>
  func.func @main(%x: tensor<1x4x2x2xf32>) -> tensor<1x4x1x2x!y> {
    %w = qnn.constant dense<[[[[0], [0]]], [[[2], [1]]]]> : tensor<2x1x2x1xi8> : tensor<2x1x2x1x!w>
    %q = quant.qcast %x : tensor<1x4x2x2xf32> to tensor<1x4x2x2x!q>
    %0 = qnn.conv2d %q, %w {groups = 2 : i64} : (tensor<1x4x2x2x!q>, tensor<2x1x2x1x!w>) -> tensor<1x4x1x2x!y>
    return %0 : tensor<1x4x1x2x!y>
  }
)mlir";
} // namespace

TEST_F(LearnRoundingTest, TakesTwinsTogether) {
  makeSamples({4, 2, 1});
  for (auto rounding : {WeightRounding::GPTQ, WeightRounding::AdaRound}) {
    auto w = round<qnn::MatmulOp>(kRealMatmul, kMatmul, rounding);
    // 0.8 is nearer to 1 than to 0; −0.8 nearer to −2 · 0.5 than to −1 · 0.5.
    EXPECT_EQ(w[0] + w[2], 1);
    EXPECT_EQ(w[1] + w[3], -2);
  }
  EXPECT_EQ(round<qnn::MatmulOp>(kRealMatmul, kMatmul, WeightRounding::Nearest),
            (std::vector<int>{0, -1, 0, -1}));
}

TEST_F(LearnRoundingTest, LeavesUnrelatedInputsAtTheirNearest) {
  makeSamples({4, 2, 1}, /*twins=*/false);
  // Of eight bits: of fewer, the scales would change.
  std::string quantized = std::regex_replace(kMatmul, std::regex("i4<-7:7>"), "i8<-127:127>");
  quantized = std::regex_replace(quantized, std::regex("xi4>"), "xi8>");
  EXPECT_EQ(round<qnn::MatmulOp>(kRealMatmul, quantized.c_str(), WeightRounding::GPTQ),
            (std::vector<int>{0, -1, 0, -1}));
}

TEST_F(LearnRoundingTest, FindsTheScaleOfFewValues) {
  makeSamples({4, 2, 1}, /*twins=*/false);
  // Integers times 0.775 and 0.85 · 0.5, where the scales are 1 and 0.5.
  std::string real = std::regex_replace(kRealMatmul, std::regex("0.4, -0.4\\], \\[0.4, -0.4"),
                                        "2.325, 2.55], [-5.425, -0.85");
  EXPECT_EQ(round<qnn::MatmulOp>(real.c_str(), kMatmul, WeightRounding::GPTQ),
            (std::vector<int>{3, 6, -7, -2}));
}

TEST_F(LearnRoundingTest, KeepsToMultiplesOfItsGroupsFactor) {
  makeSamples({4, 2, 1});
  // Steps of 0.6 and 0.1, where the nearest values are 0.6 + 0.3 of the twins' 0.8.
  std::string real = std::regex_replace(kRealMatmul, std::regex("0.4, -0.4\\], \\[0.4, -0.4"),
                                        "0.54, -0.54], [0.26, -0.26");
  std::string quantized = std::regex_replace(kMatmul, std::regex("i4<-7:7>:f32:1, \\{1.0, 0.5"),
                                             "i8<-127:127>:f32:1, {0.1, 0.1");
  quantized = std::regex_replace(
      quantized, std::regex("dense<\\[\\[0, -1\\], \\[0, -1\\]\\]> : tensor<2x2xi4>"),
      "#coded.integers<numbers = dense<[[1, 1], [3, 3]]> : tensor<2x2xi4>, "
      "factors = dense<[[6, 1], [-6, -1]]> : tensor<2x2xi8>, axis = 1, group = 1> : tensor<2x2xi8>");
  for (auto rounding : {WeightRounding::GPTQ, WeightRounding::AdaRound})
    EXPECT_EQ(round<qnn::MatmulOp>(real.c_str(), quantized.c_str(), rounding),
              (std::vector<int>{6, -6, 2, -2}));
  EXPECT_EQ(round<qnn::MatmulOp>(real.c_str(), quantized.c_str(), WeightRounding::Nearest),
            (std::vector<int>{6, -6, 3, -3}));
}

TEST_F(LearnRoundingTest, RoundsAChannelOfADepthwiseFilterAlone) {
  makeSamples({1, 4, 2, 2});
  auto w = round<qnn::Conv2DOp>(kRealDepthwise, kDepthwise, WeightRounding::GPTQ);
  EXPECT_EQ(w[0] + w[1], 1);
  EXPECT_EQ(w[2] + w[3], 2); // 2.4, where the nearest values make 3
}
