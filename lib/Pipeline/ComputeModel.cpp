//===- ComputeModel.cpp ---------------------------------------------------===//
#include "dyadic/Pipeline/ComputeModel.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace dyadic {

/// A module whose @main is the op alone.
static OwningOpRef<ModuleOp> isolate(qnn::ComputeOp op) {
  Location loc = op.getLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  auto main = func::FuncOp::create(
      b, loc, "main", b.getFunctionType(op.getOperandTypes(), op.getResultTypes()));
  Block *entry = main.addEntryBlock();
  b.setInsertionPointToStart(entry);
  IRMapping mapping;
  mapping.map(op.getOperands(), entry->getArguments());
  Operation *clone = b.clone(*op, mapping);
  func::ReturnOp::create(b, loc, clone->getResults());
  return module;
}

static FailureOr<std::unique_ptr<JITProgram>> compileAlone(ModuleOp module) {
  auto target = resolveTarget("native", module.getLoc());
  if (failed(target) || failed(runPasses(module, [](OpPassManager &pm) {
        buildFusePipeline(pm);
      })))
    return failure();
  auto info = readProgramInfo(module, "compute");
  if (failed(info) || failed(runPasses(module, [&](OpPassManager &pm) {
        buildCodegenPipeline(pm, *target, "compute");
      })))
    return failure();
  info->arenaBytes = readArenaBytes(module);
  EmitOptions options;
  options.target = *target;
  return JITProgram::create(module, std::move(*info), options);
}

namespace {
struct ComputeModel
    : ReferenceOpInterface::ExternalModel<ComputeModel, qnn::ComputeOp> {
  LogicalResult interpret(Operation *op,
                          ArrayRef<const HostTensor *> operands,
                          SmallVectorImpl<HostTensor> &results) const {
    OwningOpRef<ModuleOp> module = isolate(cast<qnn::ComputeOp>(op));
    auto program = compileAlone(*module);
    if (failed(program))
      return failure();
    SmallVector<HostTensor> inputs;
    for (const HostTensor *operand : operands)
      inputs.push_back(*operand);
    auto outputs = (*program)->run(inputs, op->getLoc());
    if (failed(outputs))
      return failure();
    llvm::append_range(results, *outputs);
    return success();
  }
};
} // namespace

void registerComputeModel(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, qnn::QNNDialect *) {
    qnn::ComputeOp::attachInterface<ComputeModel>(*context);
  });
}

} // namespace dyadic
