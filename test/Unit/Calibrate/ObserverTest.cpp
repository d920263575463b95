//===- ObserverTest.cpp ---------------------------------------------------===//
#include "dyadic/Calibrate/Observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace dyadic;

namespace {
/// Statistics and the range that an observer finds in them.
struct Observer {
  void observe(std::vector<float> values) { statistics.observe(values); }
  std::optional<Range> range() const { return chooseRange(statistics, options); }

  ObserverOptions options;
  TensorStatistics statistics;
};

std::unique_ptr<Observer> make(llvm::StringRef text) {
  ObserverOptions options = cantFail(parseObserver(text));
  return std::make_unique<Observer>(Observer{options, TensorStatistics(0, options.momentum)});
}

TEST(ObserverTest, MinMaxSpansEverything) {
  auto observer = make("minmax");
  EXPECT_FALSE(observer->range());
  observer->observe({1.5f, -2, 0});
  // Longer than the vector loop's step, extremes in its tail.
  std::vector<float> values(35, 0.5f);
  values[34] = 9;
  observer->observe(values);
  EXPECT_EQ(observer->range()->min, -2);
  EXPECT_EQ(observer->range()->max, 9);
}

TEST(ObserverTest, NonFiniteValuesAreNotPartOfTheRange) {
  for (auto text : {"minmax", "moving-average", "percentile=100", "mse", "entropy"}) {
    auto observer = make(text);
    observer->observe({NAN, INFINITY, -INFINITY});
    EXPECT_FALSE(observer->range()) << text;
    observer->observe({NAN, 1, INFINITY, -1, -INFINITY});
    EXPECT_NEAR(observer->range()->min, -1, 1e-6) << text;
    EXPECT_NEAR(observer->range()->max, 1, 1e-6) << text;
  }
}

TEST(ObserverTest, MovingAverageForgetsAnOutlier) {
  auto observer = make("moving-average=0.5");
  observer->observe({-1, 1});
  observer->observe({-1, 9});
  EXPECT_EQ(observer->range()->max, 5);
  for (int i = 0; i < 60; ++i)
    observer->observe({-1, 1});
  EXPECT_NEAR(observer->range()->max, 1, 1e-6);
  EXPECT_EQ(observer->range()->min, -1);
}

TEST(ObserverTest, PercentileCutsTails) {
  auto observer = make("percentile=99");
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  // Growing samples: the histogram has to widen in both directions.
  std::vector<float> all;
  for (int sample = 1; sample <= 20; ++sample) {
    std::vector<float> values(5000);
    for (float &value : values)
      value = normal(random) * sample;
    observer->observe(values);
    all.insert(all.end(), values.begin(), values.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_NEAR(observer->range()->min, all[all.size() / 100], 0.3);
  EXPECT_NEAR(observer->range()->max, all[all.size() - all.size() / 100], 0.3);
}

TEST(ObserverTest, PercentileOfAll) {
  auto observer = make("percentile=100");
  observer->observe({3, 3, 3});
  EXPECT_EQ(observer->range()->min, 3);
  EXPECT_EQ(observer->range()->max, 3);
  observer->observe({-1000, 5});
  EXPECT_EQ(observer->range()->min, -1000);
  EXPECT_EQ(observer->range()->max, 5);
}

/// Normal values with one far outside.
std::vector<float> normalWithOutlier(float outlier) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(100000);
  for (float &value : values)
    value = normal(random);
  values[500] = outlier;
  return values;
}

TEST(ObserverTest, TextComesBack) {
  for (auto text : {"minmax", "moving-average=0.5", "percentile=99.999", "entropy", "mse"})
    EXPECT_EQ(toString(llvm::cantFail(parseObserver(text))), text);
}

TEST(ObserverTest, LeastErrorCutsOffAnOutlier) {
  // Of N values in [−4.4, 4.4] and one at o, the end X costs (o − X)²/N beside the
  // rounding errors, ((X + 4.4)/256)²/12: least where 7.86·(o − X) = X + 4.4.
  for (float outlier : {9.0f, 400.0f}) {
    auto observer = make("mse");
    observer->observe(normalWithOutlier(outlier));
    double best = (7.86 * outlier - 4.4) / 8.86;
    EXPECT_NEAR(observer->range()->max, best, 0.02 * outlier) << outlier;
  }
}

TEST(ObserverTest, LeastErrorKeepsEvenlySpreadValues) {
  std::vector<float> values(50000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i) / values.size() * 6 - 2;
  for (auto text : {"mse", "entropy"}) {
    auto observer = make(text);
    observer->observe(values);
    EXPECT_NEAR(observer->range()->min, -2, 0.05) << text;
    EXPECT_NEAR(observer->range()->max, 4, 0.1) << text;
  }
}

TEST(ObserverTest, DivergenceCutsOffThinTails) {
  auto observer = make("entropy");
  observer->observe(normalWithOutlier(40));
  EXPECT_LT(observer->range()->max, 8);
  EXPECT_GT(observer->range()->max, 2.5);
  EXPECT_LT(observer->range()->min, -2);
}

TEST(ObserverTest, ManyZerosDoNotNarrowTheRange) {
  // Behind a relu half of the values are zero.
  std::vector<float> values = normalWithOutlier(0), alone;
  for (float &value : values) {
    value = std::max(value, 0.0f);
    if (value > 0)
      alone.push_back(value);
  }
  auto with = make("entropy"), without = make("entropy");
  with->observe(values);
  without->observe(alone);
  EXPECT_EQ(with->range()->max, without->range()->max);
}

TEST(ObserverTest, RefusesBadOptions) {
  for (auto text : {"", "maximum", "minmax=1", "percentile=50", "percentile=101",
                    "percentile=x", "moving-average=1", "moving-average=", "mse=1", "entropy="})
    EXPECT_FALSE(static_cast<bool>(llvm::expectedToOptional(parseObserver(text)))) << text;
  EXPECT_EQ(cantFail(parseObserver("percentile=99.5")).percentile, 99.5);
}
/// What `shiftOntoSteps` says of p · scale + offset for the pixels p of 0 to 255.
std::optional<double> shiftOfPixels(float scale, float offset) {
  auto observer = make("minmax");
  std::vector<float> values;
  for (int p = 0; p < 256; ++p)
    values.push_back(p * scale + offset);
  observer->observe(values);
  return shiftOntoSteps(observer->statistics.histogram(), *observer->range());
}

TEST(ObserverTest, ImagesBesideTheStepsAreShifted) {
  auto even = shiftOfPixels(2 / 255.0f, -1);
  ASSERT_TRUE(even);
  EXPECT_NEAR(std::abs(*even), 1 / 255.0, 1e-4);
  // Digits with their usual mean and deviation: 0 is 33.3 steps above the least.
  auto digits = shiftOfPixels(1 / (255 * 0.3081f), -0.1307f / 0.3081f);
  ASSERT_TRUE(digits);
  EXPECT_NEAR(*digits, 0.3285 / (255 * 0.3081), 2e-4);
}

TEST(ObserverTest, WhatIsOnTheStepsOrAnywhereStays) {
  EXPECT_FALSE(shiftOfPixels(1, 0));
  EXPECT_FALSE(shiftOfPixels(1 / 128.0f, -1)); // 0 is the 128th
  EXPECT_FALSE(shiftOfPixels(0, 0));
  auto observer = make("minmax");
  std::mt19937 random(3);
  std::vector<float> values(10000);
  for (float &x : values)
    x = std::uniform_real_distribution<float>(-1, 1)(random);
  observer->observe(values);
  EXPECT_FALSE(shiftOntoSteps(observer->statistics.histogram(), *observer->range()));
}
} // namespace
