//===- Tune.cpp -----------------------------------------------------------===//
//
// The n-th candidates of all shapes are measured together: the network is compiled
// and run once for each n. That takes few compiles, and every kernel meets the
// caches as its neighbours leave them, which moves times by more than candidates
// differ.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Pipeline/Tune.h"

#include "dyadic/Pipeline/Profile.h"
#include "dyadic/Support/OutputFile.h"
#include "dyadic/Target/Strategy.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

#include <map>

using namespace mlir;

namespace dyadic {

std::string defaultTuneCache() {
  llvm::SmallString<128> path;
  if (!llvm::sys::path::cache_directory(path))
    return "dyadic-tune.txt";
  llvm::sys::path::append(path, "dyadic", "tune.txt");
  return path.str().str();
}

namespace {
/// "znver4 avx512vnni: u8 …: 7x4 pixels: 12.3 us" a line, and others for other
/// processors, which stay.
class Cache {
public:
  explicit Cache(const TargetInfo &target)
      : machine((llvm::sys::getHostCPUName() + " " + target.level + ": ").str()) {}

  void read(StringRef path) {
    auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
    if (!file)
      return; // the first time
    SmallVector<StringRef> lines;
    (*file)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
    for (StringRef line : lines) {
      StringRef rest = line;
      if (!rest.consume_front(machine)) {
        others.push_back(line.str());
        continue;
      }
      auto [shape, chosen] = rest.split(": ");
      own[shape.str()] = chosen.str();
    }
  }

  llvm::Error write(StringRef path) const {
    StringRef folder = llvm::sys::path::parent_path(path);
    if (!folder.empty())
      if (auto error = llvm::sys::fs::create_directories(folder))
        return llvm::createFileError(folder, error);
    std::string text = llvm::join(others, "\n");
    if (!others.empty())
      text += "\n";
    for (auto &[shape, chosen] : own)
      text += machine + shape + ": " + chosen + "\n";
    return writeFile(path, text);
  }

  bool has(const std::string &shape) const { return own.count(shape); }
  void add(const std::string &shape, StringRef tile, double seconds) {
    own[shape] = llvm::formatv("{0}: {1:f1} us", tile, 1e6 * seconds);
  }
  std::shared_ptr<const TileChoices> choices() const {
    auto all = std::make_shared<TileChoices>();
    for (auto &[shape, chosen] : own)
      (*all)[shape] = StringRef(chosen).split(": ").first.str();
    return all;
  }

private:
  std::string machine;
  std::vector<std::string> others;
  std::map<std::string, std::string> own; // shape → "tile: time"
};

/// What one round measured of a shape.
struct Measured {
  std::string tile;
  double seconds = 0; // of all kernels of the shape
  int64_t candidates = 1;
};
} // namespace

/// The kernels of `module` at level 5 that had a choice, by shape, by name.
static std::map<std::string, KernelStrategy> strategiesOf(ModuleOp module) {
  std::map<std::string, KernelStrategy> strategies;
  for (auto function : module.getOps<func::FuncOp>())
    if (auto strategy = KernelStrategy::of(function))
      strategies[function.getName().str()] = *strategy;
  return strategies;
}

static FailureOr<OwningOpRef<ModuleOp>> loopsOf(Compilation &compilation,
                                                const TargetInfo &target) {
  OwningOpRef<ModuleOp> module = compilation.module().clone();
  if (failed(runPasses(*module, [&](OpPassManager &pm) {
        buildCodegenPipeline(pm, target, compilation.info().name);
      })))
    return failure();
  return module;
}

/// Runs the network with the given choices.
static FailureOr<std::map<std::string, Measured>>
measure(Compilation &compilation, const TargetInfo &target,
        ArrayRef<HostTensor> inputs, int64_t runs) {
  auto module = loopsOf(compilation, target);
  if (failed(module))
    return failure();
  auto strategies = strategiesOf(**module);
  EmitOptions emit = compilation.emitOptions();
  emit.threads = 1;
  auto kernels = profileLoops(**module, compilation.info(), emit, inputs, runs);
  if (failed(kernels))
    return failure();
  std::map<std::string, Measured> measured;
  for (const KernelTime &kernel : *kernels)
    if (auto known = strategies.find(kernel.function); known != strategies.end()) {
      const KernelStrategy &strategy = known->second;
      Measured &one = measured[strategy.shape];
      one.tile = strategy.tile;
      one.seconds += kernel.seconds;
      one.candidates = strategy.candidates;
    }
  return measured;
}

LogicalResult tune(Compilation &compilation, const TuneOptions &options) {
  Location loc = compilation.location();
  TargetInfo target = compilation.options().target;
  std::string missing;
  if (compilation.options().variants.size() > 1 || target.target->isGPU() ||
      !hostSupports(target, missing))
    return emitError(loc) << "tune: expected one CPU, this machine's: others can't "
                             "be timed here";
  if (failed(compilation.advance(Level::Kernels)))
    return failure();
  Cache cache(target);
  cache.read(options.cache);
  auto plain = loopsOf(compilation, target);
  if (failed(plain))
    return failure();
  bool isKnown = true;
  int64_t rounds = 1;
  for (auto &[name, strategy] : strategiesOf(**plain)) {
    bool known = strategy.candidates == 1 || cache.has(strategy.shape);
    isKnown &= known;
    if (!known)
      rounds = std::max(rounds, strategy.candidates);
  }
  if (!isKnown) {
    SmallVector<HostTensor> inputs;
    for (const TensorInfo &input : compilation.info().inputs)
      inputs.emplace_back(input.kind, input.shape);
    std::map<std::string, Measured> best;
    for (int64_t round = 0; round < std::min(rounds, options.candidates); ++round) {
      // By number; a shape that has fewer has its first again.
      auto choices = std::make_shared<TileChoices>();
      for (auto &[shape, known] : best)
        if (round < known.candidates)
          (*choices)[shape] = "#" + std::to_string(round);
      target.tuned = choices;
      auto measured = measure(compilation, target, inputs, options.runs);
      if (failed(measured))
        return failure();
      for (auto &[shape, one] : *measured) {
        auto [known, isNew] = best.try_emplace(shape, one);
        // Less than the noise isn't worth leaving the model's choice for.
        if (!isNew && one.seconds < 0.99 * known->second.seconds)
          known->second = one;
      }
    }
    for (auto &[shape, one] : best)
      if (one.candidates > 1 && !cache.has(shape))
        cache.add(shape, one.tile, one.seconds);
    if (auto error = cache.write(options.cache))
      return emitError(loc) << "tune: " << llvm::toString(std::move(error));
  }
  compilation.choose(cache.choices());
  return success();
}

} // namespace dyadic
