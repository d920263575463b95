//===- GenerateGPUKernels.cpp - level 4 to level 5 for GPUs ---------------===//
#include "Emitters.h"
#include "../ModuleGenerator.h"

#include "dyadic/Codegen/GenerateKernels.h"
#include "dyadic/Codegen/Passes.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace dyadic {
#define GEN_PASS_DEF_GENERATEGPUKERNELS
#include "dyadic/Codegen/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
/// Kernels are functions of one gpu.module that are launched one after another.
class GPUGenerator : public ModuleGenerator {
public:
  GPUGenerator(ModuleOp module, func::FuncOp main,
               const CodegenOptions &options)
      : ModuleGenerator(module, main, options.modelName),
        warps(options.target.target->createWarps(options.target)),
        kernels(gpu::GPUModuleOp::create(b, loc, modelName + "_kernels")) {
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    b.getUnitAttr());
  }

private:
  bool hasEmitter(Operation *anchor) const override {
    return gpu_kernels::findEmitter(anchor->getName().getStringRef());
  }

  FailureOr<WrittenKernel> write(KernelOp kernel, StringRef name,
                                 WeightBlob &blob) override {
    GPUKernelBuilder builder(OpBuilder::atBlockEnd(kernels.getBody()), kernel,
                             name, *warps, blob);
    Operation *anchor = kernel.getAnchor();
    LogicalResult emitted =
        anchor ? gpu_kernels::findEmitter(anchor->getName().getStringRef())(
                     builder, anchor)
               : gpu_kernels::emitPointwise(builder);
    if (failed(emitted))
      return failure();
    builder.finish();
    return WrittenKernel(builder);
  }

  void call(OpBuilder &b, Location loc, FunctionOpInterface function,
            ValueRange operands, int64_t) override {
    auto kernel = cast<gpu::GPUFuncOp>(*function);
    auto sizes = [&](std::optional<ArrayRef<int32_t>> known) {
      auto index = [&](int32_t size) -> Value {
        return arith::ConstantIndexOp::create(b, loc, size);
      };
      return gpu::KernelDim3{index((*known)[0]), index((*known)[1]),
                             index((*known)[2])};
    };
    gpu::LaunchFuncOp::create(b, loc, kernel, sizes(kernel.getKnownGridSize()),
                              sizes(kernel.getKnownBlockSize()),
                              /*dynamicSharedMemorySize=*/Value(), operands);
  }

  std::unique_ptr<WarpTarget> warps;
  gpu::GPUModuleOp kernels;
};

struct GenerateGPUKernels
    : dyadic::impl::GenerateGPUKernelsBase<GenerateGPUKernels> {
  using GenerateGPUKernelsBase::GenerateGPUKernelsBase;
  explicit GenerateGPUKernels(CodegenOptions options)
      : given(std::move(options)) {
    arch = given->target.cpu; // what a crash reproducer prints
    modelName = given->modelName;
  }
  GenerateGPUKernels() = default;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    CodegenOptions options;
    if (given) {
      options = *given;
    } else {
      auto target = resolveTarget(TargetRequest{"nvptx64-nvidia-cuda", arch},
                                  module.getLoc());
      if (failed(target))
        return signalPassFailure();
      options.target = *target;
      options.modelName = modelName;
    }
    auto main = ModuleGenerator::findMain(module);
    if (failed(main) || failed(GPUGenerator(module, *main, options).generate()))
      signalPassFailure();
  }

  std::optional<CodegenOptions> given;
};
} // namespace

std::unique_ptr<Pass>
dyadic::createGenerateGPUKernelsPass(CodegenOptions options) {
  return std::make_unique<GenerateGPUKernels>(std::move(options));
}
