//===- LowerToLLVM.cpp - level 5 to the LLVM dialect ----------------------===//
#include "dyadic/Emit/GPU.h"
#include "dyadic/Emit/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace dyadic {

void buildLLVMLoweringPipeline(OpPassManager &pm) {
  // While memrefs still say where they come from.
  pm.addPass(createMarkDisjointArgumentsPass());
  pm.addPass(createFormTeamsPass());

  OpPassManager &funcs = pm.nest<func::FuncOp>();
  funcs.addPass(createConvertLinalgToLoopsPass());
  funcs.addPass(createLowerAffinePass());
  VectorTransferToSCFOptions transfers;
  transfers.enableFullUnroll(); // n-d transfers become 1-d ones, without allocas
  funcs.addPass(createConvertVectorToSCFPass(transfers));
  funcs.addPass(createApproximateMathPass());
  funcs.addPass(createLowerTilesPass());
  funcs.addPass(createSCFToControlFlowPass());
  funcs.addPass(memref::createExpandStridedMetadataPass());
  funcs.addPass(createLowerAffinePass()); // the addresses made by the last
  funcs.addPass(arith::createArithExpandOpsPass());
  funcs.addPass(createConvertMathToLLVMPass());

  pm.addPass(createConvertMathToLibmPass()); // what LLVM has no intrinsic for
  ConvertVectorToLLVMPassOptions vectors;
  vectors.force32BitVectorIndices = false;
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions calls;
  calls.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(calls));
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCSEPass());
}

void registerEmitPipelines() {
  PassPipelineRegistration<>("emit-lower-to-llvm",
                             "level 5 to the LLVM dialect",
                             buildLLVMLoweringPipeline);
  PassPipelineRegistration<>("emit-lower-to-nvvm",
                             "kernels of level 5 to the LLVM and NVVM dialects",
                             buildNVVMLoweringPipeline);
}

LogicalResult lowerToLLVMDialect(ModuleOp module) {
  if (!module.getOps<gpu::GPUModuleOp>().empty())
    return lowerToNVVMDialect(module);
  PassManager pm(module->getName());
  // What a tool's user asked for with MLIR's flags; fails where there are none.
  (void)applyPassManagerCLOptions(pm);
  applyDefaultTimingPassManagerCLOptions(pm);
  pm.enableVerifier(true);
  buildLLVMLoweringPipeline(pm);
  return pm.run(module);
}

} // namespace dyadic
