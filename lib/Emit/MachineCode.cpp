//===- MachineCode.cpp ----------------------------------------------------===//
#include "dyadic/Emit/MachineCode.h"

#include "dyadic/Emit/GPU.h"
#include "dyadic/Emit/Passes.h"
#include "dyadic/Emit/Variants.h"
#include "CPURuntime.h"
#include "ExpandMath.h"
#include "ModelTable.h"
#include "ThreadRuntime.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

using namespace mlir;

namespace dyadic {

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers(); // for inline assembly
  });
}

bool isBareMetal(const llvm::Triple &triple) {
  return triple.getOS() == llvm::Triple::UnknownOS;
}

FailureOr<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const EmitOptions &options, Location loc) {
  initializeTargets();
  const TargetInfo &target = options.target;
  llvm::Triple triple(target.triple);
  std::string message;
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!found)
    return emitError(loc) << "no code generator for the target '"
                          << target.triple << "': " << message;
  llvm::TargetOptions machineOptions;
  machineOptions.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  machineOptions.FunctionSections = true;
  machineOptions.DataSections = true;
  // memcpy, not __aeabi_memcpy: the name that everybody has.
  machineOptions.EABIVersion = llvm::EABI::GNU;
  if (triple.isRISCV64() && target.has("d"))
    machineOptions.MCOptions.ABIName = "lp64d";
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      triple, target.cpu, target.features, machineOptions,
      isBareMetal(triple) ? llvm::Reloc::Static : llvm::Reloc::PIC_,
      std::nullopt,
      options.optLevel >= 2   ? llvm::CodeGenOptLevel::Aggressive
      : options.optLevel == 1 ? llvm::CodeGenOptLevel::Less
                              : llvm::CodeGenOptLevel::None));
  if (!machine)
    return emitError(loc) << "no code generator for the target '"
                          << target.triple << "'";
  if (!target.cpu.empty() &&
      !machine->getMCSubtargetInfo()->isCPUStringValid(target.cpu))
    return emitError(loc) << "'" << target.cpu << "' is not a CPU of the target '"
                          << target.triple << "'";
  return machine;
}

static void setFunctionAttributes(llvm::Function &function,
                                  const TargetInfo &target) {
  if (!target.cpu.empty())
    function.addFnAttr("target-cpu", target.cpu);
  if (!target.features.empty())
    function.addFnAttr("target-features", target.features);
  function.addFnAttr("no-trapping-math", "true");
  // LLVM would halve the vectors of many AVX-512 processors by itself.
  if (target.has("avx512f"))
    function.addFnAttr("prefer-vector-width", "512");
  // Registers are spilled to lines of their own only where the stack can be
  // realigned, for which LLVM wants a frame pointer from the beginning. Each
  // access would touch two lines otherwise.
  if (target.has("avx"))
    function.addFnAttr("frame-pointer", "all");
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

/// That `entry` is defined and takes what the interface says.
static LogicalResult checkEntry(ModuleOp module, llvm::Module &ir,
                                StringRef entry, const ProgramInfo &info) {
  llvm::Function *function = ir.getFunction(entry);
  if (!function || function->isDeclaration())
    return module.emitError("expected a function '") << entry << "'";
  if (function->arg_size() != info.inputs.size() + info.outputs.size() + 1 +
                                  (info.lengths ? 1 : 0))
    return module.emitError("expected '")
           << entry << "' to take " << info.inputs.size() << " inputs, "
           << info.outputs.size() << " outputs, the arena"
           << (info.lengths ? " and a length" : "");
  return success();
}

FailureOr<std::unique_ptr<llvm::Module>>
translateToLLVMIR(ModuleOp module, const ProgramInfo &info,
                  const EmitOptions &options, llvm::TargetMachine &machine,
                  llvm::LLVMContext &context) {
  // Loops say under a dialect's name what LLVM is asked not to do to them.
  module.walk([](LLVM::BrOp branch) {
    if (auto annotation = branch->getAttrOfType<LLVM::LoopAnnotationAttr>(
            "llvm.loop_annotation")) {
      branch->removeAttr("llvm.loop_annotation");
      branch.setLoopAnnotationAttr(annotation);
    }
  });
  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  module->getContext()->appendDialectRegistry(registry);
  std::unique_ptr<llvm::Module> ir =
      translateModuleToLLVMIR(module, context, info.name);
  if (!ir)
    return module.emitError("level 6 could not be translated to LLVM IR");
  ir->setTargetTriple(machine.getTargetTriple());
  ir->setDataLayout(machine.createDataLayout());
  ir->setPICLevel(llvm::PICLevel::BigPIC);

  if (ir->getFunction("dyadic_run_team") && !hasCPURuntime(ir->getTargetTriple()))
    return module.emitError("expected one thread for '")
           << options.target.triple
           << "': runs on several threads are for x86-64 and AArch64 Linux";
  linkThreadRuntime(*ir);

  std::vector<std::string> names = variantNames(options.variants);
  std::vector<std::string> entries;
  for (StringRef variant : names)
    entries.push_back((variant + "." + info.name + "_run").str());
  if (names.empty())
    entries.push_back(info.name + "_run");
  for (StringRef entry : entries)
    if (failed(checkEntry(module, *ir, entry, info)))
      return failure();
  std::string entry = info.name + "_run";
  for (llvm::GlobalVariable &global : ir->globals())
    if (!global.isDeclaration()) {
      global.setLinkage(llvm::GlobalValue::InternalLinkage);
      global.setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    }
  for (llvm::Function &function : *ir) {
    if (function.isDeclaration() || function.getName() == entry)
      continue;
    function.setLinkage(llvm::GlobalValue::InternalLinkage);
    // Each kernel has one caller; all of them in one body would cost the
    // register allocator and buy nothing.
    if (!function.hasFnAttribute(llvm::Attribute::AlwaysInline))
      function.addFnAttr(llvm::Attribute::NoInline);
  }
  if (!names.empty()) {
    if (!hasCPURuntime(ir->getTargetTriple()))
      return module.emitError("expected one CPU for '")
             << options.target.triple
             << "': only x86-64 and AArch64 Linux can tell at run time which "
                "variant to take";
    addDispatcher(*ir, info.name, options.variants, names);
  }
  addModelTable(*ir, info, options.target.required(), names,
                options.forExecutable);
  for (llvm::Function &function : *ir) {
    if (function.isDeclaration())
      continue;
    // What checks the machine is code for the weakest one already.
    const TargetInfo *variant =
        names.empty() ? &options.target
                      : variantOf(function.getName(), options.variants, names);
    if (variant && !function.hasFnAttribute("target-features"))
      setFunctionAttributes(function, *variant);
    else if (!names.empty() && !function.hasFnAttribute("target-features"))
      makeBaseline(function);
    expandMath(function, machine);
  }

  std::string message;
  llvm::raw_string_ostream os(message);
  if (llvm::verifyModule(*ir, &os))
    return module.emitError("level 6 gave malformed LLVM IR: ") << message;
  return ir;
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              unsigned optLevel) {
  using llvm::OptimizationLevel;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = optLevel >= 2;
  // Contractions come as vectors; searching their unrolled bodies for more is
  // what takes most of the time and finds nothing.
  tuning.SLPVectorization = false;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  // Loads of whole kernels as arguments of odd vectors: AArch64's code generator
  // can't pass those.
  llvm::PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(
      [](llvm::StringRef pass, llvm::Any) { return pass != "ArgumentPromotionPass"; });
  llvm::PassBuilder builder(&machine, tuning, std::nullopt, &callbacks);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  const OptimizationLevel levels[] = {OptimizationLevel::O0,
                                      OptimizationLevel::O1,
                                      OptimizationLevel::O2,
                                      OptimizationLevel::O3};
  OptimizationLevel level = levels[std::min(optLevel, 3u)];
  llvm::ModulePassManager passes =
      level == OptimizationLevel::O0
          ? builder.buildO0DefaultPipeline(level)
          : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
  // The optimizer forms some of its own.
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      expandMath(function, machine);
}

LogicalResult emitMachineCode(llvm::Module &module,
                              llvm::TargetMachine &machine, CodeKind kind,
                              SmallVectorImpl<char> &bytes, Location loc) {
  llvm::raw_svector_ostream os(bytes);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  kind == CodeKind::Object
                                      ? llvm::CodeGenFileType::ObjectFile
                                      : llvm::CodeGenFileType::AssemblyFile))
    return emitError(loc) << "the code generator of '"
                          << machine.getTargetTriple().str()
                          << "' can't write such files";
  passes.run(module);
  return success();
}

