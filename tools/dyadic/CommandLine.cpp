//===- CommandLine.cpp ----------------------------------------------------===//
#include "CommandLine.h"

#include "dyadic/InitAll.h"
#include "dyadic/Pipeline/Overrides.h"
#include "dyadic/Quantize/RoundingNames.h"
#include "dyadic/Support/DescribeLocation.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <map>

using namespace mlir;

namespace dyadic {

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

void CommonOptions::addModel(CLI::App &app, const std::string &what) {
  app.add_option("model", model, what)->required();
}

void CommonOptions::addShapes(CLI::App &app) {
  app.add_option("--shape", shapes,
                 "shape of an input whose dimensions the model leaves open, as "
                 "name=1x3x224x224; one extent may stay open up to a bound, as "
                 "name=1x3x48x32..640, or 32..640:8 for steps of 8; may be repeated")
      ->type_name("NAME=SHAPE")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--value", values,
                 "fixes an input to a value, as what decides shapes or axes must be: "
                 "name=1,2,3 or name=file.npy; may be repeated")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
}

CLI::Option *CommonOptions::addSamples(CLI::App &app) {
  app.add_option("--statistics", statistics,
                 "what dyadic calibrate has counted on samples; may be repeated, and "
                 "stand beside --calibrate: all of it counts")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag("--calibrate-by-interpreter", calibrateByInterpreter)->group("");
  addImages(app);
  return app
      .add_option("--calibrate", calibrate,
                  "samples to learn value ranges from: .npz with an array per "
                  "input, .npy, .raw float32, or a folder of such or of images")
      ->type_name("PATH");
}

void CommonOptions::addCalibration(CLI::App &app) {
  CLI::Option *samples = addSamples(app);
  std::map<std::string, Scheme> schemes;
  for (llvm::StringLiteral name : schemeNames())
    schemes[name.str()] = *parseScheme(name);
  CLI::Option *chosen =
      app.add_option("--scheme", scheme,
                     "static (default): activations have the ranges that samples show; "
                     "dynamic: their scales are found at run time, one a row (token, "
                     "pixel) that is multiplied with weights; dynamic-tensor: one a "
                     "tensor; weight-only: they stay in float32. All but the first need "
                     "no samples")
          ->type_name("TEXT:{" + llvm::join(schemeNames(), ",") + "}")
          ->transform(CLI::CheckedTransformer(schemes).description(""));
  app.add_flag("--float", isFloat, "don't quantize: all of it in float32, but for what the model itself quantized")
      ->excludes(samples)
      ->excludes(app.get_option("--statistics"))
      ->excludes(chosen);
  app.add_option("--observer", observer,
                 std::string("how ranges follow from values: ") + kObserverChoices +
                     "; or auto: for each tensor what is best on samples")
      ->capture_default_str();
  static const std::map<std::string, Recovery> recoveries = {
      {"none", Recovery::None},
      {"predicted", Recovery::Predicted},
      {"measured", Recovery::Measured}};
  app.add_option("--recover", recovery,
                 "what is done for accuracy beside choosing ranges: none; predicted: "
                 "channels are equalized where statistics promise that it helps; "
                 "measured (default): where it does on samples, on which means are "
                 "corrected, too")
      ->type_name("TEXT:{none,predicted,measured}")
      ->transform(CLI::CheckedTransformer(recoveries).description(""));
  std::map<std::string, WeightRounding> roundings;
  for (llvm::StringLiteral name : weightRoundingNames())
    roundings[name.str()] = *parseWeightRounding(name);
  app.add_option("--round-weights", weightRounding,
                 "with --recover measured: to the nearest value; by gptq or adaround, "
                 "with which a layer's errors make up for each other on the samples; by "
                 "awq, for weights alone: to the nearest after what loud channels read "
                 "was multiplied, where that helps; "
                 "best (default): by gptq, and 4 bits by adaround, where that helps")
      ->type_name("TEXT:{" + llvm::join(weightRoundingNames(), ",") + "}")
      ->transform(CLI::CheckedTransformer(roundings).description(""));
  app.add_option("--keep-float", keepFloat,
                 "name of an op, or pattern of names, that stays in float32; may be "
                 "repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_flag("--integer-only", integerOnly,
               "softmax, layer norm and all else in integers, too, 16 bits wide where they "
               "stay in float32 otherwise; what would compute on floats is an error, and "
               "named. Inputs and results may be float32")
      ->excludes(app.get_option("--float"))
      ->excludes(app.get_option("--keep-float"));
  app.add_option("--weights", weights,
                 "int8, int4, int4:group=N (weights for each scale) or codebook4 "
                 "(sixteen values a layer), or a pattern of layer names and one of "
                 "these, as 'fc*=int4'; may be repeated, the last match decides. With "
                 "--scheme weight-only also int3, int2, nf4, codebook3, codebook2 and "
                 "pow2, :group=N or :tensor with all of them, and :asymmetric integers, "
                 "as int4:group=64:asymmetric")
      ->type_name("[NAME=]KIND")
      ->allow_extra_args(false);
  app.add_option("--activations", activations,
                 "int8 (default) or int16, or a pattern of ops' and inputs' names and one of "
                 "these, as 'encoder*=int16': the width of what they compute; may be "
                 "repeated, the last match decides. With --scheme static")
      ->type_name("[NAME=]WIDTH")
      ->allow_extra_args(false);
  app.add_option("--overrides", overrides,
                 "a file with options of single layers (docs/Quantization.md), which "
                 "decide before those for all")
      ->type_name("FILE");
  app.add_option("--requantize", rounding,
                 "how integer sums are rounded to the next tensor (nearest_even, the "
                 "fastest; double_round, as LiteRT's reference kernels do, where a "
                 "TensorFlow Lite model came quantized); TOSA has all but nearest_even")
      ->check(CLI::IsMember({"nearest_even", "half_up", "double_round"}));
}

