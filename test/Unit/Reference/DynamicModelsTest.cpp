//===- DynamicModelsTest.cpp - scales that are found at run time ----------===//
#include "ReferenceTest.h"

#include "dyadic/Support/DynamicParams.h"

#include <cmath>
#include <limits>

using namespace dyadic;

namespace {

using DynamicModels = ReferenceTest;

TEST(DynamicParams, RangesIncludeZero) {
  DynamicParams p = chooseDynamicParams(-1, 2);
  EXPECT_EQ(p.scale, 3.0f / 255);
  EXPECT_EQ(p.inverse, 85);
  EXPECT_EQ(p.zeroPoint, 85);
  EXPECT_EQ(chooseDynamicParams(0, 51).zeroPoint, 0);
  EXPECT_EQ(chooseDynamicParams(-51, 0).zeroPoint, 255);
}

/// Between two zero points it is the even one that is nearest.
TEST(DynamicParams, ZeroPointsRoundToEven) {
  EXPECT_EQ(chooseDynamicParams(-0.5f, 254.5f).zeroPoint, 0);
  EXPECT_EQ(chooseDynamicParams(-1.5f, 253.5f).zeroPoint, 2);
}

TEST(DynamicParams, NothingIsAScaleOfOne) {
  for (float least : {0.0f, 1e-38f, 0x1p-101f}) {
    DynamicParams p = chooseDynamicParams(-least, least / 2);
    EXPECT_EQ(p.scale, 1);
    EXPECT_EQ(p.zeroPoint, 0);
  }
  EXPECT_LT(chooseDynamicParams(0, 0x1p-100f).scale, 1);
  EXPECT_TRUE(std::isfinite(chooseDynamicParams(0, 0x1p-100f).inverse));
}

TEST_F(DynamicModels, EachRowHasItsScale) {
  const float nan = std::nanf("");
  auto results = runAll(
      "func.func @f(%x: tensor<3x4xf32>) -> (tensor<3x4xui8>, tensor<3x1xf32>, tensor<3x1xi32>) {\n"
      "%q, %s, %z = dyadic.dynamic_quantize %x {outer = 1 : i64} : (tensor<3x4xf32>) -> "
      "(tensor<3x4xui8>, tensor<3x1xf32>, tensor<3x1xi32>)\n"
      "return %q, %s, %z : tensor<3x4xui8>, tensor<3x1xf32>, tensor<3x1xi32>\n}\n",
      {tensor<float>({3, 4}, {-1, 0, 2, 1.55f, 0, 0, 1e-38f, 0, nan, -51, -25.5f, 0})});
  ASSERT_EQ(results.size(), 3u);
  // 1.55 · 85 = 131.75; no number is the least byte.
  EXPECT_EQ(Bytes(results[0].as<uint8_t>()),
            (Bytes{0, 85, 255, 217, 0, 0, 0, 0, 0, 0, 127, 255}));
  EXPECT_EQ(Floats(results[1].as<float>()), (Floats{3.0f / 255, 1, 51.0f / 255}));
  EXPECT_EQ(Ints(results[2].as<int32_t>()), (Ints{85, 0, 255}));
}

TEST_F(DynamicModels, OneScaleForAll) {
  auto results = runAll(
      "func.func @f(%x: tensor<2x2xf32>) -> (tensor<2x2xui8>, tensor<1x1xf32>, tensor<1x1xi32>) {\n"
      "%q, %s, %z = dyadic.dynamic_quantize %x {outer = 0 : i64} : (tensor<2x2xf32>) -> "
      "(tensor<2x2xui8>, tensor<1x1xf32>, tensor<1x1xi32>)\n"
      "return %q, %s, %z : tensor<2x2xui8>, tensor<1x1xf32>, tensor<1x1xi32>\n}\n",
      {tensor<float>({2, 2}, {-1, 2, 0, 0.5f})});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(Bytes(results[0].as<uint8_t>()), (Bytes{0, 255, 85, 127})); // 42.5 → 42
  EXPECT_EQ(Ints(results[2].as<int32_t>()), (Ints{85}));
}

TEST_F(DynamicModels, SumsAreScaledByRowAndColumn) {
  // (10 − 3·2)·¼·½ + 1, (20 + 3)·2·½ − 1; the second row has another scale.
  EXPECT_EQ(run<float>("%x: tensor<2x2xi32>, %s: tensor<2x1xf32>, %z: tensor<2x1xi32>",
                       "tensor<2x2xf32>",
                       "%y = dyadic.scale_sums %x, %s, %z {bias = array<f32: 1.0, -1.0>, "
                       "weight_scales = array<f32: 0.25, 2.0>, weight_sums = array<i32: 2, -1>} : "
                       "(tensor<2x2xi32>, tensor<2x1xf32>, tensor<2x1xi32>) -> tensor<2x2xf32>\n"
                       "return %y : tensor<2x2xf32>",
                       {tensor<int32_t>({2, 2}, {10, 20, 10, 20}),
                        tensor<float>({2, 1}, {0.5f, 4}), tensor<int32_t>({2, 1}, {3, 0})}),
            (Floats{1.5f, 22, 11, 159}));
}

/// At level 2 the same values are reals.
TEST_F(DynamicModels, Round) {
  EXPECT_EQ(runOp<float>("%x: tensor<1x4xf32>", "qnn.dynamic_round %x {outer = 1 : i64}",
                         "(tensor<1x4xf32>)", "tensor<1x4xf32>",
                         {tensor<float>({1, 4}, {-1, 0, 254, 100.4f})}),
            (Floats{-1, 0, 254, 100}));
}

} // namespace
