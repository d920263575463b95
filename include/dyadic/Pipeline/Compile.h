//===- Compile.h - from a model file to code, stage by stage ----*- C++ -*-===//
//
// What every tool does, as one object: it holds a module and advances it from
// level to level.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_PIPELINE_COMPILE_H
#define DYADIC_PIPELINE_COMPILE_H

#include "dyadic/Calibrate/Calibrate.h"
#include "dyadic/Dialect/QNN/Rounding.h"
#include "dyadic/Emit/JIT.h"
#include "dyadic/Emit/MachineCode.h"
#include "dyadic/Emit/ProgramInfo.h"
#include "dyadic/Import/ImportModel.h"
#include "dyadic/Pipeline/Pipelines.h"
#include "dyadic/Quantize/Recover.h"
#include "dyadic/Support/ExitCode.h"
#include "dyadic/Target/TargetInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dyadic {

/// The levels of docs/Pipeline.md.
enum class Level { None, Float, Quantized, Integer, Kernels, Loops, LLVM };

/// What the quantizer does for accuracy beside choosing ranges.
enum class Recovery {
  None,
  Predicted, ///< what statistics promise: equalized channels
  Measured   ///< what helps on samples; where there are too few, as predicted
};

struct CalibrationOptions {
  /// A file or folder of samples,
  std::string samples;
  /// or without one, arrays in the caller's memory.
  std::vector<SampleArray> arrays;
  /// Files of statistics to start from; with them there need be no samples.
  std::vector<std::string> statistics;
  ImageOptions images;
  ObserverOptions observer;
  /// Of tensors that are named; the last that matches decides.
  std::vector<NamedObserver> observers;
  /// Choose among the observers by measured error, tensor by tensor, beginning with
  /// `observer`; those in `observers` stay. With `Recovery::Measured` alone.
  bool chooseObservers = false;
  Recovery recovery = Recovery::Measured;
  /// How weights are rounded with `Recovery::Measured`; to the nearest else.
  WeightRounding weightRounding = WeightRounding::Best;
  /// For tests of calibration itself: run the network by the interpreter.
  bool interpret = false;
};

/// A pattern of names and where it was written; no file: in an option.
struct LayerPattern {
  std::string pattern, file;
  unsigned line = 0, column = 0;
};

struct CompileOptions {
  /// The ONNX or TensorFlow Lite file.
  std::string model;
  /// Its bytes if they are in the caller's memory; `model` is its name in
  /// messages then, and `folder` has its external data.
  std::optional<llvm::StringRef> modelBytes;
  std::string folder;
  /// The prefix of symbols, made a C identifier.
  std::string name;
  ONNXImportOptions import;
  /// None: every op stays f32, unless the scheme needs no samples, or the model
  /// comes quantized: then there must be none.
  std::optional<CalibrationOptions> calibration;
  /// Without, a model that is neither calibrated nor comes quantized is an error.
  bool mayBeFloat = true;
  QuantizeChoices quantize;
  /// Patterns that must name an op or input of the model.
  std::vector<LayerPattern> patterns;
  /// How requantizations round: nearest_even, half_up or double_round. Empty: as
  /// the model says, nearest_even where it doesn't.
  std::string rounding;
  TargetInfo target;
  /// Several CPUs in one object, weakest first, `target` the first of them.
  /// Empty: `target` alone.
  std::vector<TargetInfo> variants;
  /// `checkThreads` must accept them.
  ThreadOptions threads;
  /// For a GPU: its host and what else its objects hold. The module of `fallback`
  /// is made here if `withFallback`.
  GPUOptions gpu;
  bool withFallback = false;
  FuseOptions fuse;
  /// Called with the calibrated module, at level 1, before it is quantized: it may
  /// be copied, and its ops may be given attributes. Where several quantizations are
  /// compared it is called for each, and at last with the one that was taken.
  std::function<void(mlir::ModuleOp)> onCalibrated;

  /// The same without what quantizes.
  CompileOptions inFloat() const;
};

/// An op that computes in f32 although the rest of the network doesn't.
struct FloatOp {
  std::string name, kind, reason;
};

