//===- Advise.cpp - what to try for each culprit --------------------------===//
#include "dyadic/Explain/Explain.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace dyadic {

/// `text` as one word of a shell.
static std::string quoted(llvm::StringRef text) {
  auto isPlain = [](char c) {
    return llvm::isAlnum(c) || llvm::StringRef("_-./:=,+@%").contains(c);
  };
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

static llvm::StringRef optionOf(Remedy::Kind kind) {
  switch (kind) {
  case Remedy::Kind::None:
    break;
  case Remedy::Kind::KeepFloat:
    return "--keep-float ";
  case Remedy::Kind::Observer:
    return "--observer ";
  case Remedy::Kind::Weights:
    return "--weights ";
  case Remedy::Kind::Rounding:
    return "--round-weights ";
  case Remedy::Kind::Activations:
    return "--activations ";
  }
  return "";
}

std::string Remedy::flag() const {
  std::string text;
  for (const std::string &value : values)
    text += (text.empty() ? "" : " ") + optionOf(kind).str() + quoted(value);
  return text;
}

void Remedy::apply(CompileOptions &options) const {
  if (kind == Kind::KeepFloat)
    llvm::append_range(options.quantize.keepFloat, values);
  if (kind == Kind::Weights)
    llvm::append_range(options.quantize.weights, values);
  if (kind == Kind::Activations)
    llvm::append_range(options.quantize.activations, values);
  if (kind == Kind::Rounding)
    options.calibration->weightRounding = WeightRounding::AdaRound;
  if (kind != Kind::Observer)
    return;
  if (auto observer = parseObserver(values.front())) {
    options.calibration->observer = *observer;
    options.calibration->chooseObservers = false;
  } else {
    llvm::consumeError(observer.takeError());
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

/// Finds the names of the integer ops that read what layer `number` computes, as
/// it is or moved. Fails where one has no name.
static bool findReaders(const Explanation &explanation, int64_t number,
                        std::vector<std::string> &names) {
  for (auto [i, layer] : llvm::enumerate(explanation.layers)) {
    if (!llvm::is_contained(layer.inputs, number))
      continue;
    bool handsOn = layer.isMovement || layer.foldedInto >= 0 || layer.type.empty();
    if (handsOn && !findReaders(explanation, i, names))
      return false;
    if (handsOn || !layer.isInteger || llvm::is_contained(names, layer.name))
      continue;
    if (layer.name.empty())
      return false;
    names.push_back(layer.name);
  }
  return true;
}

std::vector<std::string> Explanation::namesOf(int64_t number) const {
  std::vector<std::string> names;
  if (layers[number].name.empty())
    return names;
  names.push_back(layers[number].name);
  for (const Layer &layer : layers)
    if (layer.foldedInto == number && !layer.name.empty() &&
        !llvm::is_contained(names, layer.name))
      names.push_back(layer.name);
  return names;
}

/// Float for a layer whose result is rounded: for what reads it, too, or else the
/// result would be rounded for that.
static Remedy unrounded(const Explanation &explanation, int64_t number,
                        const std::string &why) {
  constexpr size_t kMost = 5;
  bool isInput = explanation.layers[number].isInput;
  std::vector<std::string> names;
  if (!isInput)
    names = explanation.namesOf(number); // a relu left behind would have a rounded operand
  if ((!isInput && names.empty()) || !findReaders(explanation, number, names) ||
      names.empty() || names.size() > kMost)
    return {Remedy::Kind::None, {}, why};
  return {Remedy::Kind::KeepFloat, names, why};
}

static Remedy adviceFor(const Explanation &explanation, int64_t number,
                        ObserverOptions::Kind observer) {
  using Kind = Remedy::Kind;
  const Layer &layer = explanation.layers[number];
  double own = layer.weightNoise + layer.clippingNoise + layer.roundingNoise;
  if (layer.clippingNoise > own / 2) {
    std::string why = "values outside of its range are most of its error";
    if (observer == ObserverOptions::Kind::MinMax)
      return unrounded(explanation, number, why);
    return {Kind::Observer, {"minmax"}, why};
  }
  if (layer.weightNoise > own / 2) {
    std::string why = "rounding its weights is most of its error";
    if (layer.name.empty())
      return {Kind::None, {}, why};
    // A pattern would take these characters for wildcards.
    bool isPlain = llvm::StringRef(layer.name).find_first_of("*?=[") == llvm::StringRef::npos;
    if (layer.weights && layer.weights->bits < 8 && isPlain)
      return {Kind::Weights, {layer.name + "=int8"}, why};
    return {Kind::KeepFloat, explanation.namesOf(number), why};
  }
  // Of bell-shaped values, a range of eight bits is best at about ±4 deviations.
  constexpr double kWide = 16;
  double rms = rootMeanSquare(layer.values);
  bool isWide = layer.range && rms > 0 &&
                layer.range->max - layer.range->min > kWide * rms;
  if (isWide && observer != ObserverOptions::Kind::MeanSquared)
    return {Kind::Observer, {"mse"},
            "its range is wide beside most of its values, so that they have few steps"};
  return unrounded(explanation, number, "rounding its result is most of its error");
}

void advise(Explanation &explanation, const CompileOptions &compile) {
  // Without a calibration no layer has a range that another observer would change.
  auto calibration = compile.calibration.value_or(CalibrationOptions());
  ObserverOptions::Kind observer = calibration.observer.kind;
  for (int64_t number : explanation.culprits)
    if (Layer &layer = explanation.layers[number]; layer.own.relativeNoise() > 0) {
      layer.remedy = adviceFor(explanation, number, observer);
      if (layer.remedy.kind != Remedy::Kind::KeepFloat)
        layer.lastResort = unrounded(explanation, number, "");
    }
}

} // namespace dyadic
