//===- Explain.cpp - dyadic explain ---------------------------------------===//
#include "dyadic/Explain/Explain.h"

#include "CommandLine.h"
#include "Goal.h"

#include "dyadic/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;

namespace dyadic {

namespace {
struct Options : CommonOptions {
  GoalOptions goal;
  std::string input, json, html, writeOverrides;
  int64_t samples = 16, tries = 0, rows = 12;
};
} // namespace

/// Names come from the model: nothing in them may steer a terminal.
static std::string printable(StringRef name) {
  std::string text;
  for (unsigned char c : name)
    text += c < 0x20 || c == 0x7f ? '?' : char(c);
  return text;
}

static std::string decibels(double sqnr) {
  return std::isfinite(sqnr) ? llvm::formatv("{0:f1}", sqnr).str() : "exact";
}

/// What effects are measured on.
static const char *measured(const Explanation &explanation) {
  return llvm::any_of(explanation.outputs,
                      [](const OutputReport &output) { return output.scores.has_value(); })
             ? "softmax's input"
             : "outputs";
}

static std::string withUnit(double sqnr) {
  return decibels(sqnr) + (std::isfinite(sqnr) ? " dB" : "");
}

static void printCulprit(const Layer &layer) {
  auto &os = llvm::outs();
  os << llvm::format("%8s %9s %9s %7.1f%% %7.3f%% %9.2f  ", decibels(layer.own.sqnr()).c_str(),
                     decibels(layer.inherited.sqnr()).c_str(),
                     layer.effect ? decibels(toDecibels(*layer.effect)).c_str() : "-",
                     100 * layer.share, 100 * layer.clipped, 1e6 * layer.seconds);
  os << llvm::left_justify(layer.kind, 12) << " " << printable(layer.name) << "\n";
}

/// What may help the worst layers, and what was tried; each flag once.
static void printRemedies(const Explanation &explanation) {
  constexpr unsigned kMost = 3;
  auto &os = llvm::outs();
  llvm::StringSet<> said, tried;
  for (int64_t number : explanation.culprits) {
    const Layer &layer = explanation.layers[number];
    std::string flag = layer.remedy.flag();
    if (said.size() < kMost && !flag.empty() && said.insert(flag).second)
      os << (said.size() == 1 ? "\nto try:\n" : "") << "  " << printable(flag)
         << "\n      " << printable(layer.name) << ": " << layer.remedy.why << "\n";
  }
  for (int64_t number : explanation.culprits)
    for (const Trial &trial : explanation.layers[number].trials)
      if (tried.insert(trial.flag).second)
        os << "tried " << printable(trial.flag) << ": SQNR of the "
           << measured(explanation) << " " << decibels(trial.before) << " -> "
           << withUnit(trial.after) << "\n";
}

static void print(const Explanation &explanation, int64_t rows) {
  auto &os = llvm::outs();
  os << printable(explanation.model) << ": float against quantized on "
     << explanation.samples << " samples\n";
  for (const OutputReport &output : explanation.outputs) {
    os << "output " << printable(output.name) << ": SQNR "
       << withUnit(output.error.sqnr()) << ", cosine "
       << llvm::format("%.6f", output.error.cosine());
    if (output.scores)
      os << "; before its softmax " << withUnit(output.scores->sqnr());
    os << "\n";
  }
  ArrayRef<int64_t> culprits = explanation.culprits;
  os << "\n  own dB inherited effect dB   share clipped        us  layer\n";
  for (int64_t number : culprits.take_front(rows))
    printCulprit(explanation.layers[number]);
  if (int64_t(culprits.size()) > rows)
    os << "  ... and " << culprits.size() - rows << " that cost less\n";
  if (explanation.outputs.empty())
    os << "(no output is f32: layers are ranked by their own error)\n";
  else
    os << "(effect: SQNR of the " << measured(explanation)
       << " if that layer alone is quantized)\n";
  int64_t integers = 0, floats = 0;
  for (const Layer &layer : explanation.layers) {
    integers += layer.isInteger;
    floats += !layer.isInteger && !layer.isInput && !layer.type.empty();
  }
  os << integers << " ops in integers, " << floats << " in float; ";
  double seconds = 0, floatSeconds = 0;
  for (const Layer &layer : explanation.layers) {
    seconds += layer.seconds;
    floatSeconds += layer.floatSeconds;
  }
  os << llvm::format("%.4f ms a run, %.4f ms all in float\n", 1e3 * seconds,
                     1e3 * floatSeconds);
  printRemedies(explanation);
}

static ExitCode runExplain(Options &options) {
  bool needsSamples = options.scheme == Scheme::Static || options.input.empty();
  if ((!options.hasCalibration() && needsSamples) || options.isFloat)
    return usageError("expected --calibrate PATH with samples");
  if (options.samples < 1 || options.tries < 0)
    return usageError("--samples, --try: expected at least 1 and 0");
  if (!options.writeOverrides.empty() && !options.tries)
    return usageError("--write-overrides: expected --try N, which measures what helps");
  options.name = llvm::sys::path::stem(options.model).str();
  Session session;
  auto resolved = options.resolve(&session.context);
  if (mlir::failed(resolved))
    return UsageError;
  auto goal = options.goal.resolve(options);
  if (!goal)
    return usageError(llvm::toString(goal.takeError()));
  ExitCode fault;
  std::optional<Escalation> escalation;
  if (*goal) {
    auto found = options.goal.search(&session.context, **goal, *resolved, fault);
    if (mlir::failed(found))
      return fault;
    *resolved = found->options;
    escalation = std::move(*found);
    llvm::outs() << "\n";
  }
  ExplainOptions how;
  how.input = options.input;
  how.images = options.images();
  how.samples = options.samples;
  how.tries = options.tries;
  auto explanation = explain(&session.context, *resolved, how, fault);
  if (mlir::failed(explanation)) {
    if (fault == InternalError)
      llvm::errs() << kHowToReport;
    return fault;
  }
  explanation->escalation = std::move(escalation);
  if (!options.json.empty())
    if (auto error = writeFile(
            options.json, llvm::formatv("{0:2}\n", toJSON(*explanation)).str()))
      return inputError(std::move(error));
  if (!options.html.empty())
    if (auto error = writeFile(options.html, toHTML(*explanation)))
      return inputError(std::move(error));
  if (!options.writeOverrides.empty())
    if (auto error = writeFile(options.writeOverrides,
                               llvm::formatv("{0:2}\n", toOverrides(*explanation)).str()))
      return inputError(std::move(error));
  print(*explanation, options.rows);
  return Done;
}

Command addExplain(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(
      "explain", "show which layers cost the quantized model its accuracy, and what to try");
  options->addModel(*command, "the ONNX or TensorFlow Lite file");
  command->add_option("--input", options->input,
                      "samples to measure on, as for --calibrate (those)")
      ->type_name("PATH");
  command->add_option("--samples", options->samples, "how many of them are run")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--try", options->tries,
                      "compile and measure what is advised for the N worst layers, too")
      ->type_name("N");
  command->add_option("--write-overrides", options->writeOverrides,
                      "write what --try found to help here, for --overrides")
      ->type_name("FILE");
  command->add_option("--rows", options->rows, "how many layers the table has")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--json", options->json, "write all of it here (docs/Explain.md)")
      ->type_name("FILE");
  command->add_option("--html", options->html, "write it here as a page to look at")
      ->type_name("FILE");
  options->addCalibration(*command);
  options->addShapes(*command);
  options->goal.add(*command);
  return {command, [options] { return runExplain(*options); }};
}

} // namespace dyadic
