//===- ProfileKernels.cpp - a call behind every kernel --------------------===//
#include "dyadic/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace dyadic {
#define GEN_PASS_DEF_PROFILEKERNELS
#include "dyadic/Codegen/Passes.h.inc"
} // namespace dyadic

using namespace mlir;

namespace {
struct ProfileKernelsPass
    : dyadic::impl::ProfileKernelsBase<ProfileKernelsPass> {
  using ProfileKernelsBase::ProfileKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::CallOp> calls;
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPublic())
        for (auto call : function.getOps<func::CallOp>())
          calls.push_back(call);
    if (calls.empty()) {
      module.emitError("expected a public function that calls kernels: run "
                       "--dyadic-generate-kernels first");
      return signalPassFailure();
    }
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    auto hook = func::FuncOp::create(
        b, module.getLoc(), hookName,
        b.getFunctionType({b.getI64Type()}, {}));
    hook.setPrivate();
    for (auto [number, call] : llvm::enumerate(calls)) {
      b.setInsertionPointAfter(call);
      Value which = arith::ConstantIntOp::create(b, call.getLoc(), number, 64);
      func::CallOp::create(b, call.getLoc(), hook, which);
    }
  }
};
} // namespace
