//===- WeightGridsTest.cpp - grids whose best choice is known -------------===//
#include "../../../lib/Quantize/LowBitWeights.h"
#include "../../../lib/Quantize/WeightFormat.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace dyadic;

namespace {
WeightFormat format(llvm::StringRef text) {
  std::optional<WeightFormat> parsed = parseWeightFormat(text);
  EXPECT_TRUE(parsed) << text.str();
  return parsed.value_or(WeightFormat());
}

std::vector<float> normal(size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> values;
  std::vector<float> weights(count);
  for (float &w : weights)
    w = values(random);
  return weights;
}

double errorOf(llvm::StringRef text, llvm::ArrayRef<float> weights, int64_t channels) {
  int64_t depth = weights.size() / channels;
  CodedWeights coded =
      roundWeights(makeGrid(format(text), weights, channels, depth), weights);
  double sum = 0;
  for (int64_t o = 0; o < channels; ++o)
    for (int64_t k = 0; k < depth; ++k)
      sum += std::pow(coded.at(o, k) - weights[o * depth + k], 2);
  return sum / weights.size();
}
} // namespace

TEST(WeightFormat, Parse) {
  WeightFormat f = format("int4:group=64,asymmetric");
  EXPECT_EQ(f.bits, 4u);
  EXPECT_EQ(f.group, 64);
  EXPECT_TRUE(f.asymmetric);
  EXPECT_TRUE(format("int8").suitsIntegers());
  EXPECT_TRUE(format("codebook4").suitsIntegers());
  EXPECT_TRUE(format("int4:group=32").suitsIntegers());
  for (const char *text : {"int3", "nf4", "int4:group=32:asymmetric", "int8:group=32",
                           "codebook4:group=32", "int8:tensor", "int8:asymmetric"})
    EXPECT_FALSE(format(text).suitsIntegers()) << text;
  for (const char *text : {"", "int5", "int4:", "int4:group=", "int4:group=x", "int4:group=0",
                           "nf4:asymmetric", "int8:tensor:group=2", "int8:group=2:tensor"})
    EXPECT_FALSE(parseWeightFormat(text)) << text;
}

TEST(WeightGrids, ExactValuesStay) {
  // Multiples of 0.25 from −8 to 7; a group of its own for twice them.
  std::vector<float> weights;
  for (int i = -8; i < 8; ++i)
    weights.push_back(0.25f * i);
  for (int i = -8; i < 8; ++i)
    weights.push_back(0.5f * i);
  EXPECT_EQ(errorOf("int4:group=16:asymmetric", weights, 1), 0);
  EXPECT_GT(errorOf("int4:asymmetric", weights, 1), 0);
}

TEST(WeightGrids, AsymmetricRangeIsMet) {
  // 10 to 11.5 in steps of a tenth: symmetric integers have one or two for all.
  std::vector<float> weights;
  for (int i = 0; i < 16; ++i)
    weights.push_back(10 + 0.125f * i);
  CodedGrid grid = makeGrid(format("int4:asymmetric"), weights, 1, 16);
  EXPECT_EQ(grid.scales[0], 0.125f);
  EXPECT_EQ(grid.zeros[0], -88);
  EXPECT_EQ(errorOf("int4:asymmetric", weights, 1), 0);
  EXPECT_GT(errorOf("int4", weights, 1), 0.1);
}

TEST(WeightGrids, CodebookIsKMeans) {
  // Zero is kept; three clusters of values two apart have their means beside it.
  std::vector<float> weights{0, 0, -127, -125, 38, 40, 125, 127};
  CodedGrid grid = makeGrid(format("codebook2"), weights, 1, 8);
  for (float w : weights)
    EXPECT_NEAR(std::fabs(grid.nearest(0, 0, w) - w), w == 0 ? 0 : 1, 0.1) << w;
}

TEST(WeightGrids, NormalFloat) {
  CodedGrid grid = makeGrid(format("nf4"), {-2, 0, 1, 2}, 1, 4);
  EXPECT_EQ(grid.values.front(), -1);
  EXPECT_EQ(grid.values[7], 0);
  EXPECT_FLOAT_EQ(grid.values[8], 0.0795803f);
  EXPECT_EQ(grid.values.back(), 1);
  EXPECT_EQ(grid.nearest(0, 3, 2), 2);
}

TEST(WeightGrids, PowersOfTwo) {
  CodedGrid grid = makeGrid(format("pow2"), {-1, 0.5f, 0.25f, 1}, 1, 4);
  for (float x : {-1.0f, -0.5f, -0.25f, -0.125f, 0.0f, 0.125f, 0.25f, 0.5f, 1.0f})
    EXPECT_EQ(grid.nearest(0, 0, x), x);
}

