//===- PTX.cpp - kernels to PTX -------------------------------------------===//
#include "GPUTable.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace dyadic {

/// Memory that the launcher allocates starts at multiples of this.
static constexpr int64_t kBaseAlignment = 256;

/// The oldest PTX that knows the architecture (and, for sm_75, ldmatrix): the
/// older it is, the more drivers load it.
static unsigned ptxVersion(StringRef arch) {
  static constexpr std::pair<unsigned, unsigned> versions[] = {
      {121, 88}, {120, 87}, {110, 90}, {103, 88}, {100, 86}, {89, 78},
      {88, 90},  {87, 74},  {86, 71},  {80, 70},  {0, 65}};
  unsigned number = 0;
  StringRef digits = arch;
  digits.consume_front("sm_");
  digits.consumeInteger(10, number);
  unsigned oldest = 0;
  for (auto [first, version] : llvm::reverse(versions))
    if (number >= first)
      oldest = version;
  if (arch.ends_with("f")) // a family of architectures
    return std::max(oldest, 88u);
  return arch == "sm_90a" ? 80 : oldest;
}

static bool overlap(const GPUArgument &a, const GPUArgument &b) {
  return a.space == b.space && a.index == b.index &&
         a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

static bool isConstant(const GPUArgument &argument) {
  return argument.space == GPUSpace::Input ||
         argument.space == GPUSpace::Weights;
}

/// What all launches of a kernel have in common: how far its pointers are
/// aligned, and which share no memory with the others. LLVM makes wide accesses
/// of the first and loads through the read-only cache of the second.
static LogicalResult describeArguments(llvm::Module &ir,
                                       const LaunchTable &table,
                                       Location loc) {
  for (auto [number, name] : llvm::enumerate(table.kernels)) {
    llvm::Function *kernel = ir.getFunction(name);
    if (!kernel || kernel->isDeclaration())
      return emitError(loc) << "expected a kernel '" << name << "'";
    size_t count = kernel->arg_size();
    SmallVector<int64_t> alignments(count, kBaseAlignment);
    SmallVector<bool> disjoint(count, true);
    for (const GPULaunch &launch : table.launches) {
      if (launch.kernel != number)
        continue;
      if (launch.arguments.size() != count)
        return emitError(loc) << "expected " << launch.arguments.size()
                              << " parameters of '" << name << "', but got "
                              << count;
      for (size_t i = 0; i < count; ++i) {
        const GPUArgument &argument = launch.arguments[i];
        if (argument.offset)
          alignments[i] = std::min(alignments[i], argument.offset & -argument.offset);
        for (size_t j = 0; j < i; ++j)
          if (overlap(argument, launch.arguments[j]) && !isConstant(argument))
            disjoint[i] = disjoint[j] = false;
      }
    }
    for (size_t i = 0; i < count; ++i) {
      llvm::Argument *argument = kernel->getArg(i);
      argument->addAttr(llvm::Attribute::getWithAlignment(
          ir.getContext(), llvm::Align(alignments[i])));
      if (disjoint[i])
        argument->addAttr(llvm::Attribute::NoAlias);
    }
  }
  return success();
}

/// Copies of 16 bytes and ldmatrix need workgroup memory aligned as they are.
static void alignWorkgroupMemory(llvm::Module &ir) {
  for (llvm::GlobalVariable &global : ir.globals())
    if (global.getAddressSpace() == 3)
      global.setAlignment(
          std::max(global.getAlign().valueOrOne(), llvm::Align(16)));
}

/// A warp computes a product of fragments together: the call must not move into a
/// branch that some threads take. LLVM's declaration doesn't say so.
static void keepWarpsTogether(llvm::Module &ir) {
  for (llvm::Function &function : ir)
    if (function.getName().starts_with("llvm.nvvm.mma."))
      for (llvm::User *user : function.users())
        if (auto *call = dyn_cast<llvm::CallBase>(user))
          call->addFnAttr(llvm::Attribute::Convergent);
}

/// Code generation aborts on functions that it would have to call.
static LogicalResult checkCalls(const llvm::Module &ir, Location loc) {
  for (const llvm::Function &function : ir)
    if (function.isDeclaration() && !function.isIntrinsic())
      return emitError(loc) << "a kernel calls '" << function.getName()
                            << "', but a GPU has no library to find it in";
  return success();
}

FailureOr<std::string> emitPTX(ModuleOp module, const LaunchTable &table,
                               const EmitOptions &options) {
  Location loc = module.getLoc();
  if (failed(lowerToNVVMDialect(module)))
    return failure();
  auto kernels = module.getOps<gpu::GPUModuleOp>();
  if (!llvm::hasSingleElement(kernels))
    return module.emitError("expected one gpu.module");
  gpu::GPUModuleOp kernelModule = *kernels.begin();

  EmitOptions own = options;
  llvm::Triple triple(own.target.triple);
  triple.setVendor(llvm::Triple::NVIDIA); // by which LLVM knows global pointers
  triple.setOS(llvm::Triple::CUDA);
  own.target.triple = triple.str();
  own.target.cpu = gpuArch(options.target);
  own.target.features = "+ptx" + std::to_string(ptxVersion(own.target.cpu));
  auto machine = createTargetMachine(own, loc);
  if (failed(machine))
    return failure();

  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  module->getContext()->appendDialectRegistry(registry);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> ir =
      translateModuleToLLVMIR(kernelModule, context, kernelModule.getName());
  if (!ir)
    return kernelModule.emitError("the kernels could not be translated to LLVM IR");
  ir->setTargetTriple((*machine)->getTargetTriple());
  ir->setDataLayout((*machine)->createDataLayout());
  if (failed(describeArguments(*ir, table, loc)) ||
      failed(checkCalls(*ir, loc)))
    return failure();
  alignWorkgroupMemory(*ir);
  keepWarpsTogether(*ir);
  std::string message;
  llvm::raw_string_ostream os(message);
  if (llvm::verifyModule(*ir, &os))
    return kernelModule.emitError("the kernels gave malformed LLVM IR: ") << message;
  optimize(*ir, **machine, own.optLevel);
  SmallVector<char, 0> text;
  if (failed(emitMachineCode(*ir, **machine, CodeKind::Assembly, text, loc)))
    return failure();
  return std::string(text.begin(), text.end());
}

} // namespace dyadic
