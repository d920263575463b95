//===- ChooseObservers.cpp - an observer for each tensor ------------------===//
#include "ChooseObservers.h"

#include "dyadic/Calibrate/Calibrate.h"
#include "dyadic/Pipeline/Pipelines.h"
#include "dyadic/Reference/Interpreter.h"
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
/// Samples in memory.
class TensorStream : public SampleStream {
public:
  explicit TensorStream(const SampleTensors &samples) : samples(samples) {}
  int64_t size() const override { return samples.size(); }
  llvm::Expected<SmallVector<HostTensor>> read(int64_t index) override { return samples[index]; }

private:
  const SampleTensors &samples;
};

class ObserverSearch {
public:
  ObserverSearch(ModuleOp real, const QuantizeChoices &choices, const SampleTensors &samples,
                 const DecidingTensors &expected)
      : real(real), choices(choices), samples(samples), expected(expected) {}

  LogicalResult prepare(const CalibrationOptions &given);
  /// One observer for all tensors that may have another.
  LogicalResult tryForAll();
  /// Each group of tensors that are computed after one another by another observer,
  /// the others' staying.
  LogicalResult tryForGroups();
  /// Writes the ranges that were found; false if none are better than the given ones.
  bool take();

private:
  FailureOr<double> errorOf(const Choice &choice) const;
  LogicalResult attempt(const Choice &choice);
  Ranges rangesOf(const Choice &choice) const;

  ModuleOp real;
  const QuantizeChoices &choices;
  const SampleTensors &samples;
  const DecidingTensors &expected;
  /// By observer, the written ones first, and tensor.
  SmallVector<Ranges> candidates;
  /// The tensors that other observers have other ranges for.
  SmallVector<size_t> free;
  Choice best;
  double leastError = 0;
};
} // namespace

/// What becomes of a written range with another observer: its ends as much nearer to
/// zero as those that it finds on the samples are than the given observer's.
static std::optional<Range> inProportion(const std::optional<Range> &written,
                                         const std::optional<Range> &given,
                                         const std::optional<Range> &other) {
  if (!written || !given || !other || isSame(given, other))
    return written;
  auto scaled = [](double end, double from, double to) {
    return from * to > 0 ? end * to / from : end;
  };
  return Range{scaled(written->min, given->min, other->min),
               scaled(written->max, given->max, other->max)};
}

LogicalResult ObserverSearch::prepare(const CalibrationOptions &given) {
  using Kind = ObserverOptions::Kind;
  func::FuncOp func = mainOf(real);
  TensorStream stream(samples);
  auto seen = collectStatistics(
      func, stream,
      [&](ArrayRef<HostTensor> inputs, ObserveFn observe) {
        return interpret(func, inputs, [&](Value value, const HostTensor &tensor) {
          if (!isa<BlockArgument>(value) && tensor.kind == ElementKind::F32)
            observe(value, tensor.as<float>());
        });
      },
      observersOf(func, given.observer));
  if (failed(seen))
    return failure();
  Ranges written = writtenRanges(func);
  auto byKind = [&](Kind kind) {
    ObserverOptions observer = given.observer;
    observer.kind = kind;
    return observersOf(func, observer, given.observers);
  };
  Ranges found = chooseRanges(*seen, observersOf(func, given.observer, given.observers));
  candidates.push_back(written);
  for (Kind kind : {Kind::MinMax, Kind::MovingAverage, Kind::Percentile, Kind::Entropy,
                    Kind::MeanSquared})
    if (kind != given.observer.kind) {
      Ranges others = chooseRanges(*seen, byKind(kind));
      for (size_t tensor = 0; tensor < written.size(); ++tensor)
        others[tensor] = inProportion(written[tensor], found[tensor], others[tensor]);
      candidates.push_back(std::move(others));
    }
  for (size_t tensor = 0; tensor < written.size(); ++tensor)
    if (llvm::any_of(candidates, [&](const Ranges &ranges) {
          return !isSame(ranges[tensor], written[tensor]);
        }))
      free.push_back(tensor);
  best.assign(written.size(), 0);
  auto error = errorOf(best);
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

FailureOr<double> ObserverSearch::errorOf(const Choice &choice) const {
  OwningOpRef<ModuleOp> quantized(ModuleOp(real).clone());
  replaceRanges(mainOf(*quantized), rangesOf(choice));
  if (failed(runPasses(*quantized, [&](OpPassManager &pm) {
        buildQuantizePipeline(pm, choices, /*equalize=*/false);
      })))
    return failure();
  return outputError(mainOf(*quantized), samples, expected);
}

/// Takes `choice` if it is better by more than chance.
LogicalResult ObserverSearch::attempt(const Choice &choice) {
  constexpr double kGain = 0.99;
  auto error = errorOf(choice);
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

bool ObserverSearch::take() {
  if (llvm::all_of(best, [](size_t candidate) { return candidate == 0; }))
    return false;
  replaceRanges(mainOf(real), rangesOf(best));
  return true;
}

FailureOr<bool> chooseObservers(ModuleOp real, const CalibrationOptions &given,
                                const QuantizeChoices &choices, const SampleTensors &samples,
                                const DecidingTensors &expected) {
  ObserverSearch search(real, choices, samples, expected);
  if (failed(search.prepare(given)) || failed(search.tryForAll()) ||
      failed(search.tryForGroups()))
    return failure();
  return search.take();
}

} // namespace dyadic
