//===- Calibrate.cpp ------------------------------------------------------===//
#include "dyadic/Calibrate/Calibrate.h"

#include "ChannelMeans.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/Progress.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;

namespace dyadic {

SmallVector<InputSpec> inputSpecs(func::FuncOp func) {
  SmallVector<InputSpec> specs;
  for (BlockArgument argument : func.getArguments()) {
    auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
    auto type = cast<RankedTensorType>(argument.getType());
    specs.push_back({name ? name.str() : "arg" + std::to_string(argument.getArgNumber()),
                     SmallVector<int64_t>(type.getShape()),
                     elementKindOf(type.getElementType()).value_or(ElementKind::F32)});
  }
  return specs;
}

namespace {
struct Tracked {
  std::unique_ptr<Observer> observer;
  int64_t count = 0;
  /// The first sample that made it NaN or infinite.
  int64_t badSample = -1;
  /// For what a contraction reads.
  std::optional<ChannelMeans> channelMeans;
};
} // namespace

static bool isContraction(Operation *op) {
  auto quantizable = dyn_cast<qnn::QuantizableOpInterface>(op);
  return quantizable &&
         quantizable.getQuantKind() == qnn::QuantKind::Contraction;
}

static bool isTracked(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isF32())
    return false;
  // A constant's range is in its elements.
  Operation *op = value.getDefiningOp();
  return !op || !op->hasTrait<OpTrait::ConstantLike>();
}

static bool allFinite(ArrayRef<float> values) {
  // x − x is 0 for finite x and NaN for any other.
  constexpr size_t lanes = 16;
  float sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += values[i + lane] - values[i + lane];
  for (; i < values.size(); ++i)
    sums[0] += values[i] - values[i];
  return llvm::all_of(sums, [](float sum) { return sum == 0; });
}

/// Writes what the observers found.
static LogicalResult writeRanges(func::FuncOp func,
                                 llvm::MapVector<Value, Tracked> &tracked) {
  MLIRContext *context = func.getContext();
  for (auto &[value, entry] : tracked) {
    Operation *op = value.getDefiningOp();
    if (!entry.count)
      return op->emitError("was not run during calibration");
    auto range = entry.observer->range();
    if (!range || entry.badSample >= 0) {
      emitWarning(value.getLoc())
          << "is NaN or infinite on calibration sample " << entry.badSample
          << ", so it has no range";
      continue;
    }
    auto attr = qnn::RangeAttr::get(context, range->min, range->max);
    if (op)
      op->setAttr(kRangeAttr, ArrayAttr::get(context, {attr}));
    else
      func.setArgAttr(cast<BlockArgument>(value).getArgNumber(), kRangeAttr, attr);
  }
  return success();
}

/// Writes the means of what each contraction reads, for the correction of its
/// bias.
static void writeMeans(func::FuncOp func,
                       llvm::MapVector<Value, Tracked> &tracked) {
  for (Operation &op : func.getBody().getOps()) {
    if (!isContraction(&op))
      continue;
    auto found = tracked.find(op.getOperand(0));
    if (found != tracked.end() && found->second.badSample < 0)
      op.setAttr(kInputMeansAttr,
                 DenseF32ArrayAttr::get(func.getContext(),
                                        found->second.channelMeans->means()));
  }
}

LogicalResult calibrate(func::FuncOp func, SampleStream &samples, Runner run,
                        const ObserverOptions &options) {
  llvm::MapVector<Value, Tracked> tracked;
  auto track = [&](Value value) {
    if (isTracked(value))
      tracked[value].observer = makeObserver(options);
  };
  llvm::for_each(func.getArguments(), track);
  for (Operation &op : func.getBody().getOps())
    llvm::for_each(op.getResults(), track);
  for (Operation &op : func.getBody().getOps()) {
    auto found = isContraction(&op) ? tracked.find(op.getOperand(0)) : tracked.end();
    if (found != tracked.end())
      found->second.channelMeans.emplace(
          cast<RankedTensorType>(found->first.getType()).getShape().back());
  }

  Progress progress("calibrating", samples.size());
  for (int64_t i = 0; i < samples.size(); ++i) {
    auto inputs = samples.read(i);
    if (!inputs)
      return emitError(UnknownLoc::get(func.getContext()))
             << llvm::toString(inputs.takeError());
    auto observe = [&](Value value, ArrayRef<float> elements) {
      auto found = tracked.find(value);
      if (found == tracked.end())
        return;
      Tracked &entry = found->second;
      ++entry.count;
      entry.observer->observe(elements);
      if (entry.channelMeans)
        entry.channelMeans->observe(elements);
      if (entry.badSample < 0 && !allFinite(elements))
        entry.badSample = i;
    };
    for (auto [argument, tensor] : llvm::zip(func.getArguments(), *inputs))
      if (tensor.kind == ElementKind::F32)
        observe(argument, tensor.as<float>());
    if (failed(run(*inputs, observe)))
      return failure();
    progress.advance();
  }
  writeMeans(func, tracked);
  return writeRanges(func, tracked);
}

} // namespace dyadic
