//===- Escalate.cpp -------------------------------------------------------===//
#include "dyadic/Explain/Escalate.h"

#include "Metric.h"
#include "Scores.h"
#include "Setup.h"

#include "dyadic/Explain/Explain.h"
#include "dyadic/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic {

/// What changes the options given.
using Remedies = SmallVector<Remedy, 2>;

namespace {
/// What a network made of the samples, and in what time.
struct Outcome {
  OutputsOfSamples outputs;
  double seconds = 0;
};

class Search {
public:
  Search(MLIRContext *context, const CompileOptions &given, const AccuracyGoal &goal,
         ExitCode &fault)
      : context(context), given(given), goal(goal), fault(fault) {}

  /// Reads the samples and runs the float network.
  LogicalResult prepare();
  LogicalResult tryObservers();
  /// Rounds the weights by AdaRound, where they weren't.
  LogicalResult tryRounding();
  /// Gives the worst layers 16 bits, or keeps them in float: twice as many until the
  /// goal is reached, then as few as reach it.
  LogicalResult tryLayers(Remedy::Kind kind);
  Escalation take();

private:
  Location loc() const { return UnknownLoc::get(context); }
  /// The most accurate of what was tried.
  Remedies best() const;
  /// Finds the layers that cost the most with the best of what goes for all.
  LogicalResult explainBest();
  bool isDone() const {
    return llvm::any_of(found.candidates, [](const Candidate &c) { return c.reaches; });
  }
  bool reached() const { return !found.candidates.empty() && found.candidates.back().reaches; }
  CompileOptions optionsWith(const Remedies &remedies) const;
  LogicalResult measure(const Remedies &remedies);
  FailureOr<Outcome> run(Compilation &compilation);

  MLIRContext *context;
  const CompileOptions &given;
  const AccuracyGoal &goal;
  ExitCode &fault;
  CompileOptions native; // `given` on this machine
  std::unique_ptr<SampleStream> stream;
  std::vector<SmallVector<HostTensor>> samples;
  std::vector<std::string> outputNames;
  OutputsOfSamples exact;
  std::optional<Metric> metric;
  std::optional<Scores> scores;
  /// What was best for all layers, and what each costs with it.
  Remedies base;
  std::optional<Explanation> costs;
  Escalation found;
  std::vector<Remedies> tried;
};
} // namespace

