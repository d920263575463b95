//===- Report.cpp - explanations as JSON and as a page --------------------===//
#include "Energy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace llvm;

namespace dyadic {
// Page.html, embedded by CMake.
extern const unsigned char kExplainPage[];
extern const size_t kExplainPageSize;

/// JSON has no infinities: nothing stands for what isn't finite.
static json::Value number(double x) {
  return std::isfinite(x) ? json::Value(x) : json::Value(nullptr);
}

static std::string text(StringRef bytes) { return json::fixUTF8(bytes); }

static json::Value toJSON(const std::optional<Range> &range) {
  if (!range)
    return nullptr;
  return json::Array{number(range->min), number(range->max)};
}

static json::Object toJSON(const Deviation &deviation) {
  return json::Object{{"sqnr", number(deviation.sqnr())},
                      {"cosine", number(deviation.cosine())}};
}

/// At most 64 bars: `counts[i]` values from `start + i·step` to the next.
static json::Value toJSON(const Histogram &values) {
  constexpr int64_t kBars = 64;
  ArrayRef<uint64_t> bins = values.bins();
  if (bins.empty())
    return nullptr;
  int64_t group = divideCeil(bins.size(), kBars);
  json::Array counts;
  for (int64_t i = 0, e = bins.size(); i < e; i += group) {
    int64_t sum = 0;
    for (uint64_t n : bins.slice(i, std::min(group, e - i)))
      sum += n;
    counts.push_back(sum);
  }
  return json::Object{{"start", values.edge(0)},
                      {"step", group * values.binWidth()},
                      {"counts", std::move(counts)}};
}

static json::Value toJSON(const std::optional<WeightReport> &weights) {
  if (!weights)
    return nullptr;
  json::Array channels;
  for (float magnitude : weights->channelMax)
    channels.push_back(number(magnitude));
  return json::Object{{"shape", json::Array(weights->shape)},
                      {"bits", weights->bits},
                      {"sqnr", number(weights->error.sqnr())},
                      {"spread", number(weights->spread())},
                      {"channelMax", std::move(channels)}};
}

static json::Value toJSON(const Remedy &remedy) {
  if (remedy.why.empty())
    return nullptr;
  return json::Object{
      {"flag", remedy.kind == Remedy::Kind::None ? json::Value(nullptr)
                                                 : json::Value(text(remedy.flag()))},
      {"because", remedy.why}};
}

static json::Value toJSON(const Layer &layer) {
  json::Object object{
      {"name", text(layer.name)},
      {"kind", text(layer.kind)},
      {"shape", json::Array(layer.shape)},
      {"inputs", json::Array(layer.inputs)},
      {"type", layer.type.empty() ? json::Value(nullptr) : json::Value(layer.type)},
      {"integer", layer.isInteger},
      {"movement", layer.isMovement},
      {"foldedInto", layer.foldedInto < 0 ? json::Value(nullptr) : layer.foldedInto},
      {"floatReason", layer.floatReason.empty() ? json::Value(nullptr)
                                                : json::Value(text(layer.floatReason))},
      {"macs", layer.macs},
      {"weightBytes", layer.weightBytes},
      {"activationBytes", layer.activationBytes},
      {"picojoules", layer.energy},
      {"floatPicojoules", layer.floatEnergy},
      {"seconds", layer.seconds},
      {"floatSeconds", layer.floatSeconds}};
  if (layer.type.empty())
    return object; // nothing of it was left to measure
  object["own"] = toJSON(layer.own);
  object["inherited"] = toJSON(layer.inherited);
  object["total"] = toJSON(layer.total);
  object["ownParts"] = json::Object{{"weights", number(layer.weightNoise)},
                                    {"clipping", number(layer.clippingNoise)},
                                    {"rounding", number(layer.roundingNoise)}};
  object["effect"] =
      layer.effect ? json::Value(json::Object{{"sqnr", number(toDecibels(*layer.effect))},
                                              {"share", number(layer.share)}})
                   : json::Value(nullptr);
  object["clipped"] = layer.clipped;
  object["range"] = toJSON(layer.range);
  object["calibrated"] = toJSON(layer.calibrated);
  object["seen"] = layer.values.total() ? toJSON(std::optional(layer.values.extremes()))
                                        : json::Value(nullptr);
  object["histogram"] = toJSON(layer.values);
  object["weights"] = toJSON(layer.weights);
  object["remedy"] = toJSON(layer.remedy);
  json::Array trials;
  for (const Trial &trial : layer.trials)
    trials.push_back(json::Object{{"flag", text(trial.flag)},
                                  {"before", number(trial.before)},
                                  {"after", number(trial.after)}});
  object["trials"] = std::move(trials);
  return object;
}

/// Sums over all layers, as quantized and in f32.
static json::Object totals(const Explanation &explanation) {
  int64_t macs = 0, integerMacs = 0, weights = 0, activations = 0, floatWeights = 0,
          floatActivations = 0;
  double energy = 0, floatEnergy = 0, seconds = 0, floatSeconds = 0;
  for (const Layer &layer : explanation.layers) {
    macs += layer.macs;
    integerMacs += layer.isInteger ? layer.macs : 0;
    weights += layer.weightBytes;
    activations += layer.activationBytes;
    floatWeights += layer.floatWeightBytes;
    floatActivations += layer.floatActivationBytes;
    energy += layer.energy;
    floatEnergy += layer.floatEnergy;
    seconds += layer.seconds;
    floatSeconds += layer.floatSeconds;
  }
  return json::Object{
          {"macs", macs},
          {"integerMacs", integerMacs},
          {"weightBytes", weights},
          {"activationBytes", activations},
          {"picojoules", energy},
          {"floatWeightBytes", floatWeights},
          {"floatActivationBytes", floatActivations},
          {"floatPicojoules", floatEnergy},
          {"seconds", seconds},
          {"floatSeconds", floatSeconds},
          {"energySource", kEnergySource}};
}

static StringRef nameOf(AccuracyGoal::Metric metric) {
  switch (metric) {
  case AccuracyGoal::Metric::SQNR:
    return "sqnr";
  case AccuracyGoal::Metric::Top1:
    return "top1";
  case AccuracyGoal::Metric::F1:
    return "f1";
  case AccuracyGoal::Metric::Cosine:
    return "cosine";
  case AccuracyGoal::Metric::Command:
    return "command";
  }
  return "";
}

static json::Value toJSON(const std::optional<Escalation> &escalation) {
  if (!escalation)
    return nullptr;
  json::Array candidates;
  for (const Candidate &candidate : escalation->candidates)
    candidates.push_back(json::Object{{"flags", text(candidate.flags)},
                                      {"accuracy", number(candidate.accuracy)},
                                      {"seconds", candidate.seconds},
                                      {"weightBytes", candidate.weightBytes},
                                      {"reaches", candidate.reaches},
                                      {"onFront", candidate.onFront}});
  return json::Object{{"metric", nameOf(escalation->goal.metric)},
                      {"limit", escalation->goal.limit},
                      {"floatAccuracy", number(escalation->floatAccuracy)},
                      {"floatSeconds", escalation->floatSeconds},
                      {"chosen", escalation->chosen < 0 ? json::Value(nullptr)
                                                        : escalation->chosen},
                      {"candidates", std::move(candidates)}};
}

json::Value toJSON(const Explanation &explanation) {
  json::Array layers, outputs;
  for (const Layer &layer : explanation.layers)
    layers.push_back(toJSON(layer));
  for (const OutputReport &output : explanation.outputs) {
    json::Object object = toJSON(output.error);
    object["name"] = text(output.name);
    object["shape"] = json::Array(output.shape);
    object["beforeSoftmax"] =
        output.scores ? json::Value(toJSON(*output.scores)) : json::Value(nullptr);
    outputs.push_back(std::move(object));
  }
  return json::Object{{"format", "dyadic-explain"},
                      {"version", 1},
                      {"model", text(explanation.model)},
                      {"observer", text(explanation.observer)},
                      {"samples", explanation.samples},
                      {"effectSamples", explanation.effectSamples},
                      {"outputs", std::move(outputs)},
                      {"outputSqnr", number(toDecibels(explanation.outputNoise()))},
                      {"culprits", json::Array(explanation.culprits)},
                      {"totals", totals(explanation)},
                      {"goal", toJSON(explanation.escalation)},
                      {"layers", std::move(layers)}};
}

std::string toHTML(const Explanation &explanation) {
  StringRef page(reinterpret_cast<const char *>(kExplainPage), kExplainPageSize);
  auto [before, after] = page.split("@EXPLANATION@");
  std::string html = before.str();
  // Inside of a script element, nothing may look like its end or a comment.
  for (char c : formatv("{0}", toJSON(explanation)).str())
    if (c == '<' || c == '>' || c == '&')
      html += "\\u" + utohexstr(c, /*LowerCase=*/true, /*Width=*/4);
    else
      html += c;
  return html + after.str();
}

} // namespace dyadic
