//===- HostModule.cpp -----------------------------------------------------===//
//
// The launcher is C, compiled to bitcode when Dyadic is built. Linking it into
// the model's module here, rather than as an object, keeps .o and .a free of any
// need for a C compiler or linker, works for every 64-bit host that LLVM knows,
// and makes each model's copy private: two models in one program don't meet.
//
//===----------------------------------------------------------------------===//
#include "HostModule.h"

#include "../ModelTable.h"
#include "dyadic/Emit/Passes.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace dyadic {

/// Runtime/gpu.c as LLVM bitcode, embedded by lib/Emit/EmbedFile.cmake.
extern const unsigned char kGPURuntime[];
extern const size_t kGPURuntimeSize;

namespace {
/// Adds what users call: arguments as the model has them, collected in arrays.
struct EntryBuilder {
  llvm::Module &module;
  const ProgramInfo &info;
  llvm::LLVMContext &context = module.getContext();
  llvm::PointerType *pointer = llvm::PointerType::get(context, 0);

  llvm::Value *collect(llvm::IRBuilder<> &builder, llvm::Function *function,
                       size_t first, size_t count) {
    auto *type = llvm::ArrayType::get(pointer, std::max<size_t>(count, 1));
    llvm::Value *array = builder.CreateAlloca(type);
    for (size_t i = 0; i < count; ++i)
      builder.CreateStore(function->getArg(first + i),
                          builder.CreateConstInBoundsGEP2_64(type, array, 0, i));
    return array;
  }

  /// result <name><suffix>(inputs…, outputs…, last) { callee(in, out, last) }
  void add(StringRef suffix, StringRef callee, llvm::Type *result) {
    size_t inputs = info.inputs.size(), outputs = info.outputs.size();
    SmallVector<llvm::Type *> types(inputs + outputs + 1, pointer);
    auto *function = llvm::Function::Create(
        llvm::FunctionType::get(result, types, false),
        llvm::GlobalValue::ExternalLinkage, info.name + suffix, module);
    llvm::IRBuilder<> builder(
        llvm::BasicBlock::Create(context, "", function));
    auto target = module.getOrInsertFunction(
        callee, llvm::FunctionType::get(result, {pointer, pointer, pointer},
                                        false));
    llvm::Value *from = collect(builder, function, 0, inputs);
    llvm::Value *to = collect(builder, function, inputs, outputs);
    llvm::Value *value = builder.CreateCall(
        target, {from, to, function->getArg(inputs + outputs)});
    if (result->isVoidTy())
      builder.CreateRetVoid();
    else
      builder.CreateRet(value);
  }
};
} // namespace

static FailureOr<std::unique_ptr<llvm::Module>>
readRuntime(llvm::LLVMContext &context, const llvm::TargetMachine &machine,
            Location loc) {
  StringRef bytes(reinterpret_cast<const char *>(kGPURuntime), kGPURuntimeSize);
  auto runtime = llvm::parseBitcodeFile(
      llvm::MemoryBufferRef(bytes, "gpu.c"), context);
  if (!runtime)
    return emitError(loc) << "the launcher can't be read: "
                          << llvm::toString(runtime.takeError());
  (*runtime)->setTargetTriple(machine.getTargetTriple());
  (*runtime)->setDataLayout(machine.createDataLayout());
  // What the build machine's processor is like doesn't matter.
  for (llvm::Function &function : **runtime)
    for (const char *attribute : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(attribute);
  return std::move(*runtime);
}

/// Everything but what the header declares becomes private to the object; the
/// launcher's functions get the model's name.
static void nameSymbols(llvm::Module &module, const ProgramInfo &info,
                        bool forExecutable) {
  llvm::StringSet<> kept;
  for (StringRef suffix : {"_run", "_run_async", "_invoke", "_info"})
    kept.insert(info.name + suffix.str());
  for (StringRef function : {"init", "error", "on_failure", "close"}) {
    std::string name = info.name + "_gpu_" + function.str();
    module.getFunction("dyadic_gpu_" + function.str())->setName(name);
    kept.insert(name);
  }
  if (forExecutable) {
    kept.insert("dyadic_main_model");
    for (auto [name, alias] :
         {std::pair("dyadic_gpu_prepare", "dyadic_main_prepare"),
          std::pair("dyadic_gpu_on_failure", "dyadic_main_on_failure")}) {
      llvm::Function *function = module.getFunction(name);
      if (!function)
        function = module.getFunction(info.name + "_gpu_on_failure");
      llvm::GlobalAlias::create(llvm::GlobalValue::ExternalLinkage, alias,
                                function);
      kept.insert(alias);
    }
  }
  for (llvm::GlobalValue &value : module.global_values())
    if (!value.isDeclaration() && !kept.contains(value.getName()))
      value.setLinkage(llvm::GlobalValue::InternalLinkage);
}

static LogicalResult linkIn(llvm::Module &into,
                            std::unique_ptr<llvm::Module> module, Location loc) {
  if (llvm::Linker::linkModules(into, std::move(module)))
    return emitError(loc) << "the launcher doesn't fit the model";
  return success();
}

LogicalResult compileHost(ModuleOp fallback, const ProgramInfo &info,
                          const LaunchTable &table, ArrayRef<GPUImage> images,
                          StringRef weights, const EmitOptions &options,
                          SmallVectorImpl<char> &object, Location loc) {
  EmitOptions host = options;
  host.target = options.gpu.host;
  auto machine = createTargetMachine(host, loc);
  if (failed(machine))
    return failure();
  if ((*machine)->getPointerSize(0) != 8)
    return emitError(loc) << "expected a host of 64 bits, but got '"
                          << host.target.triple << "'";
  llvm::LLVMContext context;
  auto runtime = readRuntime(context, **machine, loc);
  if (failed(runtime))
    return failure();

  llvm::Module module(info.name, context);
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  EntryBuilder entries{module, info};
  entries.add("_run", "dyadic_gpu_run", llvm::Type::getVoidTy(context));
  entries.add("_run_async", "dyadic_gpu_run_async",
              llvm::Type::getInt32Ty(context));
  // The host's features matter only to the code that runs when there is no GPU.
  addModelTable(module, info, fallback ? host.target.required() : "", {},
                options.forExecutable);
  std::string other;
  if (fallback) {
    ProgramInfo cpu = info;
    cpu.name += "_cpu";
    other = cpu.name + "_invoke";
    host.forExecutable = false;
    if (failed(lowerToLLVMDialect(fallback)))
      return failure();
    auto code = translateToLLVMIR(fallback, cpu, host, **machine, context);
    if (failed(code) || failed(linkIn(module, std::move(*code), loc)))
      return failure();
  }
  addGPUTable(module, info, table, images, weights, other, options.gpu.keepAll);
  if (failed(linkIn(module, std::move(*runtime), loc)))
    return failure();
  nameSymbols(module, info, options.forExecutable);
  std::string message;
  llvm::raw_string_ostream os(message);
  if (llvm::verifyModule(module, &os))
    return emitError(loc) << "the launcher gave malformed LLVM IR: " << message;
  optimize(module, **machine, options.optLevel);
  return emitMachineCode(module, **machine, CodeKind::Object, object, loc);
}

} // namespace dyadic
