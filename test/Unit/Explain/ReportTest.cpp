//===- ReportTest.cpp - figures, flags and the page -----------------------===//
#include "dyadic/Explain/Explain.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace dyadic;

namespace {
TEST(DeviationTest, IsOverAllSamples) {
  Deviation deviation;
  deviation.add({3, 4}, {3, 3});
  deviation.add({0, 5}, {0, 5});
  EXPECT_EQ(deviation.relativeNoise(), 1.0 / 50);
  EXPECT_NEAR(deviation.sqnr(), 10 * std::log10(50), 1e-9);
  EXPECT_NEAR(deviation.cosine(), 46 / std::sqrt(50.0 * 43), 1e-9);
}

TEST(DeviationTest, EqualTensorsAreExact) {
  Deviation deviation;
  deviation.add({0, 0}, {0, 0});
  EXPECT_EQ(deviation.relativeNoise(), 0);
  EXPECT_EQ(deviation.sqnr(), INFINITY);
  EXPECT_EQ(deviation.cosine(), 1);
  deviation.add({0, -INFINITY, 1}, {1, -INFINITY, INFINITY});
  EXPECT_EQ(deviation.sqnr(), -200);
}

TEST(RemedyTest, FlagsAreOneWordOfAShell) {
  using Kind = Remedy::Kind;
  EXPECT_EQ((Remedy{Kind::KeepFloat, {"layer1/conv.2", "b"}, ""}).flag(), "--keep-float layer1/conv.2 --keep-float b");
  EXPECT_EQ((Remedy{Kind::KeepFloat, {"it's $(x)"}, ""}).flag(), "--keep-float 'it'\\''s $(x)'");
  EXPECT_EQ((Remedy{Kind::Weights, {"fc=int8"}, ""}).flag(), "--weights fc=int8");
  EXPECT_EQ(Remedy().flag(), "");
}

TEST(WeightReportTest, SpreadIsLargestOverMedian) {
  WeightReport weights;
  weights.channelMax = {1, 0, 2, 10};
  EXPECT_EQ(weights.spread(), 5);
}

/// One layer with a name that would end the page's data.
Explanation hostile() {
  Explanation explanation;
  explanation.model = "<b>&model";
  Layer layer;
  layer.name = "</script><b onclick=\"x\">\xff<!--";
  layer.kind = "relu";
  layer.type = "u8";
  layer.own.add({1}, {1});
  layer.effect = 0.001;
  layer.remedy = {Remedy::Kind::KeepFloat, {layer.name}, "of a test"};
  explanation.layers.push_back(layer);
  explanation.culprits.push_back(0);
  return explanation;
}

TEST(ReportTest, NamesCantLeaveThePagesData) {
  std::string html = toHTML(hostile());
  EXPECT_EQ(html.find("<b"), html.find("<body"));
  EXPECT_EQ(html.find("<b>"), std::string::npos);
  llvm::StringRef opening = "id=\"explanation\">";
  size_t begin = html.find(opening.str()) + opening.size();
  std::string data = html.substr(begin, html.find("</script>", begin) - begin);
  auto parsed = llvm::json::parse(data);
  ASSERT_TRUE(bool(parsed)) << llvm::toString(parsed.takeError());
  EXPECT_EQ(*parsed, toJSON(hostile()));
}

TEST(ReportTest, HasTheDocumentedFields) {
  llvm::json::Value json = toJSON(hostile());
  const auto &object = *json.getAsObject();
  EXPECT_EQ(object.getString("format"), "dyadic-explain");
  EXPECT_EQ(object.getInteger("version"), 1);
  const auto &layer = *(*object.getArray("layers"))[0].getAsObject();
  // JSON has no infinity: an exact tensor has no ratio.
  EXPECT_EQ(*layer.getObject("own")->get("sqnr"), llvm::json::Value(nullptr));
  EXPECT_NEAR(*layer.getObject("effect")->getNumber("sqnr"), 30, 1e-9);
  EXPECT_EQ(layer.getObject("remedy")->getString("because"), "of a test");
  EXPECT_EQ(*object.get("goal"), llvm::json::Value(nullptr));
}

TEST(ReportTest, HasWhatWasTried) {
  Explanation explanation = hostile();
  Escalation &found = explanation.escalation.emplace();
  found.goal.metric = AccuracyGoal::Metric::F1;
  found.floatAccuracy = INFINITY;
  found.candidates.push_back({"--observer mse", 0.5, 0.25, 100, true, true});
  found.chosen = 0;
  llvm::json::Value json = toJSON(explanation);
  const auto &goal = *json.getAsObject()->getObject("goal");
  EXPECT_EQ(goal.getString("metric"), "f1");
  EXPECT_EQ(*goal.get("floatAccuracy"), llvm::json::Value(nullptr));
  EXPECT_EQ(goal.getInteger("chosen"), 0);
  const auto &candidate = *(*goal.getArray("candidates"))[0].getAsObject();
  EXPECT_EQ(candidate.getString("flags"), "--observer mse");
  EXPECT_EQ(candidate.getNumber("seconds"), 0.25);
  EXPECT_EQ(candidate.getBoolean("onFront"), true);
}
} // namespace
