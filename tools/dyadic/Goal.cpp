//===- Goal.cpp -----------------------------------------------------------===//
#include "Goal.h"

#include "dyadic/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;

namespace dyadic {

void GoalOptions::add(CLI::App &app) {
  app.add_option("--sqnr", sqnr,
                 "signal-to-noise ratio of the outputs, in decibels, that must be "
                 "reached: other observers and layers in float are tried until it is")
      ->type_name("DB")->check(CLI::PositiveNumber)->group("Accuracy");
  app.add_option("--accuracy-drop", accuracyDrop,
                 "how much less accurate than in float the model may be by --metric, "
                 "as .005 or 0.5%; the same is tried")
      ->type_name("DROP")->excludes("--sqnr")->group("Accuracy");
  app.add_option("--metric", metric,
                 "top1, f1 (of elements above .5), cosine (with the float outputs), or "
                 "command=COMMAND, which is given a .npz of all outputs and prints a number")
      ->capture_default_str()->group("Accuracy");
  app.add_option("--labels", labels,
                 "array of the samples' .npz with the labels")
      ->type_name("NAME")->group("Accuracy");
  app.add_option("--goal-samples", samples,
                 "samples to measure on, as for --calibrate (those)")
      ->type_name("PATH")->group("Accuracy");
  app.add_option("--save-options", saveOptions,
                 "write what was added to the options here, for @FILE")
      ->type_name("FILE")->group("Accuracy");
}

llvm::Expected<std::optional<AccuracyGoal>>
GoalOptions::resolve(const CommonOptions &options) const {
  using Metric = AccuracyGoal::Metric;
  auto fail = [](const char *message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  AccuracyGoal goal;
  goal.samples = samples;
  goal.images = options.images();
  goal.labels = labels;
  if (sqnr) {
    goal.limit = *sqnr;
    return goal;
  }
  if (accuracyDrop.empty() && !saveOptions.empty())
    return fail("--save-options: expected --sqnr or --accuracy-drop, which find options");
  if (accuracyDrop.empty())
    return std::nullopt;
  StringRef drop = accuracyDrop, name = metric;
  bool isPercent = drop.consume_back("%");
  if (drop.getAsDouble(goal.limit) || !(goal.limit >= 0))
    return fail("--accuracy-drop: expected a fraction or percentage, as .005 or 0.5%");
  if (isPercent)
    goal.limit /= 100;
  bool needsLabels = name == "top1" || name == "f1";
  if (name == "top1")
    goal.metric = Metric::Top1;
  else if (name == "f1")
    goal.metric = Metric::F1;
  else if (name == "cosine")
    goal.metric = Metric::Cosine;
  else if (name.consume_front("command=") && !name.empty()) {
    goal.metric = Metric::Command;
    goal.command = name.str();
  } else
    return fail("--metric: expected top1, f1, cosine or command=COMMAND");
  StringRef labelled = samples.empty() ? options.calibrate : samples;
  if (needsLabels && (labels.empty() || !labelled.ends_with(".npz")))
    return fail("--accuracy-drop: expected --labels NAME, an array of the .npz file with the "
                "samples");
  return goal;
}

static std::string printAccuracy(double accuracy, bool isSQNR) {
  if (!std::isfinite(accuracy))
    return "exact";
  return llvm::formatv(isSQNR ? "{0:f1} dB" : "{0:f4}", accuracy).str();
}

/// All that was tried, * marking what nothing else is better than in accuracy, time
/// and size at once.
static void printEscalation(raw_ostream &os, const Escalation &escalation, bool isSQNR) {
  auto row = [&](const char *mark, double accuracy, double seconds, const std::string &size,
                 StringRef flags) {
    os << llvm::formatv("  {0} {1,10} {2,10} {3,10}  {4}\n", mark,
                        printAccuracy(accuracy, isSQNR),
                        llvm::formatv("{0:f4} ms", seconds * 1e3).str(), size, flags);
  };
  os << "    accuracy       time    weights  options\n";
  row(" ", escalation.floatAccuracy, escalation.floatSeconds, "", "--float");
  for (auto [i, candidate] : llvm::enumerate(escalation.candidates))
    row(candidate.onFront ? "*" : " ", candidate.accuracy, candidate.seconds,
        printBytes(candidate.weightBytes),
        (candidate.flags.empty() ? "as given" : candidate.flags) +
            (int64_t(i) == escalation.chosen ? "   <- taken" : ""));
}

FailureOr<Escalation> GoalOptions::search(MLIRContext *context, const AccuracyGoal &goal,
                                          const CompileOptions &compile,
                                          ExitCode &fault) const {
  auto escalation = escalate(context, compile, goal, fault);
  if (mlir::succeeded(escalation))
    printEscalation(llvm::outs(), *escalation, goal.metric == AccuracyGoal::Metric::SQNR);
  else if (fault == InternalError)
    llvm::errs() << kHowToReport;
  return escalation;
}

ExitCode GoalOptions::reach(MLIRContext *context, const AccuracyGoal &goal,
                            CompileOptions &compile) const {
  ExitCode fault;
  auto escalation = search(context, goal, compile, fault);
  if (mlir::failed(escalation))
    return fault;
  if (escalation->chosen < 0) {
    printError("nothing that was tried reaches the accuracy asked for: nothing was written");
    return InputError;
  }
  compile = escalation->options;
  if (saveOptions.empty())
    return Done;
  std::string flags = escalation->candidates[escalation->chosen].flags + "\n";
  if (auto error = writeFile(saveOptions, flags))
    return inputError(std::move(error));
  return Done;
}

} // namespace dyadic
