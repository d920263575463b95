//===- Profile.cpp - dyadic profile ---------------------------------------===//
#include "CommandLine.h"

#include "dyadic/Pipeline/Profile.h"
#include "dyadic/Support/OutputFile.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic {

namespace {
struct Options : CommonOptions {
  std::string input, json;
  int64_t runs = 50;
};
} // namespace

static std::string asJSON(ArrayRef<KernelTime> kernels) {
  llvm::json::Array list;
  for (const KernelTime &kernel : kernels)
    list.push_back(llvm::json::Object{{"name", kernel.name},
                                      {"function", kernel.function},
                                      {"type", kernel.type},
                                      {"seconds", kernel.seconds},
                                      {"macs", kernel.macs}});
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(list)));
  return text;
}

static void print(const Options &options, ArrayRef<KernelTime> kernels) {
  auto &os = llvm::outs();
  double all = 0;
  for (const KernelTime &kernel : kernels)
    all += kernel.seconds;
  os << options.model << ": " << kernels.size() << " kernels, "
     << llvm::format("%.4f ms (medians of %lld runs)\n", 1e3 * all,
                     (long long)options.runs);
  os << "        us     %    GOP/s  kernel                        of\n";
  for (const KernelTime &kernel : kernels) {
    os << llvm::format("%10.2f %5.1f ", 1e6 * kernel.seconds,
                       100 * kernel.seconds / all);
    if (kernel.macs)
      os << llvm::format("%8.1f", 2e-9 * kernel.macs / kernel.seconds);
    else
      os << "        ";
    os << llvm::format("  %-28s  ", kernel.function.c_str()) << kernel.type
       << " " << kernel.name << "\n";
  }
}

static ExitCode runProfile(Options &options) {
  if (!options.saysPrecision())
    return usageError("expected --calibrate PATH with samples, or --float");
  if (options.runs < 1 || options.runs > 1000000)
    return usageError("--runs: expected 1 to 1000000");
  if (options.threads.count > 1)
    return usageError("--threads: expected 1: kernels are timed on one thread");
  options.name = llvm::sys::path::stem(options.model).str();
  Session session;
  Location loc = session.location();
  auto resolved = options.resolve(&session.context);
  if (mlir::failed(resolved))
    return UsageError;
  auto host = resolveTarget(TargetRequest(), loc);
  if (mlir::failed(host) || resolved->target.triple != host->triple ||
      resolved->variants.size() > 1)
    return usageError("expected one CPU of this machine: another can't be timed here");
  if (mlir::failed(checkRunnable(*resolved, options, loc)))
    return UsageError;
  Compilation compilation(&session.context, *resolved);
  if (mlir::failed(compilation.advance(Level::Kernels)))
    return failed(compilation);
  SmallVector<HostTensor> inputs;
  if (options.input.empty()) {
    for (const TensorInfo &input : compilation.info().inputs)
      inputs.emplace_back(input.kind, input.shape);
  } else {
    SmallVector<InputSpec> specs;
    for (const TensorInfo &input : compilation.info().inputs)
      specs.push_back({input.name, input.shape, input.kind});
    auto samples = SampleStream::open(options.input, specs, options.images());
    if (!samples)
      return inputError(samples.takeError());
    auto sample = (*samples)->read(0);
    if (!sample)
      return inputError(sample.takeError());
    inputs.assign(sample->begin(), sample->end());
  }
  auto kernels = profile(compilation, inputs, options.runs);
  if (mlir::failed(kernels))
    return failed(compilation);
  if (!options.json.empty())
    if (auto error = writeFile(options.json, asJSON(*kernels)))
      return inputError(std::move(error));
  print(options, *kernels);
  return Done;
}

Command addProfile(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("profile", "time every kernel of a model on this machine");
  options->addModel(*command, "the ONNX file");
  command->add_option("--input", options->input,
                      "samples, as for --calibrate; the first one is run (zeros)")
      ->type_name("PATH");
  command->add_option("--runs", options->runs, "how often (50)");
  command->add_option("--json", options->json, "write the times here, too")
      ->type_name("FILE");
  options->addCalibration(*command);
  options->addShapes(*command);
  options->addTarget(*command);
  return {command, [options] { return runProfile(*options); }};
}

} // namespace dyadic
