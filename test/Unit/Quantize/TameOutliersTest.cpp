//===- TameOutliersTest.cpp -----------------------------------------------===//
#include "NetworkTest.h"

#include "dyadic/Dialect/QNN/ChannelAttrs.h"

using namespace dyadic;
using namespace mlir;

namespace {
// The first of three channels is 24·x₀ − 4, the others are below 3.
const char *const kNetwork = R"mlir(
  func.func @main(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
    %w = qnn.constant dense<[[24.0, 0.0, 0.0], [0.0, 2.0, -2.0]]> : tensor<2x3xf32> : tensor<2x3xf32>
    %b = qnn.constant dense<[-4.0, 0.5, 0.5]> : tensor<3xf32> : tensor<3xf32>
    %v = qnn.constant dense<[[0.5], [1.0], [-1.0]]> : tensor<3x1xf32> : tensor<3x1xf32>
    %0 = qnn.matmul %x, %w, %b {qnn.range = [#qnn.range<-4.0, 20.0>], qnn.channel_ranges = array<f32: -4.0, 20.0, -1.5, 2.5, -1.5, 2.5>, qnn.channel_powers = array<f32: 100.0, 1.0, 1.0>} : (tensor<1x2xf32>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
    %1 = qnn.gelu %0 {qnn.range = [#qnn.range<-0.17, 20.0>], qnn.channel_ranges = array<f32: -0.17, 20.0, -0.17, 2.5, -0.17, 2.5>, qnn.channel_powers = array<f32: 100.0, 1.0, 1.0>} : (tensor<1x3xf32>) -> tensor<1x3xf32>
    %2 = qnn.matmul %1, %v {qnn.input_means = array<f32: 5.0, 0.5, 0.5>} : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32>
    return %2 : tensor<1x1xf32>
  }
)mlir";

class TameOutliersTest : public NetworkTest {
protected:
  TameOutliersTest() {
    load(kNetwork);
    for (int i = 0; i < 8; ++i) {
      HostTensor x(ElementKind::F32, {1, 2});
      x.as<float>()[0] = i % 4 == 0; // a switch
      x.as<float>()[1] = 0.25f * i - 1;
      samples.push_back({x});
    }
  }

  double highest(StringRef op) {
    double most = 0;
    func.walk([&](Operation *found) {
      if (found->getName().getStringRef() == op)
        most = cast<qnn::RangeAttr>(found->getAttrOfType<ArrayAttr>(kRangeAttr)[0]).getMax();
    });
    return most;
  }
};
} // namespace

TEST_F(TameOutliersTest, TheRangeIsThatOfTheOthers) {
  auto count = tameOutliers(func, samples);
  ASSERT_TRUE(succeeded(count));
  EXPECT_EQ(*count, 1);
  EXPECT_TRUE(succeeded(verify(*module)));
  EXPECT_FLOAT_EQ(highest("qnn.gelu"), 2.5);
}

TEST_F(TameOutliersTest, TheNetworkComputesTheSameWithItsRangesCutOff) {
  std::vector<float> before = outputs();
  ASSERT_TRUE(succeeded(tameOutliers(func, samples)));
  // What a type of the new range would hold.
  Operation *gelu = *func.getOps<qnn::GeluOp>().begin();
  OpBuilder builder(gelu->getContext());
  builder.setInsertionPointAfter(gelu);
  Value result = gelu->getResult(0);
  auto clamp = qnn::ClampOp::create(builder, gelu->getLoc(), result.getType(), result,
                                    builder.getF32FloatAttr(-10), builder.getF32FloatAttr(2.5));
  result.replaceAllUsesExcept(clamp, clamp);
  std::vector<float> after = outputs();
  // Of 10, eight bits without this would leave steps of 0.04.
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_NEAR(after[i], before[i], 0.02) << i;
}

TEST_F(TameOutliersTest, NothingStandsOut) {
  std::string even = kNetwork;
  for (size_t at; (at = even.find("-0.17, 20.0, -0.17")) != std::string::npos;)
    even.replace(at, 18, "-0.17,  3.0, -0.17");
  load(even);
  auto count = tameOutliers(func, samples);
  ASSERT_TRUE(succeeded(count));
  EXPECT_EQ(*count, 0);
}

TEST_F(TameOutliersTest, WhatOthersReadStays) {
  std::string read = kNetwork;
  read.replace(read.find("return %2"), 9, "%3 = qnn.reduce_mean %1 {axes = array<i64: 1>, keep_dims = true} : (tensor<1x3xf32>) -> tensor<1x1xf32>\n    %4 = qnn.add %2, %3 : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>\n    return %4");
  load(read);
  ASSERT_TRUE(func);
  auto count = tameOutliers(func, samples);
  ASSERT_TRUE(succeeded(count));
  EXPECT_EQ(*count, 0);
}
