//===- ChooseObservers.cpp - an observer for each tensor ------------------===//
#include "ChooseObservers.h"

#include "dyadic/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {

using Ranges = SmallVector<std::optional<Range>>;
/// The number of each tensor's candidate.
using Choice = SmallVector<size_t>;

static func::FuncOp mainOf(ModuleOp module) { return module.lookupSymbol<func::FuncOp>("main"); }

static bool isSame(const std::optional<Range> &a, const std::optional<Range> &b) {
  return a.has_value() == b.has_value() && (!a || (a->min == b->min && a->max == b->max));
}

namespace {
class ObserverSearch {
public:
  ObserverSearch(ModuleOp module, const NetworkStatistics &statistics,
                 const QuantizeChoices &choices)
      : module(module), statistics(statistics), choices(choices) {}

  LogicalResult prepare(const CalibrationOptions &given, const SampleTensors &samples);
  /// One observer for all tensors that may have another.
  LogicalResult tryForAll();
  /// Each group of tensors that are computed after one another by another observer,
  /// the others' staying.
  LogicalResult tryForGroups();
  /// Writes the ranges that were found, if they are better on the samples held back.
  LogicalResult take();

private:
  FailureOr<double> errorOf(const Choice &choice, bool onHeldBack) const;
  LogicalResult attempt(const Choice &choice);
  Ranges rangesOf(const Choice &choice) const;

  ModuleOp module;
  const NetworkStatistics &statistics;
  const QuantizeChoices &choices;
  SampleTensors learned, heldBack;
  DecidingTensors ofLearned, ofHeldBack;
  /// By observer, the given one first, and tensor.
  SmallVector<Ranges> candidates;
  /// The tensors that other observers have other ranges for.
  SmallVector<size_t> free;
  Choice best;
  double leastError = 0;
};
} // namespace

LogicalResult ObserverSearch::prepare(const CalibrationOptions &given,
                                      const SampleTensors &samples) {
  constexpr size_t kLearned = 12, kHeldBack = 6;
  for (auto [i, inputs] : llvm::enumerate(samples)) {
    bool isHeldBack = i % 3 == 2;
    SampleTensors &to = isHeldBack ? heldBack : learned;
    if (to.size() < (isHeldBack ? kHeldBack : kLearned))
      to.push_back(inputs);
  }
  auto first = runOn(mainOf(module), learned), second = runOn(mainOf(module), heldBack);
  if (failed(first) || failed(second))
    return failure();
  ofLearned = std::move(*first);
  ofHeldBack = std::move(*second);

  using Kind = ObserverOptions::Kind;
  SmallVector<ObserverOptions> observers{given.observer};
  for (Kind kind : {Kind::MinMax, Kind::MovingAverage, Kind::Percentile, Kind::Entropy,
                    Kind::MeanSquared})
    if (kind != given.observer.kind) {
      observers.push_back(given.observer);
      observers.back().kind = kind;
    }
  for (const ObserverOptions &observer : observers)
    candidates.push_back(chooseRanges(
        statistics, observersOf(mainOf(module), observer, given.observers)));
  // An observer for no tensor differs from one for all where a name has its own.
  for (size_t tensor = 0; tensor < statistics.tensors.size(); ++tensor)
    if (llvm::any_of(candidates, [&](const Ranges &ranges) {
          return !isSame(ranges[tensor], candidates[0][tensor]);
        }))
      free.push_back(tensor);
  best.assign(statistics.tensors.size(), 0);
  auto error = errorOf(best, /*onHeldBack=*/false);
  if (failed(error))
    return failure();
  leastError = *error;
  return success();
}

Ranges ObserverSearch::rangesOf(const Choice &choice) const {
  Ranges ranges;
  for (auto [tensor, candidate] : llvm::enumerate(choice))
    ranges.push_back(candidates[candidate][tensor]);
  return ranges;
}

FailureOr<double> ObserverSearch::errorOf(const Choice &choice, bool onHeldBack) const {
  OwningOpRef<ModuleOp> quantized(ModuleOp(module).clone());
  if (failed(writeRanges(mainOf(*quantized), statistics, rangesOf(choice))) ||
      failed(runPasses(*quantized, [&](OpPassManager &pm) {
        buildQuantizePipeline(pm, choices, /*equalize=*/false);
      })))
    return failure();
  return onHeldBack ? outputError(mainOf(*quantized), heldBack, ofHeldBack)
                    : outputError(mainOf(*quantized), learned, ofLearned);
}

/// Takes `choice` if it is better by more than chance.
LogicalResult ObserverSearch::attempt(const Choice &choice) {
  constexpr double kGain = 0.99;
  auto error = errorOf(choice, /*onHeldBack=*/false);
  if (failed(error))
    return failure();
  if (*error < kGain * leastError) {
    leastError = *error;
    best = choice;
  }
  return success();
}

LogicalResult ObserverSearch::tryForAll() {
  for (size_t candidate = 1; candidate < candidates.size(); ++candidate)
    if (failed(attempt(Choice(best.size(), candidate))))
      return failure();
  return success();
}

LogicalResult ObserverSearch::tryForGroups() {
  constexpr size_t kGroups = 8;
  size_t groups = std::min(kGroups, free.size());
  Progress progress("choosing observers", groups);
  for (size_t group = 0; group < groups; ++group) {
    size_t begin = group * free.size() / groups, end = (group + 1) * free.size() / groups;
    auto members = ArrayRef(free).slice(begin, end - begin);
    const Choice before = best;
    for (size_t candidate = 0; candidate < candidates.size(); ++candidate) {
      Choice choice = before;
      for (size_t tensor : members)
        choice[tensor] = candidate;
      bool differs = llvm::any_of(members, [&](size_t tensor) {
        return !isSame(candidates[candidate][tensor], candidates[before[tensor]][tensor]);
      });
      if (differs && failed(attempt(choice)))
        return failure();
    }
    progress.advance();
  }
  return success();
}

LogicalResult ObserverSearch::take() {
  auto before = errorOf(Choice(best.size(), 0), /*onHeldBack=*/true),
       after = errorOf(best, /*onHeldBack=*/true);
  if (failed(before) || failed(after))
    return failure();
  if (!(*after < *before))
    return success();
  return writeRanges(mainOf(module), statistics, rangesOf(best));
}

LogicalResult chooseObservers(ModuleOp module, const NetworkStatistics &statistics,
                              const CalibrationOptions &given, const QuantizeChoices &choices,
                              const SampleTensors &samples) {
  ObserverSearch search(module, statistics, choices);
  if (failed(search.prepare(given, samples)) || failed(search.tryForAll()) ||
      failed(search.tryForGroups()))
    return failure();
  return search.take();
}

} // namespace dyadic
