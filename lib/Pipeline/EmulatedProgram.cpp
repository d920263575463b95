//===- EmulatedProgram.cpp - kernels op by op -----------------------------===//
#include "dyadic/Emit/Passes.h"
#include "dyadic/Emulate/KernelEmulator.h"
#include "dyadic/Pipeline/Program.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/TargetParser/Triple.h"

#include <cstdlib>

using namespace mlir;

namespace dyadic {

namespace {
class EmulatedProgram : public Program {
public:
  EmulatedProgram(OwningOpRef<ModuleOp> module, ProgramInfo info)
      : module(std::move(module)) {
    program = std::move(info);
    arena.resize(std::max<int64_t>(program.arenaBytes, 1));
  }

  LogicalResult prepare(const EmulatorOptions &options) {
    auto created = KernelEmulator::create(*module, program.name + "_run", options);
    if (failed(created))
      return failure();
    emulator = std::move(*created);
    return success();
  }

  FailureOr<SmallVector<HostTensor>>
  run(ArrayRef<HostTensor> inputs, std::vector<HostTensor> *kept) override {
    // A kernel that reads what no other has written doesn't get zeros.
    std::fill(arena.begin(), arena.end(), char(0xa5));
    SmallVector<HostTensor> outputs;
    for (const TensorInfo &output : program.outputs)
      outputs.emplace_back(output.kind, output.shape);
    auto from = llvm::map_to_vector(
        inputs, [](const HostTensor &tensor) -> const void * {
          return tensor.bytes.data();
        });
    auto to = llvm::map_to_vector(outputs, [](HostTensor &tensor) -> void * {
      return tensor.bytes.data();
    });
    if (failed(emulator->run(from, to, arena.data())))
      return failure();
    if (kept) {
      kept->clear();
      for (const TensorInfo &tensor : program.kept) {
        HostTensor copy(tensor.kind, tensor.shape);
        std::copy_n(arena.data() + tensor.arenaOffset, copy.bytes.size(),
                    copy.bytes.data());
        kept->push_back(std::move(copy));
      }
    }
    return outputs;
  }

private:
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<KernelEmulator> emulator;
  std::vector<char> arena;
};
} // namespace

FailureOr<std::unique_ptr<Program>>
makeEmulatedProgram(Compilation &compilation) {
  if (failed(compilation.advance(Level::Kernels)))
    return failure();
  const TargetInfo &target = compilation.options().target;
  llvm::Triple triple(target.triple);
  if (!target.target ||
      !(target.target->isGPU() ||
        (triple.isX86() && compilation.options().variants.empty())))
    return compilation.module().emitError("expected a GPU or one x86 processor as "
                                          "the target of emulation, but got '")
           << target.triple << "'";
  if (failed(compilation.advance(Level::Loops)))
    return failure();
  OwningOpRef<ModuleOp> module(compilation.module().clone());
  // The same polynomials as on every target: the same bytes.
  if (failed(runPasses(*module, [&](OpPassManager &pm) {
        if (target.target->isGPU())
          pm.nest<gpu::GPUModuleOp>().nest<gpu::GPUFuncOp>().addPass(
              createApproximateMathPass());
        else
          pm.nest<func::FuncOp>().addPass(createApproximateMathPass());
      })))
    return failure();
  EmulatorOptions options;
  StringRef level = target.level;
  if (level.consume_front("sm_"))
    (void)level.consumeInteger(10, options.architecture);
  auto program =
      std::make_unique<EmulatedProgram>(std::move(module), compilation.info());
  if (failed(program->prepare(options)))
    return failure();
  return std::unique_ptr<Program>(std::move(program));
}

} // namespace dyadic
