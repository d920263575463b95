//===- outside-opt.cpp - Dyadic's passes, and those of this project -------===//
#include "Outside.h"

#include "dyadic/InitAll.h"
#include "dyadic/Pipeline/Pipelines.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

/// Dyadic's steps up to level 3, with this project's pass behind the first.
static void buildOutsidePipeline(mlir::OpPassManager &pm) {
  dyadic::buildSimplifyPipeline(pm);
  pm.nest<mlir::func::FuncOp>().addPass(outside::createCapActivations());
  dyadic::buildQuantizePipeline(pm);
  dyadic::buildLowerToDyadicPipeline(pm);
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  dyadic::registerAllDialects(registry);
  dyadic::registerAllPasses();
  mlir::registerTransformsPasses();
  dyadic::registerTarget(outside::makeTinyTarget());
  outside::registerOutsidePasses();
  mlir::PassPipelineRegistration<>("outside-pipeline",
                                   "level 1 to level 3, activations capped",
                                   buildOutsidePipeline);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "an outside project\n", registry));
}
