//===- ObserverTest.cpp ---------------------------------------------------===//
#include "dyadic/Calibrate/Observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace dyadic;

namespace {
std::unique_ptr<Observer> make(llvm::StringRef text) {
  return makeObserver(cantFail(parseObserver(text)));
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
  for (auto text : {"minmax", "moving-average", "percentile=100"}) {
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

TEST(ObserverTest, RefusesBadOptions) {
  for (auto text : {"", "maximum", "minmax=1", "percentile=50", "percentile=101",
                    "percentile=x", "moving-average=1", "moving-average="})
    EXPECT_FALSE(static_cast<bool>(llvm::expectedToOptional(parseObserver(text)))) << text;
  EXPECT_EQ(cantFail(parseObserver("percentile=99.5")).percentile, 99.5);
}
} // namespace