void CommonOptions::addImages(CLI::App &app) {
  const char *group = "Image samples, (pixel * scale - mean) / std";
  app.add_option("--mean", mean, "subtracted per channel, in units of the scaled pixel (0)")
      ->delimiter(',')->type_name("X,..")->group(group);
  app.add_option("--std", std, "divided by per channel (1)")
      ->delimiter(',')->type_name("X,..")->group(group);
  app.add_option("--scale", scale, "of the pixels, 0 to 255 (1/255)")->group(group);
  app.add_option("--layout", layout, "of the model's input: nchw, nhwc or auto")
      ->check(CLI::IsMember({"auto", "nchw", "nhwc"}))->capture_default_str()->group(group);
  app.add_option("--resize", resize,
                 "images of another size than the model's: none refuses, stretch "
                 "scales, crop scales the shorter side and cuts the longer")
      ->check(CLI::IsMember({"none", "stretch", "crop"}))->capture_default_str()->group(group);
  app.add_flag("--bgr", bgr, "blue is the first channel, not red")->group(group);
}

void CommonOptions::addTarget(CLI::App &app) {
  const char *group = "Target";
  app.add_option("--target", triple,
                 "triple, such as aarch64-linux-gnu, or x86, arm, nvptx64 (this "
                 "machine)")
      ->type_name("TRIPLE")->group(group);
  app.add_option("--cpu", cpu,
                 "native, generic, a level of kernels (scalar; avx2, avx512vnni, amx; "
                 "neon, dotprod, i8mm) or a CPU's name, each with features: "
                 "avx2,+avxvnni. Several are variants that the program chooses "
                 "from: avx2,avx512vnni (native; generic for other machines)")
      ->group(group);
  app.add_option("--threads", threads.count,
                 "how many threads share a run (1). More need an OpenMP runtime, "
                 "libgomp or libomp; the results are the same bytes")
      ->type_name("N")->group(group);
  app.add_option("--thread-cost", threads.cost,
                 "nanoseconds of work that are worth another thread; with 0 all that can "
                 "be is divided")
      ->check(CLI::NonNegativeNumber)->capture_default_str()->type_name("NS")->group(group);
  app.add_option("--float-type", floatType,
                 "how layers that stay float multiply: f32, or bf16: both factors "
                 "rounded to 8 bits, summed in f32 (x86 with avx512bf16)")
      ->check(CLI::IsMember({"f32", "bf16"}))->capture_default_str()->group(group);
  app.add_option("--arch", arch, "the GPU: sm_75, sm_80, sm_86, sm_90, ...")
      ->type_name("SM")->group(group);
  app.add_option("--host", host,
                 "triple of the 64-bit machine that the GPU is in; --cpu is its "
                 "processor (this machine)")
      ->type_name("TRIPLE")->group(group);
}

