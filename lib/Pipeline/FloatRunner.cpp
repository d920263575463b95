//===- FloatRunner.cpp ----------------------------------------------------===//
#include "dyadic/Pipeline/FloatRunner.h"

#include "dyadic/Codegen/Passes.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/Dyadic/Layouts.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Compile.h"

#include "llvm/ADT/STLExtras.h"

#include <cstdlib>

using namespace mlir;

namespace dyadic {

static constexpr llvm::StringLiteral kIdAttr = "qnn.id";
/// What the code calls behind each kernel.
static constexpr llvm::StringLiteral kHook = "dyadic_observe";

/// The one whose code runs. It calls a plain C function, so there is one a thread.
static thread_local FloatRunner *running = nullptr;

void FloatRunner::passKernel(int64_t number) { running->observeKernel(number); }

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
  std::unique_ptr<FloatRunner> runner(new FloatRunner);
  if (auto main = module.lookupSymbol<func::FuncOp>("main"); lengthsOf(main)) {
    auto shapes = DynamicShapes::infer(main);
    if (failed(shapes))
      return failure();
    runner->shapes = std::move(*shapes);
  }
  SmallVector<Value> values = numberValues(module);
  OwningOpRef<ModuleOp> copy = module.clone();
  for (Value value : values)
    value.getDefiningOp()->removeAttr(kIdAttr); // once for each result

  FuseOptions fuse;
  fuse.fuse = false;
  fuse.keepAll = runner->shapes.has_value();
  fuse.views = false; // every tensor is read where it is
  if (failed(runPasses(*copy, [&](OpPassManager &pm) { buildFusePipeline(pm, fuse); })))
    return failure();
  auto info = readProgramInfo(*copy, "calibration");
  auto target = resolveTarget("native", module.getLoc());
  if (failed(info) || failed(target))
    return failure();
  if (failed(runner->locate(*copy, values)))
    return failure();
  for (const TensorInfo &output : info->outputs)
    runner->outputs.emplace_back(output.kind, output.shape);
  if (failed(runPasses(*copy, [&](OpPassManager &pm) {
        buildCodegenPipeline(pm, *target, info->name);
        if (!fuse.keepAll && !runner->behindKernels.empty())
          pm.addPass(createProfileKernels({kHook.str()}));
      })))
    return failure();
  size_t calls = 0;
  copy->walk([&](func::CallOp call) { calls += call.getCallee() == kHook; });
  if (!fuse.keepAll && calls != runner->behindKernels.size())
    return module.emitError("expected a call behind each of ")
           << runner->behindKernels.size() << " kernels, but got " << calls;
  info->arenaBytes = readArenaBytes(*copy);
  runner->arena.reset(static_cast<char *>(
      std::aligned_alloc(64, llvm::alignTo(std::max<int64_t>(info->arenaBytes, 1), 64))));
  if (!runner->arena)
    return module.emitError("no memory for the ")
           << info->arenaBytes << " bytes that calibration needs";
  EmitOptions options;
  options.target = *target;
  std::pair<StringRef, void *> hook{kHook, reinterpret_cast<void *>(passKernel)};
  auto program = JITProgram::create(*copy, std::move(*info), options, hook);
  if (failed(program))
    return failure();
  runner->program = std::move(*program);
  runner->context = module.getContext();
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
    if (where.kernel < 0 || shapes)
      places.push_back(where);
    else
      behindKernels[where.kernel].push_back(where);
  };
  for (BlockArgument argument : main.getArguments())
    found[argument] = {nullptr, Place::Input, argument.getArgNumber(), 0};
  for (Operation &op : main.getBody().front().without_terminator()) {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      // Nothing is called where there are no elements.
      bool isCalled = llvm::any_of(kernel.getResultTypes(), [](Type type) {
        return cast<RankedTensorType>(type).getNumElements() > 0;
      });
      int64_t number = isCalled ? behindKernels.size() : -1;
      if (isCalled)
        behindKernels.emplace_back();
      auto yielded = kernel.getYield().getValues();
      for (auto [i, result] : llvm::enumerate(kernel.getResults())) {
        int64_t offset = (*kernel.getArenaOffsets())[i];
        Place where{nullptr, Place::Arena, offset, 0, number};
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

ArrayRef<float> FloatRunner::read(const Place &place, const float *base,
                                  int64_t lengthIndex) {
  if (!shapes || !shapes->isDynamic(place.value))
    return {base, size_t(place.count)};
  SmallVector<int64_t> shape = shapes->shapeAt(place.value, lengthIndex);
  int64_t count = ShapedType::getNumElements(shape);
  if (place.where != Place::Arena) // dense already
    return {base, size_t(count)};
  Strides strides =
      stridesOf(cast<RankedTensorType>(place.value.getType()).getShape());
  dense.clear();
  SmallVector<int64_t> at(shape.size(), 0);
  int64_t row = shape.empty() ? 1 : shape.back();
  for (int64_t done = 0; done < count; done += row) {
    int64_t from = 0;
    for (auto [i, stride] : llvm::zip_equal(at, strides))
      from += i * stride;
    dense.insert(dense.end(), base + from, base + from + row);
    for (int64_t d = int64_t(at.size()) - 2; d >= 0 && ++at[d] == shape[d]; --d)
      at[d] = 0;
  }
  return dense;
}

LogicalResult FloatRunner::operator()(ArrayRef<HostTensor> inputs,
                                      ObserveFn observe) {
  SmallVector<const void *> from;
  SmallVector<void *> to;
  for (const HostTensor &input : inputs)
    from.push_back(input.bytes.data());
  for (HostTensor &output : outputs)
    to.push_back(output.bytes.data());
  auto length = program->info().lengthOf(inputs);
  if (!length)
    return emitError(UnknownLoc::get(context)) << llvm::toString(length.takeError());
  int64_t index = shapes ? shapes->lengths().indexOf(*length) : 0;
  from.push_back(&*length); // read by programs that leave one open
  auto observeBehind = [&](int64_t kernel) {
    for (const Place &place : behindKernels[kernel])
      tell(place, inputs, index, observe);
  };
  observeKernel = observeBehind;
  running = this;
  program->run(from, to, arena.get());
  running = nullptr;
  for (const Place &place : places)
    tell(place, inputs, index, observe);
  return success();
}

void FloatRunner::tell(const Place &place, ArrayRef<HostTensor> inputs, int64_t lengthIndex,
                       ObserveFn observe) {
  const char *base = arena.get() + place.offset;
  if (place.where == Place::Output)
    base = outputs[place.offset].bytes.data();
  else if (place.where == Place::Input)
    base = inputs[place.offset].bytes.data();
  observe(place.value, read(place, reinterpret_cast<const float *>(base), lengthIndex));
}

} // namespace dyadic
