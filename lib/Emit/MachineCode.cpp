//===- MachineCode.cpp ----------------------------------------------------===//
#include "dyadic/Emit/MachineCode.h"

#include "dyadic/Emit/GPU.h"
#include "dyadic/Emit/Passes.h"
#include "ModelTable.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
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
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      triple, target.cpu, target.features, machineOptions, llvm::Reloc::PIC_,
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
  if (StringRef(target.features).contains("+avx512f"))
    function.addFnAttr("prefer-vector-width", "512");
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

FailureOr<std::unique_ptr<llvm::Module>>
translateToLLVMIR(ModuleOp module, const ProgramInfo &info,
                  const EmitOptions &options, llvm::TargetMachine &machine,
                  llvm::LLVMContext &context) {
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

  std::string entry = info.name + "_run";
  if (!ir->getFunction(entry) || ir->getFunction(entry)->isDeclaration())
    return module.emitError("expected a function '") << entry << "'";
  if (ir->getFunction(entry)->arg_size() !=
      info.inputs.size() + info.outputs.size() + 1)
    return module.emitError("expected '")
           << entry << "' to take " << info.inputs.size() << " inputs, "
           << info.outputs.size() << " outputs and the arena";
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
  addModelTable(*ir, info, options.target.features, options.forExecutable);
  for (llvm::Function &function : *ir)
    if (!function.isDeclaration())
      setFunctionAttributes(function, options.target);

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
  llvm::PassBuilder builder(&machine, tuning);
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

LogicalResult compile(ModuleOp module, const ProgramInfo &info,
                      const EmitOptions &options, CodeKind kind,
                      SmallVectorImpl<char> &bytes) {
  if (options.target.target && options.target.target->isGPU())
    return compileGPU(module, info, options, kind, bytes);
  if (kind == CodeKind::Cubin)
    return module.emitError("expected the target nvptx64 for a cubin, but got '")
           << options.target.triple << "'";
  auto machine = createTargetMachine(options, module.getLoc());
  if (failed(machine) || failed(lowerToLLVMDialect(module)))
    return failure();
  llvm::LLVMContext context;
  auto ir = translateToLLVMIR(module, info, options, **machine, context);
  if (failed(ir))
    return failure();
  optimize(**ir, **machine, options.optLevel);
  return emitMachineCode(**ir, **machine, kind, bytes, module.getLoc());
}

} // namespace dyadic
