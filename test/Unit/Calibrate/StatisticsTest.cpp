//===- StatisticsTest.cpp -------------------------------------------------===//
#include "dyadic/Calibrate/Statistics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

using namespace dyadic;

namespace {
std::string text(const llvm::json::Value &value) { return llvm::formatv("{0}", value).str(); }

std::vector<std::vector<float>> someSamples() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> samples;
  for (float size : {1e-3f, 1.0f, 1e-6f, 700.0f, 3.0f}) {
    samples.emplace_back(999);
    for (float &value : samples.back())
      value = normal(random) * size + size;
  }
  return samples;
}

Histogram histogramOf(llvm::ArrayRef<std::vector<float>> samples) {
  Histogram result;
  for (const auto &sample : samples)
    result.observe(sample);
  return result;
}

TEST(HistogramTest, CountsEveryValueInItsBin) {
  Histogram histogram = histogramOf({{0, 1, 1, -2, 5}});
  EXPECT_EQ(histogram.total(), 5u);
  EXPECT_EQ(histogram.zeros(), 1u);
  EXPECT_EQ(histogram.edge(0), -2);
  llvm::ArrayRef<uint64_t> bins = histogram.bins();
  auto countAt = [&](double value) {
    return bins[std::llround((value + 2) / histogram.binWidth())];
  };
  EXPECT_EQ(countAt(-2), 1u);
  EXPECT_EQ(countAt(0), 1u);
  EXPECT_EQ(countAt(1), 2u);
  EXPECT_EQ(countAt(5), 1u);
  EXPECT_LE(bins.size(), size_t(Histogram::kBins));
  EXPECT_GT(bins.size(), size_t(Histogram::kBins) / 2);
}

TEST(HistogramTest, OrderAndPartsDoNotMatter) {
  auto samples = someSamples();
  std::string all = text(histogramOf(samples).toJSON());
  auto backwards = samples;
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(text(histogramOf(backwards).toJSON()), all);
  for (size_t cut = 0; cut <= samples.size(); ++cut) {
    Histogram one = histogramOf(llvm::ArrayRef(samples).take_front(cut));
    Histogram other = histogramOf(llvm::ArrayRef(samples).drop_front(cut));
    other.merge(one);
    EXPECT_EQ(text(other.toJSON()), all) << cut;
  }
}

TEST(HistogramTest, TakesEveryFiniteValue) {
  constexpr float big = std::numeric_limits<float>::max();
  constexpr float tiny = std::numeric_limits<float>::denorm_min();
  Histogram histogram = histogramOf({{tiny, -tiny, 0}, {NAN, INFINITY}, {3e-20f}, {big, -big}});
  EXPECT_EQ(histogram.total(), 6u);
  EXPECT_EQ(histogram.extremes().max, big);
  EXPECT_EQ(std::accumulate(histogram.bins().begin(), histogram.bins().end(), uint64_t(0)), 6u);
}

TEST(StatisticsTest, ComeBackFromTheirFile) {
  TensorStatistics statistics(/*channels=*/3);
  for (const auto &sample : someSamples())
    statistics.observe(sample);
  std::string saved = text(statistics.toJSON());
  auto parsed = llvm::json::parse(saved);
  ASSERT_TRUE(static_cast<bool>(parsed));
  auto loaded = TensorStatistics::fromJSON(*parsed);
  ASSERT_TRUE(static_cast<bool>(loaded));
  EXPECT_EQ(text(loaded->toJSON()), saved);
  EXPECT_EQ(loaded->channelMeans(), statistics.channelMeans());
}

TEST(StatisticsTest, PartsAddUp) {
  auto samples = someSamples();
  TensorStatistics all(3), first(3), rest(3);
  for (auto [i, sample] : llvm::enumerate(samples)) {
    all.observe(sample);
    (i < 2 ? first : rest).observe(sample);
  }
  first.merge(rest);
  EXPECT_EQ(first.samples(), 5);
  for (auto [mine, theirs] : llvm::zip(first.channelMeans(), all.channelMeans()))
    EXPECT_FLOAT_EQ(mine, theirs);
  EXPECT_EQ(text(first.histogram().toJSON()), text(all.histogram().toJSON()));
}

TEST(StatisticsTest, RememberTheFirstBadSample) {
  TensorStatistics one, other;
  one.observe({1.0f});
  other.observe({1.0f});
  other.observe({NAN});
  one.merge(other);
  EXPECT_EQ(one.firstBadSample(), 2);
}

TEST(StatisticsTest, RefuseDamage) {
  TensorStatistics statistics(2);
  statistics.observe({1, 2, 3, 4});
  std::string good = text(statistics.toJSON());
  for (auto [from, to] : {std::pair("\"bins\":[1", "\"bins\":[0"),
                          std::pair("\"bins\":[1", "\"bins\":[-1"),
                          std::pair("\"bins\":[1", "\"bins\":[\"x\""),
                          std::pair("\"max\":4", "\"max\":400"),
                          std::pair("\"max\":4", "\"max\":1e300"),
                          std::pair("\"zeros\":0", "\"zeros\":9"),
                          std::pair("\"channels\":2", "\"channels\":3"),
                          std::pair("\"rows\":2", "\"row\":2"),
                          std::pair("\"momentum\":0.9", "\"momentum\":2")}) {
    size_t at = good.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << good;
    std::string bad = good;
    bad.replace(at, strlen(from), to);
    auto parsed = llvm::json::parse(bad);
    ASSERT_TRUE(static_cast<bool>(parsed)) << bad;
    auto loaded = TensorStatistics::fromJSON(*parsed);
    EXPECT_FALSE(static_cast<bool>(loaded)) << to;
    llvm::consumeError(loaded.takeError());
  }
}

TEST(StatisticsTest, OnlyOfOneNetworkMerge) {
  NetworkStatistics one{{{"x", {1, 2}, TensorStatistics()}}};
  NetworkStatistics other{{{"x", {1, 3}, TensorStatistics()}}};
  EXPECT_EQ(llvm::toString(one.merge(other)),
            "expected statistics of the same network: of 'x' [1x2], but got 'x' [1x3]");
  other.tensors.clear();
  EXPECT_EQ(llvm::toString(one.merge(other)),
            "expected statistics of the same network: of 1 tensors, but got 0");
}
} // namespace
