//===- LowerToNVVM.cpp - kernels of level 5 to the NVVM dialect -----------===//
#include "dyadic/Emit/GPU.h"
#include "dyadic/Emit/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace dyadic {

void buildNVVMLoweringPipeline(OpPassManager &pm) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  OpPassManager &kernel = kernels.nest<gpu::GPUFuncOp>();
  VectorTransferToSCFOptions transfers;
  transfers.enableFullUnroll();
  kernel.addPass(createConvertVectorToSCFPass(transfers));
  // The same polynomials and expansions as on a CPU: the same bytes.
  kernel.addPass(createApproximateMathPass());
  kernel.addPass(createSCFToControlFlowPass());
  kernel.addPass(memref::createExpandStridedMetadataPass());
  kernel.addPass(createLowerAffinePass());
  kernel.addPass(arith::createArithExpandOpsPass());
  kernels.addPass(createConvertKernelsToNVVM());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
}

LogicalResult lowerToNVVMDialect(ModuleOp module) {
  PassManager pm(module->getName());
  // What a tool's user asked for with MLIR's flags; fails where there are none.
  (void)applyPassManagerCLOptions(pm);
  applyDefaultTimingPassManagerCLOptions(pm);
  pm.enableVerifier(true);
  buildNVVMLoweringPipeline(pm);
  return pm.run(module);
}

} // namespace dyadic
