//===- CommandLine.h - what the subcommands share ---------------*- C++ -*-===//
#ifndef DYADIC_TOOLS_COMMANDLINE_H
#define DYADIC_TOOLS_COMMANDLINE_H

#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Pipeline/Program.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <string>
#include <vector>

namespace dyadic {

/// Options that mean the same in every subcommand, as given.
struct CommonOptions {
  std::string model, triple, cpu, host, arch, observer = "percentile=99.999", calibrate, name;
  std::string rounding, overrides;
  std::vector<std::string> shapes, values, keepFloat, weights, activations, statistics;
  ThreadOptions threads;
  bool isFloat = false;
  bool integerOnly = false;
  bool emulate = false;
  std::string floatType = "f32";
  bool calibrateByInterpreter = false;
  Recovery recovery = Recovery::Measured;
  WeightRounding weightRounding = WeightRounding::Best;
  Scheme scheme = Scheme::Static;
  // Images.
  std::vector<float> mean, std;
  float scale = 1.0f / 255;
  std::string layout = "auto", resize = "none";
  bool bgr = false;

  void addModel(CLI::App &app, const std::string &what);
  void addShapes(CLI::App &app);
  void addCalibration(CLI::App &app);
  /// What addCalibration's samples are, alone.
  CLI::Option *addSamples(CLI::App &app);
  void addImages(CLI::App &app);
  void addTarget(CLI::App &app);
  void addEmulate(CLI::App &app);

  ImageOptions images() const;
  bool hasCalibration() const { return !calibrate.empty() || !statistics.empty(); }
  /// Everything but `fuse`. Reports what doesn't parse; the command line is at
  /// fault then.
  mlir::FailureOr<CompileOptions> resolve(mlir::MLIRContext *context) const;
};

/// What follows an error that is our fault.
extern const char *const kHowToReport;

/// Prints diagnostics as "error: where: what".
class DiagnosticPrinter {
public:
  explicit DiagnosticPrinter(mlir::MLIRContext *context);

private:
  mlir::ScopedDiagnosticHandler handler;
};

/// What a command compiles in: a context with every dialect, whose errors are
/// printed.
struct Session {
  Session();
  mlir::Location location() { return mlir::UnknownLoc::get(&context); }

  mlir::MLIRContext context;
  DiagnosticPrinter printer;
};

/// "error: …" on standard error.
void printError(const llvm::Twine &message);
/// Prints the error and returns InputError.
ExitCode inputError(llvm::Error error);
ExitCode usageError(const llvm::Twine &message);
/// The exit code for a stage that failed; says how to report our own faults.
ExitCode failed(const Compilation &compilation);

/// The machine code of `compilation`, run in this process, or by an emulator when
/// it is for another machine: QEMU, or with --emulate, ours of GPUs.
mlir::FailureOr<std::unique_ptr<Program>>
makeProgram(Compilation &compilation, const CommonOptions &options);
/// Reports at once what keeps makeProgram from running here.
mlir::LogicalResult checkRunnable(const CompileOptions &compile,
                                  const CommonOptions &options, mlir::Location loc);

/// "1.5 MB"
std::string printBytes(int64_t bytes);

/// The commands; each adds itself and runs when the command line named it.
struct Command {
  CLI::App *app = nullptr;
  std::function<ExitCode()> run;
};
Command addCompile(CLI::App &app);
Command addRun(CLI::App &app);
Command addCalibrate(CLI::App &app);
Command addEvaluate(CLI::App &app);
Command addExplain(CLI::App &app);
Command addInspect(CLI::App &app);
Command addProfile(CLI::App &app);

} // namespace dyadic

#endif
