//===- Run.cpp - dyadic run -----------------------------------------------===//
#include "CommandLine.h"

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
  std::string input, output, keepAll;
  bool interpret = false;
};

/// The results of all samples, joined along the first dimension, as an
/// executable's --output and --keep-all write them.
class ResultFile {
public:
  static llvm::Expected<ResultFile> create(StringRef path, ArrayRef<TensorInfo> tensors,
                                           int64_t samples) {
    auto writer = NpzWriter::create(path);
    if (!writer)
      return writer.takeError();
    ResultFile file;
    file.writer = std::move(*writer);
    for (const TensorInfo &tensor : tensors) {
      SmallVector<int64_t> shape = tensor.shape;
      if (!shape.empty())
        shape[0] *= samples;
      else if (samples != 1)
        shape.push_back(samples);
      file.writer->declare(tensor.name, tensor.kind, shape);
    }
    return std::move(file);
  }
  void append(ArrayRef<HostTensor> tensors) {
    for (auto [i, tensor] : llvm::enumerate(tensors))
      writer->append(i, tensor.bytes);
  }
  llvm::Error finish() { return writer->finish(); }

private:
  std::unique_ptr<NpzWriter> writer;
};
} // namespace

static void printShort(const TensorInfo &info, const HostTensor &tensor) {
  llvm::outs() << info.name << " " << describe(tensor) << ":";
  int64_t count = tensor.numElements();
  for (int64_t i = 0; i < std::min<int64_t>(count, 12); ++i)
    llvm::outs() << llvm::format(" %.6g", tensor.get(i));
  llvm::outs() << (count > 12 ? " ...\n" : "\n");
}

static ExitCode runSamples(Program &program, const Options &options) {
  auto samples = SampleStream::open(options.input, program.inputSpecs(), options.images());
  if (!samples)
    return inputError(samples.takeError());
  int64_t count = (*samples)->size();
  std::optional<ResultFile> outputs, keptFile;
  if (!options.output.empty()) {
    auto file = ResultFile::create(options.output, program.info().outputs, count);
    if (!file)
      return inputError(file.takeError());
    outputs = std::move(*file);
  }
  if (!options.keepAll.empty()) {
    auto file = ResultFile::create(options.keepAll, program.info().kept, count);
    if (!file)
      return inputError(file.takeError());
    keptFile = std::move(*file);
  }
  Progress progress("running", count);
  for (int64_t i = 0; i < count; ++i) {
    auto sample = (*samples)->read(i);
    if (!sample)
      return inputError(sample.takeError());
    std::vector<HostTensor> kept;
    auto results = program.run(*sample, keptFile ? &kept : nullptr);
    if (mlir::failed(results))
      return InternalError;
    if (outputs)
      outputs->append(*results);
    else
      for (auto [info, tensor] : llvm::zip(program.info().outputs, *results))
        printShort(info, tensor);
    if (keptFile)
      keptFile->append(kept);
    progress.advance();
  }
  // Both or neither, as far as files allow.
  for (auto *file : {&outputs, &keptFile})
    if (*file)
      if (auto error = (*file)->finish())
        return inputError(std::move(error));
  return Done;
}

static ExitCode runRun(Options &options) {
  if (llvm::sys::path::extension(options.model) == ".so") {
    if (options.interpret || options.emulate || options.isFloat ||
        !options.calibrate.empty())
      return usageError("--interpret, --emulate, --float and --calibrate are for "
                        "models, not for compiled ones");
    auto program = makeSharedProgram(options.model);
    if (!program)
      return inputError(program.takeError());
    return runSamples(**program, options);
  }
  if (!options.saysPrecision())
    return usageError("expected --calibrate PATH with samples, or --float");
  options.name = llvm::sys::path::stem(options.model).str();
  Session session;
  auto resolved = options.resolve(&session.context);
  if (mlir::failed(resolved))
    return UsageError;
  if (!options.interpret &&
      mlir::failed(checkRunnable(*resolved, options, session.location())))
    return UsageError;
  resolved->fuse.keepAll = !options.keepAll.empty();
  Compilation compilation(&session.context, *resolved);
  auto program = options.interpret ? makeInterpretedProgram(compilation)
                                   : makeProgram(compilation, options);
  if (mlir::failed(program))
    return failed(compilation);
  return runSamples(**program, options);
}

Command addRun(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("run", "run a model, or a compiled .so, on samples");
  options->addModel(*command, "the ONNX file, or a .so that dyadic made");
  command->add_option("--input", options->input, "samples, as for --calibrate")
      ->type_name("PATH")
      ->required();
  command->add_option("-o,--output", options->output,
                      ".npz for the outputs; without it they are printed in short");
  command->add_option("--keep-all", options->keepAll,
                      ".npz for the result of every kernel");
  command->add_flag("--interpret", options->interpret,
                    "by the interpreter that defines the integer semantics, "
                    "instead of machine code");
  options->addCalibration(*command);
  options->addShapes(*command);
  options->addTarget(*command);
  options->addEmulate(*command);
  return {command, [options] { return runRun(*options); }};
}

} // namespace dyadic
