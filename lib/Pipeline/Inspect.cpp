//===- Inspect.cpp --------------------------------------------------------===//
#include "dyadic/Pipeline/Inspect.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"
#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dyadic {

static int64_t elementsOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

int64_t macsOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case<qnn::Conv2DOp, dyadic::Conv2DOp>(
          // Products of one output element: filter height, width, channels a group.
          [](auto conv) {
            return elementsOf(conv.getOutput()) * elementsOf(conv.getFilter()) /
                   shapeOf(conv.getFilter()).front();
          })
      .Case<qnn::MatmulOp, dyadic::MatmulOp>(
          [](auto matmul) {
            return elementsOf(matmul.getOutput()) *
                   shapeOf(matmul.getLhs()).back();
          })
      .Default([](Operation *) { return 0; });
}

/// Bytes of the constants inside kernels.
static int64_t constantBytes(ModuleOp module) {
  int64_t bytes = 0;
  module.walk([&](Operation *op) {
    if (!op->hasTrait<OpTrait::ConstantLike>() || op->getNumResults() != 1)
      return;
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    auto kind = type ? elementKindOf(type.getElementType()) : std::nullopt;
    if (kind)
      bytes += type.getNumElements() * byteWidth(*kind);
  });
  return bytes;
}

/// Pretends that calibration saw every tensor between −1 and 1.
static void inventRanges(func::FuncOp func) {
  MLIRContext *context = func.getContext();
  auto range = qnn::RangeAttr::get(context, -1, 1);
  for (BlockArgument argument : func.getArguments())
    func.setArgAttr(argument.getArgNumber(), kRangeAttr, range);
  func.walk([&](Operation *op) {
    if (op->getNumResults() == 1 && isa_and_nonnull<qnn::QNNDialect>(op->getDialect()) &&
        !op->hasTrait<OpTrait::ConstantLike>())
      op->setAttr(kRangeAttr, ArrayAttr::get(context, {range}));
  });
}

/// Takes `module` from level 2 to kernels, and down what stays float in it.
static LogicalResult lowerQuantized(const Compilation &compilation, ModuleOp module,
                                    Inspection &found) {
  CompileSummary summary;
  countOps(module, summary);
  if (failed(runPasses(module, [&](OpPassManager &pm) {
        buildLowerToDyadicPipeline(pm, compilation.options().rounding);
      })))
    return failure();
  settleFloatOps(module, summary);
  found.floatOps = std::move(summary.floatOps);
  return runPasses(module, [](OpPassManager &pm) { buildFusePipeline(pm); });
}

/// The integer half, of a model that has no other.
static FailureOr<Inspection> inspectQuantized(Compilation &compilation,
                                              ModuleOp module,
                                              Inspection found) {
  if (failed(lowerQuantized(compilation, module, found)))
    return failure();
  auto info = readProgramInfo(module, compilation.options().name);
  if (failed(info))
    return failure();
  found.interface = *info;
  found.integerArenaBytes = info->arenaBytes;
  found.integerWeightBytes = constantBytes(module);
  return found;
}

FailureOr<Inspection> inspect(Compilation &compilation) {
  if (failed(compilation.advance(Level::Float)))
    return failure();
  Inspection found;
  ModuleOp module = compilation.module();
  module.walk([&](Operation *op) {
    if (!isa_and_nonnull<qnn::QNNDialect>(op->getDialect()))
      return;
    if (op->hasTrait<OpTrait::ConstantLike>()) {
      found.parameters += elementsOf(op->getResult(0));
      return;
    }
    if (isa<qnn::YieldOp>(op))
      return;
    StringRef kind = qnn::reportedKind(op);
    kind.consume_front("qnn.");
    ++found.opCounts[kind.str()];
    found.macs += macsOf(op);
  });

  OwningOpRef<ModuleOp> asFloat = module.clone(), asIntegers = module.clone();
  if (compilation.isQuantized())
    return inspectQuantized(compilation, *asIntegers, std::move(found));
  if (failed(runPasses(*asFloat, [](OpPassManager &pm) { buildFusePipeline(pm); })))
    return failure();
  auto info = readProgramInfo(*asFloat, compilation.options().name);
  if (failed(info))
    return failure();
  found.interface = *info;
  found.floatArenaBytes = info->arenaBytes;

  inventRanges(asIntegers->lookupSymbol<func::FuncOp>("main"));
  if (failed(runPasses(*asIntegers, [](OpPassManager &pm) { buildQuantizePipeline(pm); })))
    return failure();
  if (failed(lowerQuantized(compilation, *asIntegers, found)))
    return failure();
  info = readProgramInfo(*asIntegers, compilation.options().name);
  if (failed(info))
    return failure();
  found.integerArenaBytes = info->arenaBytes;
  found.integerWeightBytes = constantBytes(*asIntegers);
  return found;
}

} // namespace dyadic
