//===- CalibratePass.cpp - calibration as a pass --------------------------===//
#include "dyadic/Pipeline/Passes.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/FloatRunner.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_CALIBRATE
#include "dyadic/Pipeline/Passes.h.inc"

static auto interpreterOf(func::FuncOp func) {
  return
      [func](ArrayRef<HostTensor> inputs, ObserveFn observe) -> LogicalResult {
        return dyadic::interpret(
            func, inputs, [&](Value value, const HostTensor &tensor) {
              if (!isa<BlockArgument>(value) && tensor.kind == ElementKind::F32)
                observe(value, tensor.as<float>());
            });
      };
}

namespace {
struct Calibrate : impl::CalibrateBase<Calibrate> {
  using CalibrateBase::CalibrateBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    auto func = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!func || !func.getBody().hasOneBlock())
      return getOperation().emitError("expected a function @main of one block");
    for (Type type : func.getArgumentTypes()) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !tensor.hasStaticShape() ||
          !tensor.getElementType().isF32())
        return func.emitError()
               << "expected arguments of f32 and a static shape, but got "
               << type;
    }
    auto options = parseObserver(observer);
    if (!options)
      return func.emitError() << llvm::toString(options.takeError());
    auto stream = SampleStream::open(samples, inputSpecs(func), {});
    if (!stream)
      return func.emitError() << llvm::toString(stream.takeError());
    if (interpret)
      return calibrate(func, **stream, interpreterOf(func), *options);
    auto runner = FloatRunner::create(getOperation());
    if (failed(runner))
      return failure();
    return calibrate(func, **stream, **runner, *options);
  }
};
} // namespace
} // namespace dyadic
