//===- GenerateKernels.cpp - level 4 to level 5 ---------------------------===//
#include "dyadic/Codegen/GenerateKernels.h"

#include "Emitters.h"
#include "ModuleGenerator.h"
#include "Pointwise.h"
#include "WorkEstimate.h"
#include "dyadic/Codegen/Passes.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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
        target(options.target.target->createKernels(options.target)),
        threads(worthwhileTeam(main, options.threads, options.threadCost)),
        threadCost(options.threadCost) {}

private:
  bool hasEmitter(Operation *anchor) const override {
    return findEmitter(anchor->getName().getStringRef());
  }
  bool readsViews() const override { return true; }

  FailureOr<WrittenKernel> write(KernelOp kernel, StringRef name,
                                 WeightBlob &blob) override {
    int64_t count = worthwhileThreads(kernel, threads, threadCost);
    KernelBuilder builder(b, kernel, name, *target, blob, count);
    if (failed(emit(builder)))
      return failure();
    if (builder.storesAreDivided()) {
      builder.finish();
      return WrittenKernel(builder);
    }
    // The emitter doesn't divide all of its work.
    builder.getFunction().erase();
    KernelBuilder alone(b, kernel, name, *target, blob);
    if (failed(emit(alone)))
      return failure();
    alone.finish();
    return WrittenKernel(alone);
  }

  static LogicalResult emit(KernelBuilder &builder) {
    Operation *anchor = builder.kernel.getAnchor();
    return anchor ? findEmitter(anchor->getName().getStringRef())(builder, anchor)
                  : emitPointwiseKernel(builder);
  }

  void call(OpBuilder &b, Location loc, FunctionOpInterface function,
            ValueRange operands, int64_t threads) override {
    auto callee = cast<func::FuncOp>(*function);
    if (threads == 1) {
      func::CallOp::create(b, loc, callee, operands);
      return;
    }
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    scf::ParallelOp::create(
        b, loc, index(0), index(threads), index(1),
        [&](OpBuilder &inside, Location loc, ValueRange thread) {
          SmallVector<Value> all(operands);
          all.push_back(thread.front());
          func::CallOp::create(inside, loc, callee, all);
        });
  }

  std::unique_ptr<KernelTarget> target;
  int64_t threads;
  double threadCost;
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
    threads = given->threads;
    threadCost = given->threadCost;
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
      options.threads = threads;
      options.threadCost = threadCost;
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
