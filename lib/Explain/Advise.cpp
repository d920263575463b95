//===- Advise.cpp - what to try for each culprit --------------------------===//
#include "dyadic/Explain/Explain.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace dyadic {

/// `text` as one word of a shell.
static std::string quoted(llvm::StringRef text) {
  auto isPlain = [](char c) { return llvm::isAlnum(c) || llvm::StringRef("_-./:=,+@%").contains(c); };
  if (!text.empty() && llvm::all_of(text, isPlain))
    return text.str();
  std::string result = "'";
  for (char c : text)
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  return result + "'";
}

std::string Remedy::flag() const {
  switch (kind) {
  case Kind::None:
    return "";
  case Kind::KeepFloat:
    return "--keep-float " + quoted(value);
  case Kind::Observer:
    return "--observer " + quoted(value);
  case Kind::Weights:
    return "--weights " + quoted(value);
  }
  return "";
}

void Remedy::apply(CompileOptions &options) const {
  switch (kind) {
  case Kind::None:
    return;
  case Kind::KeepFloat:
    options.keepFloat.push_back(value);
    return;
  case Kind::Observer:
    if (auto observer = parseObserver(value))
      options.calibration->observer = *observer;
    else
      llvm::consumeError(observer.takeError());
    return;
  case Kind::Weights:
    options.weights.push_back(value);
    return;
  }
}

/// Root mean square of the values in a histogram's bins.
static double rootMeanSquare(const Histogram &values) {
  double sum = 0, count = 0;
  for (auto [i, n] : llvm::enumerate(values.bins())) {
    double x = values.edge(i) + values.binWidth() / 2;
    sum += n * x * x;
    count += n;
  }
  return count > 0 ? std::sqrt(sum / count) : 0;
}

static Remedy adviceFor(const Layer &layer, ObserverOptions::Kind observer) {
  using Kind = Remedy::Kind;
  // A pattern would take these characters for wildcards.
  bool hasPlainName = llvm::StringRef(layer.name).find_first_of("*?=[") == llvm::StringRef::npos;
  double own = layer.weightNoise + layer.clippingNoise + layer.roundingNoise;
  std::string why = "rounding its result is most of its error";
  if (layer.clippingNoise > own / 2) {
    why = "values outside of its range are most of its error";
    if (observer != ObserverOptions::Kind::MinMax)
      return {Kind::Observer, "minmax", why};
  } else if (layer.weightNoise > own / 2) {
    why = "rounding its weights is most of its error";
    if (layer.weights && layer.weights->bits < 8 && !layer.name.empty() && hasPlainName)
      return {Kind::Weights, layer.name + "=int8", why};
  } else if (layer.range) {
    // Of bell-shaped values, a range of eight bits is best at about ±4 deviations.
    constexpr double kWide = 16;
    double rms = rootMeanSquare(layer.values);
    if (rms > 0 && layer.range->max - layer.range->min > kWide * rms) {
      why = "its range is wide beside most of its values, so that they have few steps";
      if (observer != ObserverOptions::Kind::MeanSquared)
        return {Kind::Observer, "mse", why};
    }
  }
  if (layer.isInput || layer.name.empty())
    return {Kind::None, "", why};
  return {Kind::KeepFloat, layer.name, why};
}

void advise(Explanation &explanation, const CompileOptions &compile) {
  ObserverOptions::Kind observer = compile.calibration->observer.kind;
  for (int64_t number : explanation.culprits) {
    Layer &layer = explanation.layers[number];
    if (layer.own.relativeNoise() > 0)
      layer.remedy = adviceFor(layer, observer);
  }
}

} // namespace dyadic
