//===- WriteOverrides.cpp - what helped, for --overrides ------------------===//
#include "dyadic/Explain/Explain.h"

#include "llvm/ADT/StringRef.h"

#include <map>

namespace dyadic {

namespace {
/// The settings that helped, by the name of a layer.
class Settings {
public:
  void add(const Remedy &remedy, double gain);
  llvm::json::Value toJSON() const;

private:
  std::map<std::string, std::string> weights, activations;
  std::map<std::string, bool> isFloat;
  std::string observer;
  double observerGain = 0;
};
} // namespace

void Settings::add(const Remedy &remedy, double gain) {
  switch (remedy.kind) {
  case Remedy::Kind::None:
  case Remedy::Kind::Rounding: // of all layers
    return;
  case Remedy::Kind::KeepFloat:
    for (const std::string &name : remedy.values)
      isFloat[name] = true;
    return;
  case Remedy::Kind::Activations:
  case Remedy::Kind::Weights:
    for (llvm::StringRef value : remedy.values) {
      auto [name, kind] = value.rsplit('=');
      auto &settings = remedy.kind == Remedy::Kind::Weights ? weights : activations;
      settings[name.str()] = kind.str();
    }
    return;
  case Remedy::Kind::Observer:
    if (gain > observerGain) {
      observer = remedy.values.front();
      observerGain = gain;
    }
    return;
  }
}

llvm::json::Value Settings::toJSON() const {
  using llvm::json::Object;
  Object layers;
  if (!observer.empty())
    layers["*"] = Object{{"observer", observer}};
  for (const auto &[name, kind] : weights)
    layers[name] = Object{{"weights", kind}};
  for (const auto &[name, kind] : activations)
    layers[name] = Object{{"activations", kind}};
  for (const auto &[name, value] : isFloat)
    layers[name] = Object{{"float", value}};
  return layers;
}

llvm::json::Value toOverrides(const Explanation &explanation) {
  constexpr double kLeastGain = 0.1; // decibels
  Settings settings;
  for (int64_t number : explanation.culprits) {
    const Layer &layer = explanation.layers[number];
    const Trial *best = nullptr;
    for (const Trial &trial : layer.trials)
      if (trial.after > trial.before + kLeastGain && (!best || trial.after > best->after))
        best = &trial;
    if (!best)
      continue;
    bool isFirst = best->flag == layer.remedy.flag();
    settings.add(isFirst ? layer.remedy : layer.lastResort, best->after - best->before);
  }
  return settings.toJSON();
}

} // namespace dyadic
