//===- Trials.cpp ---------------------------------------------------------===//
#include "Trials.h"

#include "Scores.h"

#include "dyadic/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace dyadic {

LogicalResult tryRemedies(ModuleOp calibrated, Compilation &compilation,
                          const CompileOptions &compile, SampleStream &samples,
                          int64_t tries, Explanation &explanation, ExitCode &fault) {
  auto scores = Scores::create(calibrated, samples, explanation.samples);
  if (failed(scores))
    return failure();
  auto before = scores->noiseOf(compilation.module(), compile.rounding);
  if (failed(before))
    return failure();
  ArrayRef<int64_t> worst = explanation.culprits;
  worst = worst.take_front(tries);
  llvm::StringMap<double> known; // a remedy for all layers is tried once
  Progress progress("trying remedies", worst.size());
  for (int64_t number : worst) {
    Layer &layer = explanation.layers[number];
    for (const Remedy &remedy : {layer.remedy, layer.lastResort}) {
      if (remedy.kind == Remedy::Kind::None)
        continue;
      auto [entry, isNew] = known.try_emplace(remedy.flag(), 0);
      if (isNew) {
        CompileOptions changed = compile;
        remedy.apply(changed);
        Compilation again(calibrated.getContext(), changed);
        LogicalResult done = again.advance(Level::Quantized);
        fault = again.fault();
        if (failed(done))
          return failure();
        auto noise = scores->noiseOf(again.module(), compile.rounding);
        if (failed(noise))
          return failure();
        entry->second = *noise;
      }
      layer.trials.push_back(
          {remedy.flag(), toDecibels(*before), toDecibels(entry->second)});
    }
    progress.advance();
  }
  return success();
}

} // namespace dyadic