/// The function of libm that code generators call for an intrinsic; empty for one
/// that is instructions everywhere, or one that ExpandMath has replaced.
static std::string libmCall(const llvm::Function &intrinsic) {
  switch (intrinsic.getIntrinsicID()) {
  case llvm::Intrinsic::sin:
  case llvm::Intrinsic::cos:
  case llvm::Intrinsic::tan:
  case llvm::Intrinsic::asin:
  case llvm::Intrinsic::acos:
  case llvm::Intrinsic::atan:
  case llvm::Intrinsic::atan2:
  case llvm::Intrinsic::sinh:
  case llvm::Intrinsic::cosh:
  case llvm::Intrinsic::tanh:
  case llvm::Intrinsic::exp:
  case llvm::Intrinsic::exp2:
  case llvm::Intrinsic::exp10:
  case llvm::Intrinsic::log:
  case llvm::Intrinsic::log2:
  case llvm::Intrinsic::log10:
  case llvm::Intrinsic::pow:
    break;
  default:
    return "";
  }
  StringRef name = llvm::Intrinsic::getBaseName(intrinsic.getIntrinsicID());
  bool isFloat = intrinsic.getReturnType()->getScalarType()->isFloatTy();
  return (name.drop_front(strlen("llvm.")) + (isFloat ? "f" : "")).str();
}

/// Bare metal has no libm.
static LogicalResult checkCalls(const llvm::Module &module, Location loc) {
  if (!isBareMetal(module.getTargetTriple()))
    return success();
  std::string calls;
  for (const llvm::Function &function : module) {
    if (!function.isDeclaration() || function.use_empty() ||
        function.getName() == "memcpy" || function.getName() == "memset")
      continue;
    std::string call =
        function.isIntrinsic() ? libmCall(function) : function.getName().str();
    if (!call.empty())
      calls += (calls.empty() ? "" : ", ") + call;
  }
  if (calls.empty())
    return success();
  return emitError(loc) << "expected a model that needs no C library on the bare "
                           "machine '"
                        << module.getTargetTriple().str()
                        << "', but it would call " << calls;
}

LogicalResult compile(ModuleOp module, const ProgramInfo &info,
                      const EmitOptions &options, CodeKind kind,
                      SmallVectorImpl<char> &bytes) {
  if (options.target.target && options.target.target->isGPU())
    return compileGPU(module, info, options, kind, bytes);
  auto machine = createTargetMachine(options, module.getLoc());
  if (failed(machine) || failed(lowerToLLVMDialect(module)))
    return failure();
  llvm::LLVMContext context;
  auto ir = translateToLLVMIR(module, info, options, **machine, context);
  if (failed(ir))
    return failure();
  optimize(**ir, **machine, options.optLevel);
  if (failed(checkCalls(**ir, module.getLoc())))
    return failure();
  return emitMachineCode(**ir, **machine, kind, bytes, module.getLoc());
}

} // namespace dyadic
