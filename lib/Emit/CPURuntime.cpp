//===- CPURuntime.cpp -----------------------------------------------------===//
#include "CPURuntime.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace dyadic {

/// Runtime/cpu.c as LLVM bitcode, embedded by EmbedFile.cmake.
extern const unsigned char kCPURuntimeX86[];
extern const size_t kCPURuntimeX86Size;
extern const unsigned char kCPURuntimeARM[];
extern const size_t kCPURuntimeARMSize;

static constexpr const char *kMissing = "dyadic_cpu_missing";
static constexpr const char *kChoose = "dyadic_cpu_choose";

bool hasCPURuntime(const Triple &triple) {
  return triple.isX86_64() ||
         (triple.isAArch64() && triple.isLittleEndian() && triple.isOSLinux());
}

void linkCPURuntime(Module &module) {
  if (module.getFunction(kMissing))
    return;
  linkBitcode(module, ArrayRef(kCPURuntimeX86, kCPURuntimeX86Size),
              ArrayRef(kCPURuntimeARM, kCPURuntimeARMSize));
  for (const char *name : {kMissing, kChoose})
    module.getFunction(name)->setLinkage(GlobalValue::InternalLinkage);
}

void linkBitcode(Module &module, ArrayRef<unsigned char> x86,
                 ArrayRef<unsigned char> arm) {
  ArrayRef<unsigned char> bitcode =
      module.getTargetTriple().isX86_64() ? x86 : arm;
  StringRef bytes(reinterpret_cast<const char *>(bitcode.data()),
                  bitcode.size());
  // Our own bytes: they can be read, and define nothing that a model has.
  std::unique_ptr<Module> runtime = cantFail(
      parseBitcodeFile(MemoryBufferRef(bytes, "runtime"), module.getContext()));
  runtime->setTargetTriple(module.getTargetTriple());
  runtime->setDataLayout(module.getDataLayout());
  // The model's flags hold; the same ones of the runtime could contradict them.
  if (NamedMDNode *flags = runtime->getModuleFlagsMetadata())
    runtime->eraseNamedMetadata(flags);
  Linker::linkModules(module, std::move(runtime));
}

void makeBaseline(Function &function) {
  Function *model = function.getParent()->getFunction(kMissing);
  for (const char *attribute : {"target-cpu", "target-features", "tune-cpu"})
    if (model->hasFnAttribute(attribute))
      function.addFnAttr(model->getFnAttribute(attribute));
}

Constant *addSupportCheck(Module &module, StringRef name, StringRef features) {
  LLVMContext &context = module.getContext();
  auto *i32 = Type::getInt32Ty(context);
  auto *pointer = PointerType::get(context, 0);
  Constant *none = ConstantPointerNull::get(pointer);
  auto *supported =
      Function::Create(FunctionType::get(i32, false), GlobalValue::ExternalLinkage,
                       name + "_supported", module);
  IRBuilder<> builder(BasicBlock::Create(context, "", supported));
  if (features.empty() || !hasCPURuntime(module.getTargetTriple())) {
    builder.CreateRet(ConstantInt::get(i32, 1));
    return none;
  }
  linkCPURuntime(module);
  auto *missing =
      Function::Create(FunctionType::get(pointer, false),
                       GlobalValue::InternalLinkage, name + "_missing", module);
  Value *found = builder.CreateCall(missing);
  builder.CreateRet(builder.CreateZExt(builder.CreateIsNull(found), i32));
  builder.SetInsertPoint(BasicBlock::Create(context, "", missing));
  builder.CreateRet(builder.CreateCall(module.getFunction(kMissing),
                                       {builder.CreateGlobalString(features)}));
  makeBaseline(*supported);
  makeBaseline(*missing);
  if (features.contains("+amx-tile")) {
    // Whoever links the object and calls its function at once gets AMX as well.
    auto *request =
        Function::Create(FunctionType::get(Type::getVoidTy(context), false),
                         GlobalValue::InternalLinkage, name + "_request", module);
    builder.SetInsertPoint(BasicBlock::Create(context, "", request));
    builder.CreateCall(missing);
    builder.CreateRetVoid();
    makeBaseline(*request);
    appendToGlobalCtors(module, request, /*Priority=*/65535);
  }
  return missing;
}

} // namespace dyadic
