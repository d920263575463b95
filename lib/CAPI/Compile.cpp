//===- Compile.cpp - models ---------------------------------------------===//
#include "CAPI.h"

#include "dyadic/Emit/Artifact.h"
#include "dyadic/InitAll.h"
#include "dyadic/Pipeline/Overrides.h"
#include "dyadic/Target/Target.h"

#include "llvm/Support/Path.h"

using namespace dyadic;
using namespace dyadic::capi;
using mlir::failed;
using mlir::FailureOr;

static Model *unwrap(DyadicModel model) { return static_cast<Model *>(model.ptr); }
static Compilation &compilationOf(DyadicModel model) { return *unwrap(model)->session->compilation; }

/// The options as the pipeline takes them; what is wrong is reported.
static FailureOr<CompileOptions> resolve(const Options &given, mlir::Location loc) {
  for (const std::string &fault : given.faults)
    emitError(loc) << fault;
  if (!given.faults.empty())
    return mlir::failure();
  if (!given.calibration.empty() && !given.arrays.empty())
    return emitError(loc) << "expected calibration samples in a file or in arrays, but got both";
  CompileOptions options;
  options.import.shapes = given.shapes;
  options.import.open = given.open;
  options.import.values = given.values;
  options.quantize.keepFloat = given.keepFloat;
  options.quantize.weights = given.weights;
  options.quantize.activations = given.activations;
  options.quantize.integerOnly = given.integerOnly;
  options.quantize.scheme = given.scheme;
  options.folder = given.folder;
  auto variants = resolveVariants(given.target, loc);
  if (failed(variants))
    return mlir::failure();
  options.target = variants->front();
  if (variants->size() > 1)
    options.variants = std::move(*variants);
  options.threads.count = given.threads;
  if (failed(checkThreads(options, loc)))
    return mlir::failure();
  options.withFallback = given.cpuFallback;
  if (options.target.target->isGPU()) {
    auto host = resolveTarget(TargetRequest{}, loc);
    if (failed(host))
      return mlir::failure();
    options.gpu.host = *host;
  } else if (given.cpuFallback) {
    return emitError(loc) << "fallback: expected a GPU as the target, but got "
                          << options.target.triple;
  }
  CalibrationOptions calibration;
  calibration.chooseObservers = given.observer == "auto";
  if (!given.observer.empty() && !calibration.chooseObservers) {
    auto observer = parseObserver(given.observer);
    if (!observer)
      return emitError(loc) << "observer: " << llvm::toString(observer.takeError());
    calibration.observer = *observer;
  }
  bool hasSamples = !given.calibration.empty() || !given.arrays.empty();
  bool saysHow = !given.keepFloat.empty() || !given.weights.empty() ||
                 !given.activations.empty() || !given.overrides.empty() || given.integerOnly;
  if (!hasSamples && saysHow && given.scheme == Scheme::Static)
    return emitError(loc) << "expected calibration samples, but got none: without them every "
                             "op stays in float32";
  if (hasSamples) {
    calibration.samples = given.calibration;
    calibration.arrays = given.arrays;
    calibration.images = given.images;
    calibration.weightRounding = given.weightRounding;
    options.calibration = std::move(calibration);
  }
  if (!given.overrides.empty() &&
      failed(addOverrides(given.overrides, options, loc.getContext())))
    return mlir::failure();
  return options;
}

/// `model` names the file, or what is in memory.
static DyadicResult compileModel(llvm::StringRef model, std::optional<llvm::StringRef> bytes,
                                 const Options &given, DyadicReporter reporter,
                                 DyadicModel *result) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  auto session = std::make_shared<Session>(registry);
  DiagnosticForwarder forwarder(session->context, reporter);
  auto options = resolve(given, mlir::UnknownLoc::get(&session->context));
  if (failed(options))
    return DyadicResultUsageError;
  options->model = model.str();
  options->modelBytes = bytes;
  options->name = given.name.empty() ? llvm::sys::path::stem(model).str() : given.name;
  auto compiled = std::make_unique<Model>();
  session->compilation = std::make_unique<Compilation>(&session->context, std::move(*options));
  if (failed(session->compilation->advance(Level::Loops)))
    return static_cast<DyadicResult>(session->compilation->fault());
  compiled->emit = session->compilation->emitOptions();
  compiled->emit.optLevel = given.optLevel;
  compiled->session = std::move(session);
  *result = {compiled.release()};
  return DyadicResultDone;
}

