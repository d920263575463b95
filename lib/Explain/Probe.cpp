//===- Probe.cpp ----------------------------------------------------------===//
#include "Probe.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Pipeline/Compile.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "llvm/ADT/STLExtras.h"

#include <cstdlib>

using namespace mlir;

namespace dyadic {

size_t Results::add(Value value) {
  auto [entry, isNew] =
      numbers.try_emplace(value, main.getNumResults() + added.size());
  if (isNew)
    added.push_back(value);
  return entry->second;
}

size_t Results::addScores(size_t i) {
  Value value = main.getBody().front().getTerminator()->getOperand(i);
  while (value.getDefiningOp<qnn::ReshapeOp>() ||
         value.getDefiningOp<quant::DequantizeCastOp>())
    value = value.getDefiningOp()->getOperand(0);
  auto softmax = value.getDefiningOp<qnn::SoftmaxOp>();
  return softmax ? add(softmax->getOperand(0)) : i;
}

SmallVector<size_t> floatResults(func::FuncOp main) {
  SmallVector<size_t> numbers;
  for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
    if (cast<RankedTensorType>(type).getElementType().isF32())
      numbers.push_back(i);
  return numbers;
}

void Results::finish() {
  Operation *terminator = main.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  SmallVector<Type> types(main.getResultTypes());
  for (Value value : added) {
    auto type = cast<RankedTensorType>(value.getType());
    if (isa<quant::QuantizedType>(type.getElementType()))
      value = quant::DequantizeCastOp::create(builder, value.getLoc(),
                                              type.clone(builder.getF32Type()), value);
    terminator->insertOperands(terminator->getNumOperands(), value);
    types.push_back(value.getType());
  }
  SmallVector<unsigned> places(added.size(), main.getNumResults());
  SmallVector<DictionaryAttr> attributes(added.size());
  auto newTypes = ArrayRef<Type>(types).take_back(added.size());
  (void)main.insertResults(places, newTypes, attributes);
}

FailureOr<std::unique_ptr<Probe>> Probe::create(OwningOpRef<ModuleOp> module,
                                                bool isQuantized,
                                                StringRef rounding) {
  std::unique_ptr<Probe> probe(new Probe);
  auto target = resolveTarget("native", module->getLoc());
  if (failed(target) || failed(runPasses(*module, [&](OpPassManager &pm) {
        if (isQuantized)
          buildLowerToDyadicPipeline(pm, rounding.str());
        buildFusePipeline(pm);
      })))
    return failure();
  auto info = readProgramInfo(*module, "probe");
  if (failed(info))
    return failure();
  for (const TensorInfo &output : info->outputs)
    probe->results.emplace_back(output.kind, output.shape);
  if (failed(runPasses(*module, [&](OpPassManager &pm) {
        buildCodegenPipeline(pm, *target, info->name);
      })))
    return failure();
  info->arenaBytes = readArenaBytes(*module);
  size_t bytes = llvm::alignTo(std::max<int64_t>(info->arenaBytes, 1), 64);
  probe->arena.reset(static_cast<char *>(std::aligned_alloc(64, bytes)));
  if (!probe->arena)
    return module->emitError("no memory for an arena of ") << bytes << " bytes";
  EmitOptions options;
  options.target = *target;
  auto program = JITProgram::create(*module, std::move(*info), options);
  if (failed(program))
    return failure();
  probe->program = std::move(*program);
  probe->module = std::move(module);
  return std::move(probe);
}

void Probe::run(ArrayRef<const void *> inputs) {
  auto to = llvm::map_to_vector(results, [](HostTensor &tensor) -> void * {
    return tensor.bytes.data();
  });
  program->run(inputs, to, arena.get());
}

} // namespace dyadic
