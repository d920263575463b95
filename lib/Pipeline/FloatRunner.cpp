//===- FloatRunner.cpp ----------------------------------------------------===//
#include "dyadic/Pipeline/FloatRunner.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Compile.h"

#include "llvm/ADT/STLExtras.h"

#include <cstdlib>

using namespace mlir;

namespace dyadic {

static constexpr llvm::StringLiteral kIdAttr = "qnn.id";

static bool isFloatTensor(Type type) {
  return cast<RankedTensorType>(type).getElementType().isF32();
}

/// Numbers the ops that make f32 tensors, in place: the number is that of their
/// first result.
static SmallVector<Value> numberValues(ModuleOp module) {
  SmallVector<Value> values;
  Builder builder(module.getContext());
  module.walk([&](Operation *op) {
    if (op->hasTrait<OpTrait::ConstantLike>() ||
        !isa_and_nonnull<qnn::QNNDialect>(op->getDialect()) ||
        llvm::none_of(op->getResultTypes(), isFloatTensor))
      return;
    op->setAttr(kIdAttr, builder.getI64IntegerAttr(values.size()));
    llvm::append_range(values, op->getResults());
  });
  return values;
}

FailureOr<std::unique_ptr<FloatRunner>> FloatRunner::create(ModuleOp module) {
  SmallVector<Value> values = numberValues(module);
  OwningOpRef<ModuleOp> copy = module.clone();
  for (Value value : values)
    value.getDefiningOp()->removeAttr(kIdAttr); // once for each result

  FuseOptions fuse;
  fuse.fuse = false;
  fuse.keepAll = true;
  fuse.views = false; // every tensor is read where it is
  if (failed(runPasses(*copy, [&](OpPassManager &pm) { buildFusePipeline(pm, fuse); })))
    return failure();
  auto info = readProgramInfo(*copy, "calibration");
  auto target = resolveTarget("native", module.getLoc());
  if (failed(info) || failed(target))
    return failure();
  std::unique_ptr<FloatRunner> runner(new FloatRunner);
  if (failed(runner->locate(*copy, values)))
    return failure();
  for (const TensorInfo &output : info->outputs)
    runner->outputs.emplace_back(output.kind, output.shape);
  if (failed(runPasses(*copy, [&](OpPassManager &pm) {
        buildCodegenPipeline(pm, *target, info->name);
      })))
    return failure();
  info->arenaBytes = readArenaBytes(*copy);
  runner->arena.reset(static_cast<char *>(
      std::aligned_alloc(64, llvm::alignTo(std::max<int64_t>(info->arenaBytes, 1), 64))));
  if (!runner->arena)
    return module.emitError("no memory for the ")
           << info->arenaBytes << " bytes that calibration needs";
  EmitOptions options;
  options.target = *target;
  auto program = JITProgram::create(*copy, std::move(*info), options);
  if (failed(program))
    return failure();
  runner->program = std::move(*program);
  return std::move(runner);
}

/// Finds each numbered op in the kernels, and what became of its result.
LogicalResult FloatRunner::locate(ModuleOp kernels, ArrayRef<Value> values) {
  auto main = kernels.lookupSymbol<func::FuncOp>("main");
  // The kernel results behind the returned values: a reshape is the same bytes.
  SmallVector<Value> returned(main.getBody().front().getTerminator()->getOperands());
  for (Value &value : returned)
    while (Operation *op = value.getDefiningOp()) {
      if (isa<KernelOp>(op) || op->getNumOperands() != 1)
        break;
      value = op->getOperand(0);
    }
  // Where each value of the function's body lies.
  llvm::DenseMap<Value, Place> found;
  auto place = [&](OpResult result, Place where) {
    auto id = result.getOwner()->getAttrOfType<IntegerAttr>(kIdAttr);
    if (!id || !isFloatTensor(result.getType()))
      return;
    where.value = values[id.getInt() + result.getResultNumber()];
    where.count = cast<ShapedType>(where.value.getType()).getNumElements();
    places.push_back(where);
  };
  for (BlockArgument argument : main.getArguments())
    found[argument] = {nullptr, Place::Input, argument.getArgNumber(), 0};
  for (Operation &op : main.getBody().front().without_terminator()) {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      auto yielded = kernel.getYield().getValues();
      for (auto [i, result] : llvm::enumerate(kernel.getResults())) {
        int64_t offset = (*kernel.getArenaOffsets())[i];
        Place where{nullptr, Place::Arena, offset, 0};
        if (offset < 0) {
          auto use = llvm::find(returned, result);
          if (use == returned.end())
            return kernel.emitError("has a result without a place");
          where = {nullptr, Place::Output, std::distance(returned.begin(), use), 0};
        }
        found[result] = where;
        if (auto made = dyn_cast<OpResult>(yielded[i]))
          place(made, where);
      }
    } else if (op.getNumOperands() == 1 && op.getNumResults() == 1) {
      auto operand = found.find(op.getOperand(0));
      if (operand == found.end())
        continue;
      Place where = operand->second;
      found[op.getResult(0)] = where;
      place(op.getResult(0), where);
    }
  }
  return success();
}

LogicalResult FloatRunner::operator()(ArrayRef<HostTensor> inputs,
                                      ObserveFn observe) {
  SmallVector<const void *> from;
  SmallVector<void *> to;
  for (const HostTensor &input : inputs)
    from.push_back(input.bytes.data());
  for (HostTensor &output : outputs)
    to.push_back(output.bytes.data());
  program->run(from, to, arena.get());
  for (const Place &place : places) {
    const char *base = arena.get() + place.offset;
    if (place.where == Place::Output)
      base = outputs[place.offset].bytes.data();
    else if (place.where == Place::Input)
      base = inputs[place.offset].bytes.data();
    observe(place.value, ArrayRef<float>(reinterpret_cast<const float *>(base), place.count));
  }
  return success();
}

} // namespace dyadic
