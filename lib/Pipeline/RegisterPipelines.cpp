//===- RegisterPipelines.cpp - the pipelines by name ----------------------===//
//
// What Pipelines.h builds, for --pass-pipeline= and for command lines of
// dyadic-opt. Each name ends in -pipeline: passes have the short names.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Pipeline/Pipelines.h"

#include "dyadic/Emit/Passes.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace dyadic {

namespace {
struct QuantizeFlags : PassPipelineOptions<QuantizeFlags> {
  ListOption<std::string> keepFloat{
      *this, "keep-float", llvm::cl::desc("names of ops that stay f32")};
  ListOption<std::string> weights{
      *this, "weights",
      llvm::cl::desc("int8, int4, int4:group=N or codebook4, or pattern=kind by names")};
  ListOption<std::string> activations{
      *this, "activations", llvm::cl::desc("int8 or int16, or pattern=kind by names")};
  Option<std::string> scheme{
      *this, "scheme",
      llvm::cl::desc("static, dynamic, dynamic-tensor or weight-only"),
      llvm::cl::init("static")};
};

struct LowerFlags : PassPipelineOptions<LowerFlags> {
  Option<std::string> rounding{
      *this, "rounding",
      llvm::cl::desc("nearest_even, half_up or double_round"),
      llvm::cl::init("")};
};

struct FuseFlags : PassPipelineOptions<FuseFlags> {
  Option<bool> fuse{*this, "fuse",
                    llvm::cl::desc("join pointwise ops to producers"),
                    llvm::cl::init(true)};
  Option<bool> keepAll{*this, "keep-all",
                       llvm::cl::desc("no two results share bytes"),
                       llvm::cl::init(false)};
  Option<bool> views{*this, "views",
                     llvm::cl::desc("let tensors lie inside of others"),
                     llvm::cl::init(true)};
};

struct TargetFlags : PassPipelineOptions<TargetFlags> {
  Option<std::string> triple{
      *this, "triple",
      llvm::cl::desc("triple or name of a target; empty: this machine")};
  Option<std::string> cpu{
      *this, "cpu",
      llvm::cl::desc("native, a kernel level or a CPU name, with +features")};
  Option<std::string> name{*this, "model-name",
                           llvm::cl::desc("prefix of the public symbols"),
                           llvm::cl::init("model")};
  Option<int64_t> threads{*this, "threads",
                          llvm::cl::desc("how many threads share a run"),
                          llvm::cl::init(1)};
  Option<double> threadCost{
      *this, "thread-cost",
      llvm::cl::desc("nanoseconds of work that are worth a thread"),
      llvm::cl::init(1000)};
};

struct CompileFlags : QuantizeFlags, LowerFlags, FuseFlags, TargetFlags {};

using ErrorHandler = function_ref<LogicalResult(const Twine &)>;
} // namespace

/// Registers a pipeline whose builder may refuse its options.
template <typename Flags>
static void registerPipeline(StringRef name, StringRef description,
                             LogicalResult (*build)(OpPassManager &,
                                                    const Flags &,
                                                    ErrorHandler)) {
  registerPassPipeline(
      name, description,
      [build](OpPassManager &pm, StringRef text, ErrorHandler error) {
        Flags flags;
        if (failed(flags.parseFromString(text)))
          return failure();
        return build(pm, flags, error);
      },
      [](function_ref<void(const mlir::detail::PassOptions &)> handle) {
        handle(Flags());
      });
}

static LogicalResult buildQuantize(OpPassManager &pm, const QuantizeFlags &flags,
                                   ErrorHandler error) {
  std::optional<Scheme> scheme = parseScheme(flags.scheme);
  if (!scheme)
    return error("expected scheme " + llvm::join(schemeNames(), ", ") +
                 ", but got '" + flags.scheme + "'");
  buildQuantizePipeline(pm, {{flags.keepFloat.begin(), flags.keepFloat.end()},
                             {flags.weights.begin(), flags.weights.end()},
                             *scheme,
                             {flags.activations.begin(), flags.activations.end()},
                             {},
                             {}});
  return success();
}

static void buildFuse(OpPassManager &pm, const FuseFlags &flags,
                      bool mayView = true) {
  FuseOptions options;
  options.fuse = flags.fuse;
  options.keepAll = flags.keepAll;
  options.views = flags.views && mayView;
  buildFusePipeline(pm, options);
}

/// There is no module yet to report at, so the message goes to the parser of
/// the pipeline.
static FailureOr<TargetInfo> resolve(const TargetFlags &flags,
                                     ErrorHandler error) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message += (message.empty() ? "" : "; ") + diagnostic.str();
    for (Diagnostic &note : diagnostic.getNotes())
      message += "; " + note.str();
  });
  auto target = resolveTarget(TargetRequest{flags.triple, flags.cpu},
                              UnknownLoc::get(&context));
  if (failed(target))
    return error(message);
  return *target;
}

static LogicalResult buildCodegen(OpPassManager &pm, const TargetFlags &flags,
                                  ErrorHandler error) {
  auto target = resolve(flags, error);
  if (failed(target))
    return failure();
  buildCodegenPipeline(pm, *target, flags.name, {flags.threads, flags.threadCost});
  return success();
}

void registerPipelines() {
  PassPipelineRegistration<>("dyadic-simplify-pipeline",
                             "level 1, as imported, to level 1, simplified",
                             buildSimplifyPipeline);
  PassPipelineRegistration<>("dyadic-adopt-pipeline",
                             "level 1 of a quantized model to level 2",
                             buildAdoptPipeline);
  registerPipeline<QuantizeFlags>("dyadic-quantize-pipeline",
                                  "level 1 with ranges to level 2", buildQuantize);
  PassPipelineRegistration<LowerFlags>(
      "dyadic-lower-pipeline", "level 2 to level 3",
      [](OpPassManager &pm, const LowerFlags &flags) {
        buildLowerToDyadicPipeline(pm, flags.rounding);
      });
  PassPipelineRegistration<FuseFlags>(
      "dyadic-fuse-pipeline", "level 1 or 3 to level 4 with its memory plan",
      [](OpPassManager &pm, const FuseFlags &flags) { buildFuse(pm, flags); });
  registerPipeline<TargetFlags>("dyadic-generate-pipeline",
                                "level 4 to level 5, loops for a target",
                                buildCodegen);
  registerPipeline<CompileFlags>(
      "dyadic-compile-pipeline",
      "level 1 with ranges to level 5: all of the above in order",
      [](OpPassManager &pm, const CompileFlags &flags, ErrorHandler error) {
        buildSimplifyPipeline(pm);
        if (failed(buildQuantize(pm, flags, error)))
          return failure();
        buildLowerToDyadicPipeline(pm, flags.rounding);
        auto target = resolve(flags, error);
        if (failed(target))
          return failure();
        buildFuse(pm, flags, /*mayView=*/!target->target->isGPU());
        buildCodegenPipeline(pm, *target, flags.name, {flags.threads, flags.threadCost});
        return success();
      });
}

} // namespace dyadic
