//===- RoundWeightsTest.cpp -----------------------------------------------===//
#include "dyadic/Quantize/RoundWeights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace dyadic;

namespace {
/// The integers of [−max, max].
struct Integers : WeightGrid {
  explicit Integers(float max = 7) : max(max) {}
  Neighbours around(int64_t, int64_t, float value) const override {
    return {std::clamp(std::floor(value), -max, max), std::clamp(std::ceil(value), -max, max)};
  }
  float max;
};

using Rows = std::vector<float>;

Rows gptq(const WeightRounder &rounder, const WeightRows &rows) {
  Rows rounded = rounder.gptq(rows);
  rounder.improve(rows, rounded);
  return rounded;
}
Rows adaRound(const WeightRounder &rounder, const WeightRows &rows) {
  Rows rounded = rounder.adaRound(rows);
  rounder.improve(rows, rounded);
  return rounded;
}

/// Weights and correlated inputs' moments.
struct Problem {
  Problem(unsigned seed, int64_t outputs, int64_t inputs) : inputs(inputs) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < outputs * inputs; ++i)
      weights.push_back(normal(random));
    int64_t sources = std::max<int64_t>(inputs / 3, 1);
    std::vector<double> mix;
    for (int64_t i = 0; i < sources * inputs; ++i)
      mix.push_back(normal(random));
    moments.assign(inputs * inputs, 0);
    for (int64_t a = 0; a < inputs; ++a)
      for (int64_t b = 0; b < inputs; ++b) {
        moments[a * inputs + b] = a == b;
        for (int64_t s = 0; s < sources; ++s)
          moments[a * inputs + b] += mix[s * inputs + a] * mix[s * inputs + b];
      }
  }
  int64_t inputs;
  Rows weights;
  std::vector<double> moments;
};
} // namespace

TEST(RoundWeightsTest, FindsAKnownOptimum) {
  // Ten inputs that are always the same: what counts is the sum of the weights, 3,
  // which three weights of one make and no nearest value does.
  constexpr int64_t kInputs = 10;
  Integers grid;
  Rows weights;
  for (int k = 0; k < kInputs; ++k)
    weights.push_back(0.255f + 0.01f * k);
  WeightRows rows{weights, 0, grid};
  WeightRounder rounder(kInputs, std::vector<double>(kInputs * kInputs, 1), 0.01);
  EXPECT_EQ(rounder.nearest(rows), Rows(kInputs, 0));
  for (const Rows &rounded : {gptq(rounder, rows), adaRound(rounder, rows)}) {
    EXPECT_EQ(std::accumulate(rounded.begin(), rounded.end(), 0.0f), 3);
    EXPECT_EQ(std::count(rounded.begin(), rounded.end(), 1.0f), 3);
  }
}

TEST(RoundWeightsTest, FindsTheBestOfAllRoundings) {
  // Up and down of eight weights are few enough to try all.
  Integers grid;
  int best = 0, trials = 20;
  for (int seed = 0; seed < trials; ++seed) {
    Problem problem(seed, 1, 8);
    WeightRows rows{problem.weights, 0, grid};
    WeightRounder rounder(8, problem.moments, 0);
    double least = INFINITY;
    for (int up = 0; up < 256; ++up) {
      Rows rounded;
      for (int k = 0; k < 8; ++k)
        rounded.push_back(std::floor(problem.weights[k]) + (up >> k & 1));
      least = std::min(least, rounder.errors(rows, rounded)[0]);
    }
    double error = rounder.errors(rows, adaRound(rounder, rows))[0];
    EXPECT_LE(error, 2 * least);
    best += error <= least * (1 + 1e-6);
  }
  EXPECT_GE(best, trials / 2);
}

TEST(RoundWeightsTest, IsNeverWorseThanNearest) {
  Integers grid(2);
  double nearestSum = 0, gptqSum = 0, adaRoundSum = 0;
  for (int seed = 0; seed < 5; ++seed) {
    Problem problem(seed, 6, 80); // more than a block of inputs
    WeightRows rows{problem.weights, 0, grid};
    WeightRounder rounder(80, problem.moments, 0.01);
    auto nearest = rounder.errors(rows, rounder.nearest(rows));
    auto byGPTQ = rounder.errors(rows, gptq(rounder, rows));
    auto byAdaRound = rounder.errors(rows, adaRound(rounder, rows));
    for (int o = 0; o < 6; ++o) {
      EXPECT_LE(byGPTQ[o], nearest[o]);
      EXPECT_LE(byAdaRound[o], nearest[o]);
    }
    nearestSum += std::accumulate(nearest.begin(), nearest.end(), 0.0);
    gptqSum += std::accumulate(byGPTQ.begin(), byGPTQ.end(), 0.0);
    adaRoundSum += std::accumulate(byAdaRound.begin(), byAdaRound.end(), 0.0);
  }
  EXPECT_LT(gptqSum, nearestSum / 2);
  EXPECT_LT(adaRoundSum, nearestSum / 2);
}

TEST(RoundWeightsTest, IsNearestForInputsThatHaveNothingInCommon) {
  Integers grid(1);
  Problem problem(3, 4, 5);
  for (int a = 0; a < 5; ++a)
    for (int b = 0; b < 5; ++b)
      problem.moments[a * 5 + b] = a == b ? 1 + a : 0;
  WeightRows rows{problem.weights, 0, grid};
  WeightRounder rounder(5, problem.moments, 0);
  Rows nearest = rounder.nearest(rows);
  EXPECT_EQ(gptq(rounder, rows), nearest);
  EXPECT_EQ(rounder.adaRound(rows), nearest);
  for (float value : nearest)
    EXPECT_LE(std::fabs(value), 1);
}

TEST(RoundWeightsTest, IsNearestForInputsThatAreAlwaysTheSame) {
  Integers grid;
  Rows weights{0.4f, -1.7f, 9};
  WeightRows rows{weights, 0, grid};
  WeightRounder rounder(3, std::vector<double>(9, 0), 0.01);
  EXPECT_EQ(gptq(rounder, rows), (Rows{0, -2, 7}));
  EXPECT_EQ(adaRound(rounder, rows), (Rows{0, -2, 7}));
}

TEST(RoundWeightsTest, MakesUpForWhatInputsTell) {
  // Inputs x are off by e with e_l = x_(l+1) / 4: Cov(x_k, e_l) is H_(k,l+1) / 4. So
  // w·(x + e) is what w_k + w_(k−1) / 4 make of x.
  constexpr int64_t kInputs = 6;
  Problem problem(3, 2, kInputs);
  WeightRounder rounder(kInputs, problem.moments, 0);
  std::vector<double> errors(kInputs * kInputs, 0);
  for (int64_t k = 0; k < kInputs; ++k)
    for (int64_t l = 0; l + 1 < kInputs; ++l)
      errors[k * kInputs + l] = problem.moments[k * kInputs + l + 1] / 4;
  Rows made = rounder.makingUpFor(errors, problem.weights);
  for (int64_t i = 0; i < 2 * kInputs; ++i)
    EXPECT_NEAR(made[i], problem.weights[i] + (i % kInputs ? problem.weights[i - 1] / 4 : 0), 1e-4)
        << i;
}