/// What a compile tells its user.
struct CompileSummary {
  int64_t integerOps = 0;
  std::vector<FloatOp> floatOps;
  int64_t samples = 0;
  /// How requantizations round, by name; empty in a float program.
  std::string rounding;
  double importSeconds = 0, calibrationSeconds = 0;
};

class Compilation {
public:
  Compilation(mlir::MLIRContext *context, CompileOptions options);
  ~Compilation();

  /// Runs the stages up to `level`. On failure the errors have been reported
  /// and `fault` says whose they are.
  mlir::LogicalResult advance(Level level);

  /// The module at the level that was reached. To go on to another level releases the
  /// large constants that it hasn't any more, unless there is an `onCalibrated`: a copy
  /// that was made before isn't to be used then.
  mlir::ModuleOp module() { return *current; }
  /// Whether some ops compute on integers.
  bool isQuantized() const {
    return opts.calibration || comesQuantized ||
           opts.quantize.scheme != Scheme::Static;
  }
  mlir::func::FuncOp main();
  /// The program's interface, once `Level::Kernels` was reached.
  const ProgramInfo &info() const { return program; }
  /// Where errors of the program as a whole are reported.
  mlir::Location location() const { return mlir::UnknownLoc::get(context); }
  const CompileSummary &summary() const { return report; }
  const CompileOptions &options() const { return opts; }
  ExitCode fault() const { return blame; }

  /// What the calibration samples, and the files of statistics, have shown; the
  /// module is at Level::Float.
  mlir::FailureOr<NetworkStatistics> statistics();

  /// Tiles that are taken instead of the cost model's, before Level::Loops.
  void choose(std::shared_ptr<const TileChoices> tiles) {
    opts.target.tuned = std::move(tiles);
  }

  /// Compiles into this process.
  mlir::FailureOr<std::unique_ptr<JITProgram>> load();

  /// What objects of this program are emitted with; the rest has its defaults.
  EmitOptions emitOptions();
  /// Compiles to a file (Artifact.h). Failing to link or write isn't our fault.
  mlir::LogicalResult write(llvm::StringRef path, const EmitOptions &options);

private:
  mlir::LogicalResult import();
  /// Takes over what a model says of its own quantization.
  mlir::LogicalResult adoptQuantization();
  mlir::FailureOr<std::unique_ptr<SampleStream>> openSamples();
  mlir::FailureOr<NetworkStatistics> runSamples();
  mlir::LogicalResult checkLengths(
      llvm::function_ref<mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>(
          const ONNXImportOptions &)>
          importWith);
  mlir::LogicalResult calibrateAndQuantize();
  llvm::SmallVector<ObserverOptions> observers();
  mlir::LogicalResult quantize();
  mlir::LogicalResult lowerToIntegers();
  mlir::LogicalResult lowerToKernels();
  mlir::LogicalResult generateCode();
  mlir::LogicalResult run(llvm::function_ref<void(mlir::OpPassManager &)> build);

  mlir::MLIRContext *context;
  CompileOptions opts;
  mlir::OwningOpRef<mlir::ModuleOp> current, fallback;
  Level level = Level::None;
  bool comesQuantized = false;
  ProgramInfo program;
  CompileSummary report;
  ExitCode blame = InputError;
};

/// Reports what keeps code for `options.target` from running on
/// `options.threads`.
mlir::LogicalResult checkThreads(const CompileOptions &options,
                                 mlir::Location loc);

/// Runs `build`'s passes on `module`, verifying in between.
mlir::LogicalResult
runPasses(mlir::ModuleOp module,
          llvm::function_ref<void(mlir::OpPassManager &)> build);

/// What `module` at level 2 computes in integers, and what not and why.
void countOps(mlir::ModuleOp module, CompileSummary &summary);
/// Counts as integer ops what of its float ops `module`, at level 3, hasn't any more: a hard
/// swish between sums and bytes, or with `--integer-only` all.
void settleFloatOps(mlir::ModuleOp module, CompileSummary &summary);

} // namespace dyadic

#endif
