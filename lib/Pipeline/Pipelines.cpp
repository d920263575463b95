//===- Pipelines.cpp ------------------------------------------------------===//
#include "dyadic/Pipeline/Pipelines.h"

#include "dyadic/Codegen/GenerateKernels.h"
#include "dyadic/Export/TOSA/Passes.h"
#include "dyadic/Fuse/Passes.h"
#include "dyadic/LowerToDyadic/Passes.h"
#include "dyadic/Quantize/Passes.h"
#include "dyadic/Simplify/Passes.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace dyadic {

void buildSimplifyPipeline(OpPassManager &pm) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createCanonicalizerPass());
  func.addPass(createCSEPass());
  func.addPass(createFoldConstants());
  // Composites first: the later passes take their parts away.
  func.addPass(createNormalizeArithmetic());
  func.addPass(createRecognizeComposites());
  // Channels last, so that arithmetic per channel meets its convolution.
  func.addPass(createPropagateLayout());
  func.addPass(createFoldConstants());
  func.addPass(createNormalizeArithmetic());
  func.addPass(createFoldScaleAndBias());
  func.addPass(createFoldConstants());
  func.addPass(createCanonicalizerPass());
  func.addPass(createCSEPass());
}

bool canShiftInputs(const QuantizeChoices &choices) {
  return choices.scheme == Scheme::Static && choices.schemes.empty() &&
         choices.weightOnly.empty() && !choices.integerOnly;
}

void buildQuantizePipeline(OpPassManager &pm, const QuantizeChoices &choices,
                           bool equalize) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  if (choices.scheme == Scheme::WeightOnly) {
    EncodeWeightsOptions options;
    options.weights.assign(choices.weights.begin(), choices.weights.end());
    options.keepFloat.assign(choices.keepFloat.begin(), choices.keepFloat.end());
    func.addPass(createEncodeWeights(options));
    func.addPass(createCanonicalizerPass());
    return;
  }
  if (!choices.weightOnly.empty()) {
    EncodeWeightsOptions options;
    options.weights.assign(choices.weightOnly.begin(), choices.weightOnly.end());
    options.keepFloat.assign(choices.keepFloat.begin(), choices.keepFloat.end());
    options.onlyNamed = true;
    func.addPass(createEncodeWeights(options));
  }
  QuantizeOptions options;
  options.widths.assign(choices.activations.begin(), choices.activations.end());
  options.schemes.assign(choices.schemes.begin(), choices.schemes.end());
  options.weights.assign(choices.weights.begin(), choices.weights.end());
  options.keepFloat.assign(choices.keepFloat.begin(), choices.keepFloat.end());
  options.scheme = nameOf(choices.scheme).str();
  options.keepRanges = choices.integerOnly;
  if (equalize) {
    if (canShiftInputs(choices)) {
      ShiftInputsOptions shift;
      shift.keepFloat.assign(choices.keepFloat.begin(), choices.keepFloat.end());
      func.addPass(createShiftInputs(shift));
    }
    func.addPass(createEqualize());
  }
  func.addPass(createQuantize(options));
  func.addPass(createFoldActivations());
  func.addPass(createCanonicalizerPass());
}

void buildAdoptPipeline(OpPassManager &pm) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createAdoptQuantization());
  func.addPass(createFoldActivations());
  func.addPass(createCanonicalizerPass());
}

void buildLowerToDyadicPipeline(OpPassManager &pm,
                                const std::string &rounding, bool integerOnly) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createLowerQNNToDyadic({rounding, integerOnly}));
  if (integerOnly) {
    func.addPass(createLowerLSTMToIntegers());
    func.addPass(createLowerGRUToIntegers());
    func.addPass(createLowerMagnitudes());
    func.addPass(createQuantizeRest());
    func.addPass(createLowerQNNToDyadic({/*rounding=*/"", /*integerFunctions=*/true}));
  }
  func.addPass(createCanonicalizerPass());
  func.addPass(createCSEPass());
  if (integerOnly)
    func.addPass(createCheckIntegers());
}

void buildExportTOSAPipeline(OpPassManager &pm) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createDyadicToTosa());
  func.addPass(createCSEPass());
}

void buildFusePipeline(OpPassManager &pm, const FuseOptions &options) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createMaterializePadding());
  func.addPass(createFuseKernels({options.fuse}));
  if (options.views)
    func.addPass(createPlaceViews({/*overwrite=*/!options.keepAll}));
  pm.addPass(createPlanMemory({options.keepAll}));
}

void buildCodegenPipeline(OpPassManager &pm, const TargetInfo &target,
                          StringRef name, ThreadOptions threads) {
  if (target.target->isGPU())
    pm.addPass(createGenerateGPUKernelsPass({target, name.str()}));
  else
    pm.addPass(createGenerateKernelsPass(
        {target, name.str(), threads.count, threads.cost}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

} // namespace dyadic
