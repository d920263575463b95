//===- Calibrate.cpp ------------------------------------------------------===//
#include "dyadic/Calibrate/Calibrate.h"

#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Dialect/QNN/ChannelAttrs.h"
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/NamePattern.h"
#include "dyadic/Support/Progress.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic {

SmallVector<InputSpec> inputSpecs(func::FuncOp func) {
  SmallVector<InputSpec> specs;
  for (BlockArgument argument : func.getArguments()) {
    auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
    auto type = cast<RankedTensorType>(argument.getType());
    auto open = func.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), kDynamicDimAttr);
    specs.push_back({name ? name.str() : "arg" + std::to_string(argument.getArgNumber()),
                     SmallVector<int64_t>(type.getShape()),
                     elementKindOf(type.getElementType()).value_or(ElementKind::F32),
                     open ? open.getInt() : -1,
                     lengthsOf(func).value_or(LengthRange())});
  }
  return specs;
}

/// Whether weights are multiplied with the value's channels.
static bool meetsWeights(Value value) {
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *op = use.getOwner();
    if (use.getOperandNumber() != 0 || !qnn::isContraction(op))
      return false;
    Operation *weights = op->getOperand(1).getDefiningOp();
    return weights && weights->hasTrait<OpTrait::ConstantLike>();
  });
}

/// How many channels are told apart. Where a length is open, only those that
/// meet weights are as many in every run.
static int64_t countChannels(Value value, bool isLengthOpen) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  if (shape.empty() || (isLengthOpen && !meetsWeights(value)))
    return 0;
  return shape.back();
}

static bool isTracked(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isF32())
    return false;
  // A constant's range is in its elements; what control flow gives is read as
  // floats.
  Operation *op = value.getDefiningOp();
  return !op || (!op->hasTrait<OpTrait::ConstantLike>() && !qnn::isControl(op));
}

/// The values that have ranges, in the order they are computed.
static SmallVector<Value> trackedValues(func::FuncOp func) {
  SmallVector<Value> values(llvm::make_filter_range(func.getArguments(), isTracked));
  for (Operation &op : func.getBody().getOps())
    llvm::append_range(values, llvm::make_filter_range(op.getResults(), isTracked));
  return values;
}

/// What statistics call a value: it is the same in every compile of a model.
static std::string nameOf(Value value, func::FuncOp func) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return inputSpecs(func)[argument.getArgNumber()].name;
  Operation *op = value.getDefiningOp();
  auto named = op->getLoc()->findInstanceOf<NameLoc>();
  return ((named ? named.getName().getValue() : "?") + " (" +
          op->getName().stripDialect() + ")")
      .str();
}

/// Whether `pattern` is of the op or input that makes `value`.
static bool isNamed(Value value, func::FuncOp func, const NamePattern &pattern) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return pattern.matches(inputSpecs(func)[argument.getArgNumber()].name);
  return pattern.matches(value.getLoc());
}

SmallVector<ObserverOptions> observersOf(func::FuncOp func, const ObserverOptions &all,
                                         ArrayRef<NamedObserver> named) {
  SmallVector<Value> values = trackedValues(func);
  SmallVector<ObserverOptions> observers(values.size(), all);
  for (const NamedObserver &choice : named) {
    NamePattern pattern(choice.pattern);
    for (auto [value, observer] : llvm::zip_equal(values, observers))
      if (isNamed(value, func, pattern))
        observer = choice.observer;
  }
  return observers;
}

NetworkStatistics noStatistics(func::FuncOp func, ArrayRef<ObserverOptions> observers) {
  NetworkStatistics statistics;
  for (auto [value, observer] : llvm::zip_equal(trackedValues(func), observers)) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
    int64_t channels = countChannels(value, lengthsOf(func).has_value());
    statistics.tensors.push_back({nameOf(value, func), SmallVector<int64_t>(shape),
                                  TensorStatistics(channels, observer.momentum)});
  }
  return statistics;
}

FailureOr<NetworkStatistics> collectStatistics(func::FuncOp func, SampleStream &samples,
                                               Runner run,
                                               ArrayRef<ObserverOptions> observers) {
  NetworkStatistics statistics = noStatistics(func, observers);
  SmallVector<Value> values = trackedValues(func);
  llvm::DenseMap<Value, TensorStatistics *> tracked;
  for (auto [value, tensor] : llvm::zip(values, statistics.tensors))
    tracked[value] = &tensor.statistics;

  Progress progress("calibrating", samples.size());
  for (int64_t i = 0; i < samples.size(); ++i) {
    auto inputs = samples.read(i);
    if (!inputs)
      return emitError(UnknownLoc::get(func.getContext()))
             << llvm::toString(inputs.takeError());
    auto observe = [&](Value value, ArrayRef<float> elements) {
      if (TensorStatistics *entry = tracked.lookup(value))
        entry->observe(elements);
    };
    for (auto [argument, tensor] : llvm::zip(func.getArguments(), *inputs))
      if (tensor.kind == ElementKind::F32)
        observe(argument, tensor.as<float>());
    if (failed(run(*inputs, observe)))
      return failure();
    progress.advance();
  }
  for (auto [value, tensor] : llvm::zip(values, statistics.tensors))
    if (!tensor.statistics.samples())
      return emitError(value.getLoc()) << "was not run during calibration";
  return statistics;
}

