//===- Calibrate.cpp - dyadic calibrate -----------------------------------===//
#include "CommandLine.h"

#include "dyadic/Support/OutputFile.h"

#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic {

namespace {
struct Options : CommonOptions {
  std::string output;
};
} // namespace

static ExitCode runCalibrate(Options &options) {
  if (!options.hasCalibration())
    return usageError("expected --calibrate PATH with samples, or --statistics FILE");
  options.name = llvm::sys::path::stem(options.model).str();
  Session session;
  auto resolved = options.resolve(&session.context);
  if (mlir::failed(resolved))
    return UsageError;
  // A path that can't be written is known before the long part.
  auto probe = OutputFile::create(options.output);
  if (!probe)
    return inputError(probe.takeError());
  Compilation compilation(&session.context, *resolved);
  if (mlir::failed(compilation.advance(Level::Float)))
    return failed(compilation);
  auto statistics = compilation.statistics();
  if (mlir::failed(statistics))
    return failed(compilation);
  if (auto error = statistics->save(options.output))
    return inputError(std::move(error));
  llvm::outs() << options.output << ": " << statistics->tensors.size() << " tensors of "
               << options.model << " on " << compilation.summary().samples << " samples\n";
  return Done;
}

Command addCalibrate(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(
      "calibrate", "count the values of a model's tensors on samples, for --statistics "
                   "of later compiles; parts of the samples can be counted apart");
  options->addModel(*command, "the ONNX file");
  command->add_option("-o,--output", options->output, "the file of statistics (JSON)")
      ->type_name("FILE")
      ->required();
  options->addSamples(*command);
  options->addShapes(*command);
  return {command, [options] { return runCalibrate(*options); }};
}

} // namespace dyadic