void CommonOptions::addEmulate(CLI::App &app) {
  app.add_flag("--emulate", emulate,
               "run the kernels of a GPU, or of an x86 processor that this "
               "machine isn't, op by op, every access checked")
      ->group("Target");
}

/// Finds the target, and for a GPU its host.
static LogicalResult resolveTargets(const CommonOptions &given,
                                    CompileOptions &options, Location loc) {
  TargetRequest request{given.triple, given.cpu};
  if (!given.arch.empty() && request.triple.empty())
    request.triple = "nvptx64-nvidia-cuda";
  auto kind = resolveTarget(TargetRequest{request.triple, "generic"}, loc);
  if (mlir::failed(kind))
    return mlir::failure();
  bool isGPU = kind->target->isGPU();
  if (given.emulate && !isGPU && !llvm::Triple(kind->triple).isX86())
    return emitError(loc) << "--emulate: expected the target nvptx64 or x86, but "
                             "got '"
                          << kind->triple << "'";
  if (!isGPU && !given.arch.empty())
    return emitError(loc) << "--arch: expected the target nvptx64, but got '"
                          << kind->triple << "'";
  if (!isGPU && !given.host.empty())
    return emitError(loc) << "--host: expected the target nvptx64, but got '"
                          << kind->triple << "'";
  if (isGPU && !given.arch.empty()) {
    // --cpu names the host's processor then.
    auto host = resolveTarget(TargetRequest{given.host, given.cpu}, loc);
    request.cpu = given.arch;
    if (mlir::failed(host))
      return mlir::failure();
    options.gpu.host = *host;
  } else if (isGPU) {
    auto host = resolveTarget(TargetRequest{given.host, ""}, loc);
    if (mlir::failed(host))
      return mlir::failure();
    options.gpu.host = *host;
  }
  auto variants = resolveVariants(request, loc);
  if (mlir::failed(variants))
    return mlir::failure();
  for (TargetInfo &variant : *variants) {
    variant.bf16 = given.floatType == "bf16";
    bool isWide = variant.level == "avx512vnni" || variant.level == "amx";
    if (variant.bf16 && !(isWide && variant.has("avx512bf16")))
      return emitError(loc) << "--float-type bf16: expected --cpu with avx512bf16, "
                               "as in avx512vnni,+avx512bf16, but got "
                            << variant.cpu << " (" << variant.level << ")";
  }
  options.target = variants->front();
  if (variants->size() > 1)
    options.variants = std::move(*variants);
  options.threads = given.threads;
  return checkThreads(options, loc);
}

static bool isForeign(const TargetInfo &target) {
  return llvm::Triple(target.triple).getArch() !=
         llvm::Triple(llvm::sys::getProcessTriple()).getArch();
}

LogicalResult checkRunnable(const CompileOptions &compile,
                            const CommonOptions &options, Location loc) {
  const TargetInfo &target = compile.target;
  std::string missing;
  if (options.emulate)
    return success();
  if (target.target->isGPU())
    return emitError(loc) << "expected --emulate to run '" << target.triple
                          << "' here; on a machine with a GPU, compile a .so and "
                             "run that";
  if (isForeign(target) || hostSupports(target, missing))
    return success();
  return emitError(loc) << "--cpu: this machine has no " << missing;
}

FailureOr<std::unique_ptr<Program>> makeProgram(Compilation &compilation,
                                                const CommonOptions &options) {
  if (options.emulate)
    return makeEmulatedProgram(compilation);
  if (isForeign(compilation.options().target))
    return makeForeignProgram(compilation);
  return makeJITProgram(compilation);
}

ImageOptions CommonOptions::images() const {
  ImageOptions options;
  options.mean.assign(mean.begin(), mean.end());
  options.std.assign(std.begin(), std.end());
  options.scale = scale;
  options.bgr = bgr;
  options.layout = layout == "nchw"   ? ImageOptions::Layout::NCHW
                   : layout == "nhwc" ? ImageOptions::Layout::NHWC
                                      : ImageOptions::Layout::Auto;
  options.resize = resize == "stretch" ? ImageOptions::Resize::Stretch
                   : resize == "crop"  ? ImageOptions::Resize::Crop
                                       : ImageOptions::Resize::None;
  return options;
}

/// "x=1x3x224x224"; the name may contain "=".
static bool addShape(StringRef text, ONNXImportOptions &options) {
  auto [name, dims] = text.rsplit('=');
  return !name.empty() && name != text && addInputShape(name, dims, options);
}

