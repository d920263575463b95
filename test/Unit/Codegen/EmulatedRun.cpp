//===- EmulatedRun.cpp ----------------------------------------------------===//
#include "EmulatedRun.h"

#include "dyadic/Emit/Passes.h"
#include "dyadic/Emulate/KernelEmulator.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"

#include <cstring>

using namespace mlir;
using namespace dyadic;

namespace {
/// Memory as a GPU's driver gives it out.
using Memory = std::unique_ptr<char, void (*)(void *)>;
} // namespace

static Memory allocate(int64_t size) {
  int64_t whole = (size + 255) / 256 * 256;
  Memory memory(static_cast<char *>(std::aligned_alloc(256, whole + 256)), free);
  std::memset(memory.get(), 0x7e, whole);
  return memory;
}

bool dyadic::emulatedRun(ModuleOp module, const TargetInfo &target,
                         std::vector<GuardedBuffer> &inputs,
                         std::vector<GuardedBuffer> &outputs,
                         int64_t arenaBytes, std::string &message) {
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
    message += diagnostic.str() + "\n";
    return success();
  });
  PassManager pm(module.getContext());
  bool isGPU = target.target->isGPU();
  if (isGPU)
    pm.nest<gpu::GPUModuleOp>().nest<gpu::GPUFuncOp>().addPass(
        createApproximateMathPass());
  else
    pm.nest<func::FuncOp>().addPass(createApproximateMathPass());
  if (failed(pm.run(module)))
    return false;
  EmulatorOptions options;
  StringRef level = target.level;
  if (isGPU && (!level.consume_front("sm_") ||
                level.consumeInteger(10, options.architecture)))
    return false;
  auto emulator = KernelEmulator::create(module, "test_run", options);
  if (failed(emulator))
    return false;
  auto size = [](GuardedBuffer &buffer) {
    return buffer.all().size() - GuardedBuffer::kBefore - GuardedBuffer::kBehind;
  };
  std::vector<Memory> memory;
  SmallVector<const void *> from;
  SmallVector<void *> to;
  for (GuardedBuffer &buffer : inputs) {
    memory.push_back(allocate(size(buffer)));
    std::memcpy(memory.back().get(), buffer.data(), size(buffer));
    from.push_back(memory.back().get());
  }
  for (GuardedBuffer &buffer : outputs) {
    memory.push_back(allocate(size(buffer)));
    to.push_back(memory.back().get());
  }
  Memory arena = allocate(arenaBytes);
  if (failed((*emulator)->run(from, to, arena.get())))
    return false;
  for (auto [buffer, result] : llvm::zip(outputs, to))
    std::memcpy(buffer.data(), result, size(buffer));
  return true;
}
