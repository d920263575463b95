//===- GenerateKernels.cpp - level 4 to level 5 ---------------------------===//
#include "dyadic/Codegen/GenerateKernels.h"

#include "Emitters.h"
#include "ModuleGenerator.h"
#include "Pointwise.h"
#include "dyadic/Codegen/Passes.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace dyadic {
#define GEN_PASS_DEF_GENERATEKERNELS
#include "dyadic/Codegen/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
/// Kernels are private functions that are called one after another.
class CPUGenerator : public ModuleGenerator {
public:
  CPUGenerator(ModuleOp module, func::FuncOp main,
               const CodegenOptions &options)
      : ModuleGenerator(module, main, options.modelName),
        target(options.target.target->createKernels(options.target)) {}

private:
  bool hasEmitter(Operation *anchor) const override {
    return findEmitter(anchor->getName().getStringRef());
  }

  FailureOr<WrittenKernel> write(KernelOp kernel, StringRef name,
                                 WeightBlob &blob) override {
    KernelBuilder builder(b, kernel, name, *target, blob);
    Operation *anchor = kernel.getAnchor();
    LogicalResult emitted =
        anchor ? findEmitter(anchor->getName().getStringRef())(builder, anchor)
               : emitPointwiseKernel(builder);
    if (failed(emitted))
      return failure();
    builder.finish();
    return WrittenKernel(builder);
  }

  void call(OpBuilder &b, Location loc, FunctionOpInterface function,
            ValueRange operands) override {
    func::CallOp::create(b, loc, cast<func::FuncOp>(*function), operands);
  }

  std::unique_ptr<KernelTarget> target;
};

struct GenerateKernels
    : dyadic::impl::GenerateKernelsBase<GenerateKernels> {
  using GenerateKernelsBase::GenerateKernelsBase;
  explicit GenerateKernels(CodegenOptions options)
      : given(std::move(options)) {
    // What a crash reproducer prints parses to the same.
    const TargetInfo &target = given->target;
    triple = target.triple;
    cpu = target.cpu + (target.features.empty() ? "" : "," + target.features);
    modelName = given->modelName;
  }
  GenerateKernels() = default;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    CodegenOptions options;
    if (given) {
      options = *given;
    } else {
      auto target = resolveTarget(TargetRequest{triple, cpu}, module.getLoc());
      if (failed(target))
        return signalPassFailure();
      options.target = *target;
      options.modelName = modelName;
    }
    auto main = ModuleGenerator::findMain(module);
    if (failed(main) || failed(CPUGenerator(module, *main, options).generate()))
      signalPassFailure();
  }

  std::optional<CodegenOptions> given;
};
} // namespace

std::unique_ptr<Pass>
dyadic::createGenerateKernelsPass(CodegenOptions options) {
  return std::make_unique<GenerateKernels>(std::move(options));
}