/// Without samples: refuses what only they could have an effect on.
static LogicalResult checkNothingNeedsSamples(const CommonOptions &given, Location loc) {
  std::vector<std::string> vain;
  if (given.observer != CommonOptions().observer)
    vain.push_back("--observer " + given.observer);
  if (given.weightRounding != WeightRounding::Best &&
      given.weightRounding != WeightRounding::Nearest)
    vain.push_back(("--round-weights " + nameOf(given.weightRounding)).str());
  if (vain.empty())
    return mlir::success();
  return emitError(loc) << llvm::join(vain, ", ") << ": expected samples to learn from: "
                        << (given.isFloat ? "leave --float out and give --calibrate"
                                          : "give --calibrate");
}

FailureOr<CompileOptions> CommonOptions::resolve(MLIRContext *context) const {
  CompileOptions options;
  options.model = model;
  options.name = name;
  options.quantize = {keepFloat, weights, scheme, activations, {}, {}, integerOnly};
  options.rounding = rounding;
  Location loc = UnknownLoc::get(context);
  for (const std::string &shape : shapes)
    if (!addShape(shape, options.import))
      return emitError(loc) << "--shape: expected name=1x3x224x224 with positive "
                               "extents, one of which may be open, as 32..640 or "
                               "32..640:8, but got " << shape;
  for (const std::string &value : values)
    if (auto error = addInputValue(value, options.import))
      return emitError(loc) << "--value: " << llvm::toString(std::move(error));
  if (mlir::failed(resolveTargets(*this, options, loc)))
    return mlir::failure();
  options.mayBeFloat = isFloat;
  if (isFloat && !overrides.empty())
    return emitError(loc) << "--overrides: expected no --float";
  auto withOverrides = [&]() -> FailureOr<CompileOptions> {
    if (!overrides.empty() && mlir::failed(addOverrides(overrides, options, context)))
      return mlir::failure();
    return options;
  };
  if (!hasCalibration() && mlir::failed(checkNothingNeedsSamples(*this, loc)))
    return mlir::failure();
  if (isFloat || !hasCalibration())
    return withOverrides();
  CalibrationOptions calibration;
  calibration.samples = calibrate;
  calibration.statistics = statistics;
  calibration.images = images();
  calibration.interpret = calibrateByInterpreter;
  calibration.chooseObservers = observer == "auto";
  if (!calibration.chooseObservers) {
    auto parsed = parseObserver(observer);
    if (!parsed)
      return emitError(loc) << "--observer: " << llvm::toString(parsed.takeError())
                            << ", or auto";
    calibration.observer = *parsed;
  }
  calibration.recovery = recovery;
  calibration.weightRounding = weightRounding;
  options.calibration = calibration;
  return withOverrides();
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

static void print(const Diagnostic &diagnostic) {
  static constexpr StringLiteral kinds[] = {"note", "warning", "error", "remark"};
  llvm::errs() << kinds[static_cast<int>(diagnostic.getSeverity())] << ": ";
  std::string where = describeLocation(diagnostic.getLocation());
  if (!where.empty())
    llvm::errs() << where << ": ";
  llvm::errs() << diagnostic << "\n";
  for (const Diagnostic &note : diagnostic.getNotes())
    print(note);
}

DiagnosticPrinter::DiagnosticPrinter(MLIRContext *context)
    : handler(context, [](Diagnostic &diagnostic) { print(diagnostic); }) {
  context->printOpOnDiagnostic(false);
}

static DialectRegistry everyDialect() {
  DialectRegistry registry;
  registerAllDialects(registry);
  return registry;
}

Session::Session() : context(everyDialect()), printer(&context) {}

void printError(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
}

ExitCode inputError(llvm::Error error) {
  printError(llvm::toString(std::move(error)));
  return InputError;
}

ExitCode usageError(const llvm::Twine &message) {
  printError(message);
  return UsageError;
}

ExitCode failed(const Compilation &compilation) {
  if (compilation.fault() == InternalError)
    llvm::errs() << kHowToReport;
  return compilation.fault();
}

std::string printBytes(int64_t bytes) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (bytes < 10000)
    os << bytes << " bytes";
  else if (bytes < 1000000)
    os << llvm::format("%.1f KB", bytes / 1e3);
  else
    os << llvm::format("%.2f MB", bytes / 1e6);
  return text;
}

} // namespace dyadic