/// Writes the means of what each contraction reads, for the correction of its
/// bias, and the channels' ranges and powers, for equalization.
static void writeChannels(Value value, const TensorStatistics &seen) {
  if (seen.channelStatistics().empty())
    return;
  MLIRContext *context = value.getContext();
  auto means = DenseF32ArrayAttr::get(context, seen.channelMeans());
  for (OpOperand &use : value.getUses())
    if (use.getOperandNumber() == 0 && qnn::isContraction(use.getOwner()))
      use.getOwner()->setAttr(kInputMeansAttr, means);
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumResults() != 1)
    return;
  SmallVector<float> bounds;
  for (const ChannelStatistics &channel : seen.channelStatistics())
    bounds.append({channel.min, channel.max});
  op->setAttr(kChannelRangesAttr, DenseF32ArrayAttr::get(context, bounds));
  op->setAttr(kChannelPowersAttr, DenseF32ArrayAttr::get(context, seen.channelPowers()));
}

/// Enters a result's range in its op's list, which has units where there is none.
static void setResultRange(OpResult result, qnn::RangeAttr range) {
  Operation *op = result.getOwner();
  SmallVector<Attribute> ranges(op->getNumResults(),
                                UnitAttr::get(op->getContext()));
  if (auto known = op->getAttrOfType<ArrayAttr>(kRangeAttr);
      known && known.size() == ranges.size())
    llvm::copy(known, ranges.begin());
  ranges[result.getResultNumber()] = range;
  op->setAttr(kRangeAttr, ArrayAttr::get(op->getContext(), ranges));
}

static void setRange(func::FuncOp func, Value value, Range range) {
  auto attr = qnn::RangeAttr::get(func.getContext(), range.min, range.max);
  if (auto result = dyn_cast<OpResult>(value))
    setResultRange(result, attr);
  else
    func.setArgAttr(cast<BlockArgument>(value).getArgNumber(), kRangeAttr, attr);
}

static qnn::RangeAttr rangeOf(func::FuncOp func, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return func.getArgAttrOfType<qnn::RangeAttr>(argument.getArgNumber(), kRangeAttr);
  auto result = cast<OpResult>(value);
  auto ranges = result.getOwner()->getAttrOfType<ArrayAttr>(kRangeAttr);
  return ranges && result.getResultNumber() < ranges.size()
             ? dyn_cast<qnn::RangeAttr>(ranges[result.getResultNumber()])
             : qnn::RangeAttr();
}

SmallVector<std::optional<Range>> writtenRanges(func::FuncOp func) {
  SmallVector<std::optional<Range>> ranges;
  for (Value value : trackedValues(func)) {
    qnn::RangeAttr range = rangeOf(func, value);
    ranges.push_back(range ? std::optional(Range{range.getMin(), range.getMax()}) : std::nullopt);
  }
  return ranges;
}

void replaceRanges(func::FuncOp func, ArrayRef<std::optional<Range>> ranges) {
  for (auto [value, range] : llvm::zip_equal(trackedValues(func), ranges))
    if (range)
      setRange(func, value, *range);
}

SmallVector<std::optional<Range>> chooseRanges(const NetworkStatistics &statistics,
                                               ArrayRef<ObserverOptions> observers) {
  SmallVector<std::optional<Range>> ranges;
  for (auto [tensor, observer] : llvm::zip_equal(statistics.tensors, observers))
    ranges.push_back(tensor.statistics.firstBadSample() >= 0
                         ? std::nullopt
                         : chooseRange(tensor.statistics, observer));
  return ranges;
}

LogicalResult writeRanges(func::FuncOp func, const NetworkStatistics &statistics,
                          ArrayRef<std::optional<Range>> ranges) {
  NetworkStatistics expected = noStatistics(func, observersOf(func, {}));
  if (auto error = expected.merge(statistics))
    return func.emitError() << llvm::toString(std::move(error));
  for (auto [value, tensor, range] :
       llvm::zip_equal(trackedValues(func), statistics.tensors, ranges)) {
    const TensorStatistics &seen = tensor.statistics;
    if (!range && seen.firstBadSample() < 0)
      continue; // it has no elements
    if (!range) {
      emitWarning(value.getLoc())
          << "is NaN or infinite on calibration sample " << seen.firstBadSample()
          << ", so it has no range";
      continue;
    }
    writeChannels(value, seen);
    setRange(func, value, *range);
    if (auto argument = dyn_cast<BlockArgument>(value))
      if (auto shift = shiftOntoSteps(seen.histogram(), *range))
        func.setArgAttr(argument.getArgNumber(), kShiftAttr,
                        FloatAttr::get(Float32Type::get(func.getContext()), *shift));
  }
  return success();
}

LogicalResult calibrate(func::FuncOp func, SampleStream &samples, Runner run,
                        const ObserverOptions &options) {
  SmallVector<ObserverOptions> observers = observersOf(func, options);
  auto statistics = collectStatistics(func, samples, run, observers);
  if (failed(statistics))
    return failure();
  return writeRanges(func, *statistics, chooseRanges(*statistics, observers));
}

} // namespace dyadic