static LogicalResult report(Location loc, llvm::Error error) {
  return emitError(loc) << llvm::toString(std::move(error));
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

FailureOr<Outcome> Search::run(Compilation &compilation) {
  auto program = compilation.load();
  fault = compilation.fault();
  if (failed(program))
    return failure();
  Outcome trial;
  for (ArrayRef<HostTensor> sample : samples) {
    auto outputs = (*program)->run(sample, loc());
    if (failed(outputs))
      return failure();
    trial.outputs.push_back(std::move(*outputs));
  }
  constexpr size_t kRuns = 50;
  constexpr double kBudget = 0.5;
  std::vector<double> times;
  for (double sum = 0; times.size() < kRuns && (sum < kBudget || times.size() < 3);
       sum += times.back()) {
    auto start = std::chrono::steady_clock::now();
    if (failed((*program)->run(samples.front(), loc())))
      return failure();
    times.push_back(secondsSince(start));
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  trial.seconds = times[times.size() / 2];
  return trial;
}

LogicalResult Search::prepare() {
  fault = UsageError;
  native = given;
  if (failed(targetThisMachine(native, loc())))
    return failure();
  native.withFallback = false;
  Compilation compilation(context, native.inFloat());
  LogicalResult done = compilation.advance(Level::Float);
  fault = compilation.fault();
  if (failed(done))
    return failure();
  fault = InputError;
  auto opened =
      openSamples(goal.samples, goal.images, *given.calibration, compilation.main());
  if (failed(opened))
    return failure();
  stream = std::move(*opened);
  for (int64_t i = 0, e = stream->size(); i < e; ++i) {
    auto sample = stream->read(i);
    if (!sample)
      return report(loc(), sample.takeError());
    samples.push_back(std::move(*sample));
  }
  if (goal.metric != AccuracyGoal::Metric::SQNR) {
    AccuracyGoal named = goal;
    if (named.samples.empty())
      named.samples = given.calibration->samples;
    auto read = Metric::create(named);
    if (!read)
      return report(loc(), read.takeError());
    metric = std::move(*read);
  }
  auto trial = run(compilation);
  if (failed(trial))
    return failure();
  for (const TensorInfo &output : compilation.info().outputs)
    outputNames.push_back(output.name);
  exact = std::move(trial->outputs);
  found.floatSeconds = trial->seconds;
  found.floatAccuracy = std::numeric_limits<double>::infinity();
  if (!metric)
    return success();
  fault = InputError;
  auto accuracy = metric->evaluate(exact, exact, outputNames);
  if (!accuracy)
    return report(loc(), accuracy.takeError());
  found.floatAccuracy = *accuracy;
  return success();
}

CompileOptions Search::optionsWith(const Remedies &remedies) const {
  CompileOptions options = native;
  for (const Remedy &remedy : remedies)
    remedy.apply(options);
  return options;
}

LogicalResult Search::measure(const Remedies &remedies) {
  CompileOptions options = optionsWith(remedies);
  OwningOpRef<ModuleOp> calibrated;
  if (!metric && !scores)
    options.onCalibrated = [&](ModuleOp module) { calibrated = module.clone(); };
  Compilation compilation(context, options);
  LogicalResult done = compilation.advance(Level::Quantized);
  fault = compilation.fault();
  if (failed(done))
    return failure();
  Candidate candidate;
  for (const Remedy &remedy : remedies)
    candidate.flags += (candidate.flags.empty() ? "" : " ") + remedy.flag();
  if (!metric) {
    if (calibrated) {
      auto made = Scores::create(*calibrated, *stream, samples.size());
      if (failed(made))
        return failure();
      scores = std::move(*made);
    }
    fault = UsageError;
    if (scores->empty())
      return emitError(loc()) << "--sqnr: expected an output of f32 to measure, but the "
                                 "model has none: use --accuracy-drop";
    auto noise = scores->noiseOf(compilation.module(), options.rounding);
    if (failed(noise))
      return failure();
    candidate.accuracy = toDecibels(*noise);
  }
  auto trial = run(compilation);
  if (failed(trial))
    return failure();
  candidate.seconds = trial->seconds;
  candidate.weightBytes = compilation.info().weightBytes;
  if (metric) {
    fault = InputError;
    auto accuracy = metric->evaluate(trial->outputs, exact, outputNames);
    if (!accuracy)
      return report(loc(), accuracy.takeError());
    candidate.accuracy = *accuracy;
  }
  candidate.reaches = candidate.accuracy >= (metric ? found.floatAccuracy - goal.limit : goal.limit);
  found.candidates.push_back(std::move(candidate));
  tried.push_back(remedies);
  return success();
}

LogicalResult Search::tryObservers() {
  ObserverOptions::Kind given = native.calibration->observer.kind;
  SmallVector<ObserverOptions::Kind> others = {ObserverOptions::Kind::MinMax,
                                               ObserverOptions::Kind::MeanSquared,
                                               ObserverOptions::Kind::Entropy};
  llvm::erase(others, given);
  Progress progress("trying observers", others.size() + 1);
  if (failed(measure({})))
    return failure();
  for (ObserverOptions::Kind kind : others) {
    progress.advance();
    if (reached())
      return success();
    if (failed(measure({Remedy{Remedy::Kind::Observer, {toString(ObserverOptions{kind})}, ""}})))
      return failure();
  }
  return success();
}

Remedies Search::best() const {
  auto most = std::max_element(
      found.candidates.begin(), found.candidates.end(),
      [](const Candidate &a, const Candidate &b) { return a.accuracy < b.accuracy; });
  return tried[most - found.candidates.begin()];
}

LogicalResult Search::tryRounding() {
  const CalibrationOptions &calibration = *native.calibration;
  bool learns = calibration.recovery == Recovery::Measured &&
                calibration.weightRounding == WeightRounding::Best;
  if (isDone() || !learns)
    return success();
  Remedies remedies = best();
  remedies.push_back(Remedy{Remedy::Kind::Rounding, {"adaround"}, ""});
  return measure(remedies);
}

/// What each culprit needs in float, and no worse one does, the worst first.
static std::vector<std::vector<std::string>> floatGroups(const Explanation &explanation) {
  std::vector<std::vector<std::string>> groups;
  llvm::StringSet<> known;
  for (int64_t number : explanation.culprits) {
    const Layer &layer = explanation.layers[number];
    bool isFloat = layer.remedy.kind == Remedy::Kind::KeepFloat;
    const Remedy &remedy = isFloat ? layer.remedy : layer.lastResort;
    std::vector<std::string> names;
    if (remedy.kind == Remedy::Kind::KeepFloat)
      llvm::copy_if(remedy.values, std::back_inserter(names),
                    [&](const std::string &name) { return known.insert(name).second; });
    if (!names.empty())
      groups.push_back(std::move(names));
  }
  return groups;
}

/// The choice of 16 bits for each culprit of 8, the worst first.
static std::vector<std::vector<std::string>> wideGroups(const Explanation &explanation) {
  std::vector<std::vector<std::string>> groups;
  for (int64_t number : explanation.culprits) {
    if (explanation.layers[number].type != "u8")
      continue;
    std::vector<std::string> choices = explanation.namesOf(number);
    for (std::string &name : choices)
      name += "=int16";
    if (!choices.empty())
      groups.push_back(std::move(choices));
  }
  return groups;
}

LogicalResult Search::explainBest() {
  if (costs)
    return success();
  base = best();
  ExplainOptions how;
  how.input = goal.samples;
  how.images = goal.images;
  how.timesLayers = false;
  auto explanation = explain(context, optionsWith(base), how, fault);
  if (failed(explanation))
    return failure();
  costs = std::move(*explanation);
  return success();
}

LogicalResult Search::tryLayers(Remedy::Kind kind) {
  bool isWide = kind == Remedy::Kind::Activations;
  bool mayBeWide =
      native.quantize.scheme == Scheme::Static && native.quantize.activations.empty();
  if (isDone() || (isWide && !mayBeWide))
    return success();
  if (failed(explainBest()))
    return failure();
  auto groups = isWide ? wideGroups(*costs) : floatGroups(*costs);
  if (groups.empty())
    return success();
  auto measureFirst = [&](size_t count) {
    Remedy remedy{kind, {}, ""};
    for (const auto &group : ArrayRef(groups).take_front(count))
      llvm::append_range(remedy.values, group);
    Remedies remedies = base;
    remedies.push_back(std::move(remedy));
    return measure(remedies);
  };
  Progress progress(isWide ? "trying layers in 16 bits" : "trying layers in float",
                    2 * llvm::Log2_64_Ceil(groups.size() + 1));
  size_t tooFew = 0, enough = 1;
  while (true) {
    if (failed(measureFirst(enough)))
      return failure();
    progress.advance();
    if (reached())
      break;
    if (enough == groups.size())
      return success(); // nothing does
    tooFew = enough;
    enough = std::min(2 * enough, groups.size());
  }
  while (enough - tooFew > 1) {
    size_t middle = (tooFew + enough) / 2;
    if (failed(measureFirst(middle)))
      return failure();
    progress.advance();
    (reached() ? enough : tooFew) = middle;
  }
  return success();
}

/// Whether `a` is at least as good as `b` in everything, and better in something.
static bool dominates(const Candidate &a, const Candidate &b) {
  return a.accuracy >= b.accuracy && a.seconds <= b.seconds && a.weightBytes <= b.weightBytes &&
         (a.accuracy > b.accuracy || a.seconds < b.seconds || a.weightBytes < b.weightBytes);
}

Escalation Search::take() {
  int64_t mostAccurate = 0;
  for (auto [i, candidate] : llvm::enumerate(found.candidates)) {
    const Candidate &mine = candidate;
    candidate.onFront = llvm::none_of(
        found.candidates, [&](const Candidate &other) { return dominates(other, mine); });
    if (candidate.accuracy > found.candidates[mostAccurate].accuracy)
      mostAccurate = i;
    if (candidate.reaches &&
        (found.chosen < 0 || candidate.seconds < found.candidates[found.chosen].seconds))
      found.chosen = i;
  }
  found.goal = goal;
  found.options = given;
  for (const Remedy &remedy : tried[found.chosen < 0 ? mostAccurate : found.chosen])
    remedy.apply(found.options);
  return std::move(found);
}

FailureOr<Escalation> escalate(MLIRContext *context, const CompileOptions &compile,
                               const AccuracyGoal &goal, ExitCode &fault) {
  fault = UsageError;
  Location loc = UnknownLoc::get(context);
  if (!compile.calibration)
    return emitError(loc) << "expected --calibrate PATH with samples";
  if (goal.samples.empty() && compile.calibration->samples.empty() &&
      compile.calibration->arrays.empty())
    return emitError(loc) << "expected --goal-samples PATH with samples to measure on: there "
                             "are none in statistics";
  Search search(context, compile, goal, fault);
  if (failed(search.prepare()) || failed(search.tryObservers()) ||
      failed(search.tryRounding()) ||
      failed(search.tryLayers(Remedy::Kind::Activations)) ||
      failed(search.tryLayers(Remedy::Kind::KeepFloat)))
    return failure();
  return search.take();
}

} // namespace dyadic