DyadicResult dyadicCompileFile(DyadicStringRef path, DyadicOptions options,
                               DyadicReporter reporter, DyadicModel *model) {
  if (!model)
    return nullArgument(reporter, "a place for the model");
  *model = {nullptr};
  if (!options.ptr)
    return nullArgument(reporter, "options");
  return compileModel(unwrap(path), std::nullopt, *static_cast<Options *>(options.ptr), reporter,
                      model);
}

DyadicResult dyadicCompileMemory(const void *bytes, size_t length, DyadicStringRef label,
                                 DyadicOptions options, DyadicReporter reporter,
                                 DyadicModel *model) {
  if (!model)
    return nullArgument(reporter, "a place for the model");
  *model = {nullptr};
  if (!options.ptr)
    return nullArgument(reporter, "options");
  if (!bytes && length)
    return nullArgument(reporter, "the bytes of an ONNX model");
  llvm::StringRef name = unwrap(label);
  return compileModel(name.empty() ? "model" : name,
                      llvm::StringRef(static_cast<const char *>(bytes), length),
                      *static_cast<Options *>(options.ptr), reporter, model);
}

void dyadicModelDestroy(DyadicModel model) { delete unwrap(model); }

DyadicResult dyadicModelWrite(DyadicModel model, DyadicStringRef path, DyadicReporter reporter) {
  if (!model.ptr)
    return nullArgument(reporter, "a model");
  if (!path.length)
    return fail(reporter, DyadicResultUsageError, "expected a path to write to, but got nothing");
  Model &compiled = *unwrap(model);
  DiagnosticForwarder forwarder(compiled.session->context, reporter);
  // Writing lowers the module; the weights are shared with the copy.
  mlir::OwningOpRef<mlir::ModuleOp> copy = compiled.session->compilation->module().clone(),
                                    fallback;
  EmitOptions emit = compiled.emit;
  if (emit.gpu.fallback) {
    fallback = emit.gpu.fallback.clone();
    emit.gpu.fallback = *fallback;
  }
  if (failed(writeArtifact(*copy, compiled.session->compilation->info(), emit, unwrap(path))))
    return DyadicResultInputError;
  return DyadicResultDone;
}

DyadicInterface dyadicModelGetInterface(DyadicModel model) {
  return wrap(compilationOf(model).info());
}
DyadicStringRef dyadicModelGetTriple(DyadicModel model) {
  return wrap(unwrap(model)->emit.target.triple);
}
DyadicStringRef dyadicModelGetCPU(DyadicModel model) {
  return wrap(unwrap(model)->emit.target.cpu);
}
DyadicStringRef dyadicModelGetLevel(DyadicModel model) {
  return wrap(unwrap(model)->emit.target.level);
}
size_t dyadicModelGetNumIntegerOps(DyadicModel model) {
  return compilationOf(model).summary().integerOps;
}
size_t dyadicModelGetNumSamples(DyadicModel model) {
  return compilationOf(model).summary().samples;
}
size_t dyadicModelGetNumFloatOps(DyadicModel model) {
  return compilationOf(model).summary().floatOps.size();
}
DyadicFloatOp dyadicModelGetFloatOp(DyadicModel model, size_t index) {
  const std::vector<FloatOp> &ops = compilationOf(model).summary().floatOps;
  if (index >= ops.size())
    return {};
  return {wrap(ops[index].name), wrap(ops[index].kind), wrap(ops[index].reason)};
}