TEST(WeightGrids, OrderOfErrors) {
  std::vector<float> weights = normal(1 << 14);
  double int4 = errorOf("int4:group=64", weights, 16), nf4 = errorOf("nf4:group=64", weights, 16),
         codebook = errorOf("codebook4:group=64", weights, 16);
  EXPECT_LT(errorOf("int8", weights, 16), 1e-3);
  EXPECT_LT(nf4, int4);
  EXPECT_LT(codebook, int4);
  EXPECT_LT(int4, errorOf("int4", weights, 16));
  EXPECT_LT(int4, errorOf("int3:group=64", weights, 16));
  EXPECT_LT(errorOf("int3:group=64", weights, 16), errorOf("int2:group=64", weights, 16));
}

TEST(WeightGrids, GroupsThatDontDivide) {
  std::vector<float> weights = normal(5 * 70);
  CodedGrid grid = makeGrid(format("int4:group=32"), weights, 5, 70);
  EXPECT_EQ(grid.groups(), 3);
  EXPECT_EQ(grid.scales.size(), 15u);
  EXPECT_EQ(grid.scaleOf(1, 69), 5);
}

TEST(WeightGrids, ImportanceMovesTheScale) {
  WeightFormat f = format("int2");
  std::vector<float> weights{1, 0.45f, 0.45f, -0.45f}, importance{0, 1, 1, 1};
  CodedGrid grid = makeGrid(f, weights, 1, 4);
  fitGroup(grid, f, 0, 0, weights, importance);
  EXPECT_NEAR(grid.nearest(0, 1, 0.45), 0.45, 0.06);
}

TEST(WeightGrids, ZerosAndConstantsSurvive) {
  for (const char *text : {"int4:group=4", "int4:group=4:asymmetric", "codebook4", "nf4"}) {
    EXPECT_EQ(errorOf(text, {0, 0, 0, 0, 0, 0, 0, 0}, 2), 0) << text;
    EXPECT_NEAR(errorOf(text, {3, 3, 3, 3, 3, 3, 3, 3}, 2), 0, 1e-3) << text;
  }
}

//===----------------------------------------------------------------------===//
// Factors of groups
//===----------------------------------------------------------------------===//

/// What is left of one channel's weights in groups of `group`, beside Σ w².
static double errorWithFactors(llvm::ArrayRef<float> weights, int64_t group,
                               double leastScale = 1e-30) {
  GroupFactors factors{1, static_cast<int64_t>(weights.size()), group, {}};
  factors.factors.assign(factors.groups(), 1);
  double scale = chooseFactors(factors, 0, weights, leastScale);
  CodedIntegers integers{factors, std::vector<int8_t>(weights.size())};
  roundToFactors(integers, 0, weights, scale);
  double error = 0, power = 0;
  for (auto [k, w] : llvm::enumerate(weights)) {
    EXPECT_LE(std::abs(integers.number(0, k) * factors.at(0, k)), 127);
    error += std::pow(w - scale * integers.at(0, k), 2);
    power += w * w;
  }
  return power > 0 ? error / power : error;
}

TEST(GroupFactors, AreFoundWhereTheyAreExact) {
  // The widest group has a factor of 15, so that the channel's scale is .01.
  std::vector<float> weights;
  int factors[] = {15, -3, 7, 1};
  for (int factor : factors)
    for (int number : {-8, 7, 1, -2, 0, 5, -8, 3})
      weights.push_back(0.01f * factor * number);
  EXPECT_LT(errorWithFactors(weights, 8), 1e-9);
  // One scale for all of them has no such values.
  EXPECT_GT(errorWithFactors(weights, weights.size()), 1e-3);
}

TEST(GroupFactors, LoseHardlyMoreThanScalesOfTheirOwn) {
  std::vector<float> weights = normal(64 * 32);
  std::mt19937 random(2);
  std::uniform_real_distribution<float> spread(0.3f, 1.5f);
  for (size_t g = 0; g < 32; ++g) {
    float by = spread(random);
    for (size_t i = 0; i < 64; ++i)
      weights[64 * g + i] *= by;
  }
  double power = 0;
  for (float w : weights)
    power += w * w / weights.size();
  double own = errorOf("int4:group=64", weights, 1) / power;
  EXPECT_LT(errorWithFactors(weights, 64), 1.1 * own);
}

TEST(GroupFactors, KeepToTheLeastScaleAndToZero) {
  std::vector<float> weights{0.5f, -0.25f, 0, 0};
  EXPECT_LT(errorWithFactors(weights, 2, /*leastScale=*/0.25), 1e-12);
  EXPECT_EQ(errorWithFactors({0, 0, 0}, 2), 0);
}
