//===- Profile.cpp --------------------------------------------------------===//
#include "dyadic/Pipeline/Profile.h"

#include "dyadic/Codegen/Passes.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Emit/JIT.h"
#include "dyadic/Pipeline/Inspect.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <chrono>
#include <deque>

using namespace mlir;

namespace dyadic {

using Clock = std::chrono::steady_clock;

/// What the code being profiled has passed. It calls a plain C function, so
/// there is one of these a thread.
static thread_local std::vector<Clock::time_point> passed;

static void record(int64_t number) { passed[number + 1] = Clock::now(); }

namespace {
struct Origin {
  std::string type;
  int64_t macs = 0;
};
} // namespace

/// The kernels of each place in the model, in order.
using Origins = llvm::DenseMap<Attribute, std::deque<Origin>>;

static Origins originsOf(func::FuncOp main) {
  Origins origins;
  main.walk([&](KernelOp kernel) {
    Origin &origin = origins[kernel.getLoc()].emplace_back();
    llvm::raw_string_ostream(origin.type) << kernel.getResult(0).getType();
    for (Operation &op : kernel.getBody().front())
      origin.macs += macsOf(&op);
  });
  return origins;
}

/// The kernels that a module at level 5 calls, in order.
static std::vector<KernelTime>
kernelsOf(ModuleOp module, Origins origins) {
  std::vector<KernelTime> kernels;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic())
      for (auto call : function.getOps<func::CallOp>()) {
        KernelTime kernel;
        if (auto named = call.getLoc()->findInstanceOf<NameLoc>())
          kernel.name = named.getName().str();
        if (auto tagged = call.getLoc()->findInstanceOf<FusedLoc>())
          kernel.tag = tagged.getMetadata();
        kernel.function = call.getCallee().str();
        if (auto &here = origins[call.getLoc()]; !here.empty()) {
          kernel.type = here.front().type;
          kernel.macs = here.front().macs;
          here.pop_front();
        }
        kernels.push_back(std::move(kernel));
      }
  return kernels;
}

static double median(std::vector<double> values) {
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Fills in the times of `kernels`, which `loops` calls in this order.
static LogicalResult measure(ModuleOp loops, const ProgramInfo &info,
                             const EmitOptions &options,
                             ArrayRef<HostTensor> inputs, int64_t runs,
                             std::vector<KernelTime> &kernels) {
  Location loc = loops.getLoc();
  if (failed(runPasses(loops, [](OpPassManager &pm) {
        pm.addPass(createProfileKernels());
      })))
    return failure();
  std::pair<StringRef, void *> hook{"dyadic_profile",
                                    reinterpret_cast<void *>(record)};
  auto program = JITProgram::create(loops, info, options, hook);
  if (failed(program))
    return failure();

  std::vector<std::vector<double>> seconds(kernels.size());
  passed.assign(kernels.size() + 1, {});
  constexpr int64_t warmUp = 3;
  for (int64_t run = -warmUp; run < runs; ++run) {
    passed.front() = Clock::now();
    if (failed((*program)->run(inputs, loc)))
      return failure();
    for (size_t i = 0; run >= 0 && i < kernels.size(); ++i)
      seconds[i].push_back(
          std::chrono::duration<double>(passed[i + 1] - passed[i]).count());
  }
  for (auto [kernel, times] : llvm::zip_equal(kernels, seconds))
    kernel.seconds = median(std::move(times));
  return success();
}

FailureOr<std::vector<KernelTime>>
profile(Compilation &compilation, ArrayRef<HostTensor> inputs, int64_t runs) {
  if (failed(compilation.advance(Level::Kernels)))
    return failure();
  Origins origins = originsOf(compilation.main());
  if (failed(compilation.advance(Level::Loops)))
    return failure();
  std::vector<KernelTime> kernels = kernelsOf(compilation.module(), std::move(origins));
  if (failed(measure(compilation.module(), compilation.info(),
                     compilation.emitOptions(), inputs, runs, kernels)))
    return failure();
  return kernels;
}

FailureOr<std::vector<KernelTime>> profileNetwork(ModuleOp network, StringRef rounding,
                                                  bool integerOnly,
                                                  ArrayRef<HostTensor> inputs,
                                                  int64_t runs) {
  auto target = resolveTarget("native", network.getLoc());
  if (failed(target))
    return failure();
  OwningOpRef<ModuleOp> copy = network.clone();
  if (failed(runPasses(*copy, [&](OpPassManager &pm) {
        buildLowerToDyadicPipeline(pm, rounding.str(), integerOnly);
        buildFusePipeline(pm);
      })))
    return failure();
  auto info = readProgramInfo(*copy, "profile");
  if (failed(info))
    return failure();
  Origins origins = originsOf(copy->lookupSymbol<func::FuncOp>("main"));
  if (failed(runPasses(*copy, [&](OpPassManager &pm) {
        buildCodegenPipeline(pm, *target, info->name);
      })))
    return failure();
  info->arenaBytes = readArenaBytes(*copy);
  std::vector<KernelTime> kernels = kernelsOf(*copy, std::move(origins));
  EmitOptions options;
  options.target = *target;
  if (failed(measure(*copy, *info, options, inputs, runs, kernels)))
    return failure();
  return kernels;
}

FailureOr<std::vector<KernelTime>>
profileLoops(ModuleOp loops, const ProgramInfo &info, const EmitOptions &options,
             ArrayRef<HostTensor> inputs, int64_t runs) {
  std::vector<KernelTime> kernels = kernelsOf(loops, Origins());
  if (failed(measure(loops, info, options, inputs, runs, kernels)))
    return failure();
  return kernels;
}

} // namespace dyadic
