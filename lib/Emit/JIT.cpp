//===- JIT.cpp ------------------------------------------------------------===//
#include "dyadic/Emit/JIT.h"

#include "ThreadRuntime.h"
#include "dyadic/Emit/Passes.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;

namespace dyadic {

static constexpr size_t kAlignment = 64;

static char *allocateAligned(size_t size) {
  size = std::max((size + kAlignment - 1) / kAlignment, size_t(1)) * kAlignment;
  return static_cast<char *>(std::aligned_alloc(kAlignment, size));
}

struct JITProgram::Impl {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<std::unique_ptr<char, void (*)(void *)>> copies;
};

JITProgram::JITProgram() : impl(std::make_unique<Impl>()), arena(nullptr, free) {}
JITProgram::~JITProgram() = default;

namespace {
struct ExternalGlobal {
  std::string name;
  const char *address;
};
} // namespace

/// The bytes of a constant, in place if they are aligned, else copied.
static FailureOr<const char *>
placeConstant(memref::GlobalOp global,
              std::vector<std::unique_ptr<char, void (*)(void *)>> &copies) {
  Attribute value = *global.getInitialValue();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob()) {
      const char *data = blob->getData().data();
      if (reinterpret_cast<uintptr_t>(data) % kAlignment == 0)
        return data;
    }
  auto tensor = readConstant(value);
  if (failed(tensor))
    return global.emitError("expected a constant with its bytes at hand");
  char *copy = allocateAligned(tensor->bytes.size());
  if (!copy)
    return global.emitError("no memory for ") << tensor->bytes.size() << " bytes";
  std::memcpy(copy, tensor->bytes.data(), tensor->bytes.size());
  copies.emplace_back(copy, free);
  return copy;
}

static LogicalResult
externalizeConstants(ModuleOp module, SmallVectorImpl<ExternalGlobal> &globals,
                     std::vector<std::unique_ptr<char, void (*)(void *)>> &copies) {
  for (auto global : module.getOps<memref::GlobalOp>()) {
    if (!global.getConstant() || !global.getInitialValue() ||
        isa<UnitAttr>(*global.getInitialValue()))
      continue;
    auto address = placeConstant(global, copies);
    if (failed(address))
      return failure();
    globals.push_back({global.getName().str(), *address});
    global.removeInitialValueAttr();
    global.removeConstantAttr(); // only a defined global may say so
    global.removeSymVisibilityAttr();
  }
  return success();
}

FailureOr<std::unique_ptr<JITProgram>>
JITProgram::create(ModuleOp module, ProgramInfo info, const EmitOptions &options,
                   Symbols functions) {
  std::unique_ptr<JITProgram> program(new JITProgram());
  SmallVector<ExternalGlobal> globals;
  Location loc = module.getLoc();
  if (failed(externalizeConstants(module, globals, program->impl->copies)))
    return failure();
  SmallVector<char, 0> object;
  EmitOptions own = options;
  own.forExecutable = false;
  if (failed(compile(module, info, own, CodeKind::Object, object)))
    return failure();

  std::vector<std::pair<StringRef, void *>> all(functions.begin(),
                                                functions.end());
  if (options.threads > 1) {
    auto runtime = loadOpenMP(loc);
    if (failed(runtime))
      return failure();
    llvm::append_range(all, *runtime);
  }

  auto fail = [&](llvm::Error error) {
    return emitError(loc) << "the compiled program could not be loaded: "
                          << llvm::toString(std::move(error));
  };
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return fail(jit.takeError());
  llvm::orc::SymbolMap symbols;
  for (const ExternalGlobal &global : globals)
    symbols[(*jit)->mangleAndIntern(global.name)] = {
        llvm::orc::ExecutorAddr::fromPtr(global.address),
        llvm::JITSymbolFlags::Exported};
  for (auto [name, address] : all)
    symbols[(*jit)->mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(address),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  if (!symbols.empty())
    if (auto error = (*jit)->getMainJITDylib().define(
            llvm::orc::absoluteSymbols(std::move(symbols))))
      return fail(std::move(error));
  if (auto error = (*jit)->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(
          StringRef(object.data(), object.size()), info.name)))
    return fail(std::move(error));
  auto invoke = (*jit)->lookup(info.name + "_invoke");
  if (!invoke)
    return fail(invoke.takeError());
  program->invoke = invoke->toPtr<decltype(program->invoke)>();
  if (own.variants.empty() && own.target.has("amx-tile")) {
    auto supported = (*jit)->lookup(info.name + "_supported");
    if (!supported)
      return fail(supported.takeError());
    if (!supported->toPtr<int (*)()>()())
      return emitError(loc) << "this system doesn't lend the registers of AMX to "
                               "the process: choose another --cpu";
  }
  program->impl->jit = std::move(*jit);
  program->program = std::move(info);
  return program;
}

FailureOr<SmallVector<HostTensor>> JITProgram::run(ArrayRef<HostTensor> inputs,
                                                   Location loc) {
  if (inputs.size() != program.inputs.size())
    return emitError(loc) << "expected " << program.inputs.size()
                          << " inputs, but got " << inputs.size();
  SmallVector<const void *> from;
  int64_t length = 0;
  if (program.lengths) {
    auto found = program.lengthOf(inputs);
    if (!found)
      return emitError(loc) << llvm::toString(found.takeError());
    length = *found;
  }
  for (auto [tensor, expected] : llvm::zip_equal(inputs, program.inputs)) {
    if (tensor.kind != expected.kind ||
        (!program.lengths && tensor.numElements() != expected.numElements()))
      return emitError(loc) << "expected " << name(expected.kind)
                            << " and " << expected.numElements()
                            << " elements for the input '" << expected.name
                            << "', but got " << describe(tensor);
    from.push_back(tensor.bytes.data());
  }
  if (!arena) {
    arena.reset(allocateAligned(program.arenaBytes));
    if (!arena)
      return emitError(loc) << "no memory for an arena of "
                            << program.arenaBytes << " bytes";
    std::memset(arena.get(), 0, program.arenaBytes);
  }
  SmallVector<HostTensor> outputs = program.makeOutputs(length);
  SmallVector<void *> to;
  from.push_back(&length);
  for (HostTensor &output : outputs)
    to.push_back(output.bytes.data());
  run(from, to, arena.get());
  return outputs;
}

HostTensor JITProgram::kept(const TensorInfo &tensor) const {
  HostTensor result(tensor.kind, tensor.shape);
  std::memcpy(result.bytes.data(), arena.get() + tensor.arenaOffset,
              result.bytes.size());
  return result;
}

} // namespace dyadic
