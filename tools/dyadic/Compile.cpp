//===- Compile.cpp - dyadic compile ---------------------------------------===//
#include "CommandLine.h"
#include "Goal.h"

#include "dyadic/Emit/Artifact.h"
#include "dyadic/Emit/Variants.h"
#include "dyadic/Pipeline/Tune.h"
#include "dyadic/Support/OutputFile.h"
#include "dyadic/Target/Strategy.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace mlir;

namespace dyadic {

namespace {
struct Options : CommonOptions {
  std::string output, emit, fallback, ptxas;
  std::vector<std::string> cubins;
  std::string tuneCache;
  bool keepAll = false, isStatic = false, tune = false;
  GoalOptions goal;
};
} // namespace

static Level levelOf(StringRef emit) {
  return llvm::StringSwitch<Level>(emit)
      .Case("qnn", Level::Float)
      .Case("quantized", Level::Quantized)
      .Cases({"dyadic", "tosa"}, Level::Integer)
      .Case("fused", Level::Kernels)
      .Case("llvm", Level::LLVM)
      .Default(Level::Loops);
}

/// The IR of a level as text, without the bytes of large constants.
static std::string printIR(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
  module.print(os, flags);
  os << "\n";
  return text;
}

/// What was chosen for each kernel that had a choice, in the order they are called.
static std::string printStrategies(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::SmallPtrSet<Operation *, 16> seen;
  module.walk([&](func::CallOp call) {
    auto function = module.lookupSymbol<func::FuncOp>(call.getCallee());
    auto strategy = function ? KernelStrategy::of(function) : std::nullopt;
    if (!strategy || !seen.insert(function).second)
      return;
    os << llvm::formatv("{0,-24} {1,-56} {2,-24} {3} cycles, best of {4}\n",
                        function.getName(), strategy->shape, strategy->tile,
                        strategy->estimate, strategy->candidates);
  });
  return text;
}

static ExitCode emitText(Compilation &compilation, const Options &options) {
  if (mlir::failed(compilation.advance(levelOf(options.emit))))
    return failed(compilation);
  std::string text;
  if (options.emit == "tosa" &&
      mlir::failed(runPasses(compilation.module(), buildExportTOSAPipeline)))
    return InputError;
  if (options.emit == "asm") {
    EmitOptions emit = compilation.emitOptions();
    SmallVector<char, 0> bytes;
    if (mlir::failed(compile(compilation.module(), compilation.info(), emit,
                             CodeKind::Assembly, bytes)))
      return InternalError;
    text.assign(bytes.begin(), bytes.end());
  } else if (options.emit == "strategy") {
    text = printStrategies(compilation.module());
  } else if (options.emit == "tosa") {
    // What others read must be whole.
    llvm::raw_string_ostream os(text);
    compilation.module().print(os);
    os << "\n";
  } else {
    text = printIR(compilation.module());
  }
  if (options.output.empty() || options.output == "-") {
    llvm::outs() << text;
    return Done;
  }
  if (auto error = writeFile(options.output, text))
    return inputError(std::move(error));
  return Done;
}

/// What every compile tells: what computes how, and what it costs.
static void printSummary(raw_ostream &os, const Compilation &compilation,
                         const Options &options, double seconds) {
  const CompileSummary &summary = compilation.summary();
  const ProgramInfo &info = compilation.info();
  bool calibrated = compilation.options().calibration.has_value();
  bool quantized = compilation.isQuantized();
  os << options.model << ": ";
  if (quantized)
    os << summary.integerOps << " ops in integers, ";
  os << summary.floatOps.size() << " in float";
  if (compilation.options().target.bf16)
    os << " (products of bf16: each sum within 1/128 of the sum of its terms' sizes)";
  if (calibrated)
    os << " (" << summary.samples << " calibration samples)";
  else if (Scheme scheme = compilation.options().quantize.scheme; scheme != Scheme::Static)
    os << " (" << nameOf(scheme) << ")";
  else if (quantized)
    os << " (the model comes quantized)";
  os << "\n";
  if (quantized && summary.rounding != "nearest_even")
    os << "  sums are rounded by " << summary.rounding
       << (summary.rounding == "double_round" ? ", as LiteRT's reference does" : "")
       << "\n";
  for (const FloatOp &op : summary.floatOps)
    if (quantized)
      os << "  " << (op.name.empty() ? "?" : op.name) << " (" << op.kind
         << ") stays float because "
         << (op.reason.empty() ? "its neighbours do" : op.reason) << "\n";
  const TargetInfo &target = compilation.options().target;
  auto names = variantNames(compilation.options().variants);
  os << "  weights " << printBytes(info.weightBytes) << ", arena "
     << printBytes(info.arenaBytes) << ", for ";
  if (!options.triple.empty())
    os << target.triple << ", ";
  os << target.cpu << " (" << (names.empty() ? target.level : llvm::join(names, ", "))
     << ")\n";
  uint64_t size = 0;
  if (!options.output.empty() && !llvm::sys::fs::file_size(options.output, size))
    os << "  " << options.output << " " << printBytes(size) << ", ";
  else
    os << "  ";
  os << llvm::format("%.1f s", seconds);
  if (calibrated)
    os << llvm::format(", of which calibration %.1f s", summary.calibrationSeconds);
  os << "\n";
}

static ExitCode runCompile(Options &options) {
  if (options.output.empty() && options.emit.empty())
    return usageError("expected -o FILE, or --emit");
  if (options.name.empty())
    options.name = modelNameOf(options.output.empty() || options.output == "-"
                                   ? llvm::sys::path::stem(options.model)
                                   : StringRef(options.output));
  auto goal = options.goal.resolve(options);
  if (!goal)
    return usageError(llvm::toString(goal.takeError()));
  auto start = std::chrono::steady_clock::now();
  Session session;
  auto resolved = options.resolve(&session.context);
  if (mlir::failed(resolved))
    return UsageError;
  resolved->fuse.keepAll = options.keepAll;
  bool isGPU = resolved->target.target->isGPU();
  if (!isGPU && (!options.fallback.empty() || !options.cubins.empty()))
    return usageError("--fallback and --cubin: expected the target nvptx64, but "
                      "got '" + resolved->target.triple + "'");
  resolved->withFallback = !options.fallback.empty();
  resolved->gpu.cubins = options.cubins;
  resolved->gpu.ptxas = options.ptxas;
  // A path that can't be written is known before the long part.
  if (!options.output.empty() && options.output != "-") {
    auto probe = OutputFile::create(options.output);
    if (!probe)
      return inputError(probe.takeError());
  }

  if (*goal)
    if (ExitCode code = options.goal.reach(&session.context, **goal, *resolved))
      return code;
  Compilation compilation(&session.context, *resolved);
  if (options.tune || !options.tuneCache.empty()) {
    TuneOptions tuning;
    tuning.cache = options.tuneCache.empty() ? defaultTuneCache() : options.tuneCache;
    if (mlir::failed(tune(compilation, tuning)))
      return failed(compilation);
  }
  if (!options.emit.empty())
    return emitText(compilation, options);
  if (mlir::failed(compilation.advance(Level::Loops)))
    return failed(compilation);
  EmitOptions emit = compilation.emitOptions();
  emit.isStatic = options.isStatic;
  if (mlir::failed(writeArtifact(compilation.module(), compilation.info(), emit,
                                 options.output)))
    return InputError;
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  printSummary(llvm::outs(), compilation, options, seconds.count());
  return Done;
}

Command addCompile(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(
      "compile", "compile a model to an object, library or executable");
  options->addModel(*command, "the ONNX or TensorFlow Lite file");
  command->add_option("-o,--output", options->output,
                      "what to write, by its extension: .o or .a or .so with a .h "
                      "beside it, .s, else an executable");
  options->addCalibration(*command);
  options->addShapes(*command);
  options->addTarget(*command);
  command->add_flag("--static", options->isStatic,
                    "an executable that needs no shared library")
      ->group("Target");
  command->add_option("--cubin", options->cubins,
                      "carry machine code for this GPU besides PTX (needs ptxas); "
                      "may be repeated")
      ->type_name("SM")->allow_extra_args(false)->group("Target");
  command->add_option("--ptxas", options->ptxas, "where ptxas is")
      ->type_name("FILE")->group("Target");
  command->add_option("--fallback", options->fallback,
                      "what to run on where there is no GPU: cpu")
      ->check(CLI::IsMember({"cpu"}))->group("Target");
  command->add_option("--name", options->name,
                      "prefix of the C symbols (the output's name)");
  command->add_flag("--keep-all", options->keepAll,
                    "give every tensor memory of its own, so that all can be "
                    "read after a run");
  command->add_flag("--tune", options->tune,
                    "measure which tiles are fastest on this machine, or take what "
                    "an earlier compile has measured; results don't depend on it")
      ->group("Target");
  command->add_option("--tune-cache", options->tuneCache,
                      "where measured choices are kept (the user's cache folder); "
                      "implies --tune")
      ->type_name("FILE")->group("Target");
  options->goal.add(*command);
  command->add_option("--emit", options->emit,
                      "write the IR of a level as text, large constants left out, or what "
                      "was chosen for each kernel, or all of the network as TOSA, to -o "
                      "or standard output")
      ->check(CLI::IsMember({"qnn", "quantized", "dyadic", "tosa", "fused", "linalg", "strategy", "llvm", "asm"}));
  return {command, [options] { return runCompile(*options); }};
}

} // namespace dyadic
