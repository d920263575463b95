//===- Evaluate.cpp - dyadic evaluate -------------------------------------===//
#include "CommandLine.h"

#include "dyadic/Pipeline/Agreement.h"
#include "dyadic/Pipeline/Program.h"
#include "dyadic/Support/Npy.h"
#include "dyadic/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic {

namespace {
struct Options : CommonOptions {
  std::string data, labels;
};

/// Top-1 of the first output against the user's labels.
struct TopOne {
  std::vector<int64_t> labels;
  int64_t floatRight = 0, quantizedRight = 0, counted = 0;

  void add(const HostTensor &exact, const HostTensor &quantized) {
    auto x = argmaxOfRows(exact), y = argmaxOfRows(quantized);
    for (size_t i = 0; i < x.size() && counted < (int64_t)labels.size(); ++i) {
      floatRight += x[i] == labels[counted];
      quantizedRight += y[i] == labels[counted];
      ++counted;
    }
  }
};
} // namespace

/// Reads the labels: of the archive with the samples, an integer per sample.
static llvm::Expected<std::vector<int64_t>> readLabels(StringRef path, StringRef name) {
  auto archive = NpzArchive::open(path);
  if (!archive)
    return archive.takeError();
  auto array = (*archive)->get(name);
  if (!array)
    return array.takeError();
  if (isFloat((*array)->kind()))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "%s: expected integers as labels, but got %s",
                                   (*array)->label().str().c_str(),
                                   describe(**array).c_str());
  auto tensor = (*array)->readAll();
  if (!tensor)
    return tensor.takeError();
  std::vector<int64_t> labels(tensor->numElements());
  for (size_t i = 0; i < labels.size(); ++i)
    labels[i] = tensor->get(i);
  return labels;
}

static void print(const Program &program, ArrayRef<Agreement> agreements) {
  auto &os = llvm::outs();
  os << "output                        SQNR dB    cosine  max |diff|  same argmax\n";
  for (auto [info, agreement] : llvm::zip(program.info().outputs, agreements)) {
    os << llvm::format("%-28s %8.2f  %8.6f  %10.4g  ", info.name.c_str(),
                       agreement.sqnr(), agreement.cosine(),
                       agreement.maxDifference());
    if (agreement.rows())
      os << llvm::format("%.4f of %lld rows\n", agreement.argmaxAgreement(),
                         (long long)agreement.rows());
    else
      os << "-\n";
  }
}

static ExitCode compare(Program &exact, Program &quantized, const Options &options) {
  auto samples = SampleStream::open(options.data, exact.inputSpecs(), options.images());
  if (!samples)
    return inputError(samples.takeError());
  std::optional<TopOne> top;
  if (!options.labels.empty()) {
    auto labels = readLabels(options.data, options.labels);
    if (!labels)
      return inputError(labels.takeError());
    top = TopOne{std::move(*labels)};
  }
  std::vector<Agreement> agreements(exact.info().outputs.size());
  int64_t count = (*samples)->size();
  Progress progress("evaluating", count);
  for (int64_t i = 0; i < count; ++i) {
    auto sample = (*samples)->read(i);
    if (!sample)
      return inputError(sample.takeError());
    auto expected = exact.run(*sample, nullptr);
    auto got = quantized.run(*sample, nullptr);
    if (mlir::failed(expected) || mlir::failed(got))
      return InternalError;
    for (auto [agreement, x, y] : llvm::zip(agreements, *expected, *got))
      agreement.add(x, y);
    if (top)
      top->add(expected->front(), got->front());
    progress.advance();
  }
  llvm::outs() << options.model << ": float against quantized on " << count << " samples\n";
  print(exact, agreements);
  if (!top)
    return Done;
  if (top->counted != (int64_t)top->labels.size() || !top->counted)
    return inputError(llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "%s: expected a label for each row of the first output, but got %d labels",
        options.data.c_str(), (int)top->labels.size()));
  llvm::outs() << llvm::format("top-1: float %.4f, quantized %.4f\n",
                               double(top->floatRight) / top->counted,
                               double(top->quantizedRight) / top->counted);
  return Done;
}

static ExitCode runEvaluate(Options &options) {
  if (!options.hasCalibration() && options.scheme == Scheme::Static)
    return usageError("expected --calibrate PATH with samples, or --scheme dynamic, "
                      "which needs none");
  options.name = llvm::sys::path::stem(options.model).str();
  Session session;
  auto resolved = options.resolve(&session.context);
  if (mlir::failed(resolved))
    return UsageError;
  if (mlir::failed(checkRunnable(*resolved, options, session.location())))
    return UsageError;
  CompileOptions floatOptions = resolved->inFloat();
  floatOptions.variants.clear();
  auto host = resolveTarget(TargetRequest(), session.location());
  if (mlir::failed(host))
    return InternalError;
  floatOptions.target = *host;
  Compilation exactly(&session.context, floatOptions), approximately(&session.context, *resolved);
  auto exact = makeJITProgram(exactly);
  if (mlir::failed(exact))
    return failed(exactly);
  auto quantized = makeProgram(approximately, options);
  if (mlir::failed(quantized))
    return failed(approximately);
  return compare(**exact, **quantized, options);
}

Command addEvaluate(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(
      "evaluate", "compare the quantized model with the float one on samples");
  options->addModel(*command, "the ONNX file");
  command->add_option("--data", options->data, "samples, as for --calibrate")
      ->type_name("PATH")
      ->required();
  command->add_option("--labels", options->labels,
                      "array of --data (.npz) with the right class of each sample")
      ->type_name("NAME");
  options->addCalibration(*command);
  options->addShapes(*command);
  options->addTarget(*command);
  options->addEmulate(*command);
  return {command, [options] { return runEvaluate(*options); }};
}

} // namespace dyadic
