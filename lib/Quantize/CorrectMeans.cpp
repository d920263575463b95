//===- CorrectMeans.cpp - biases by what the quantized network computes ---===//
//
// The samples go through the quantized network together, op by op. When an op's
// sums are there, their means are compared with those of the float network, its
// bias takes the difference, and the ops behind it read the corrected tensors.
//
//===----------------------------------------------------------------------===//
#include "ChannelSums.h"
#include "Decisions.h"
#include "JoinedChains.h"
#include "LearnRounding.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

static RankedTensorType resultType(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType());
}

/// The storage values of reals minus `shift` of their channel.
template <typename T>
static void roundInto(MutableArrayRef<T> storage, quant::UniformQuantizedType type,
                      ArrayRef<float> reals, ArrayRef<double> shift) {
  double scale = type.getScale(), zeroPoint = type.getZeroPoint();
  double least = type.getStorageTypeMin() - zeroPoint, most = type.getStorageTypeMax() - zeroPoint;
  // Below 2^51 the addition rounds to an integer, half to even, and vectorizes.
  constexpr double kUnits = 0x1.8p52;
  for (size_t row = 0; row < reals.size(); row += shift.size())
    for (size_t c = 0; c < shift.size(); ++c) {
      double q = (reals[row + c] - shift[c]) / scale;
      q = q > least ? q : least; // false for NaN
      q = q < most ? q : most;
      storage[row + c] = static_cast<T>(static_cast<int32_t>((q + kUnits) - kUnits + zeroPoint));
    }
}

static HostTensor roundTo(quant::UniformQuantizedType type, const HostTensor &reals,
                          ArrayRef<double> shift) {
  HostTensor storage(*elementKindOf(type), reals.shape);
  auto round = [&](auto values) { roundInto(values, type, reals.as<float>(), shift); };
  switch (storage.kind) {
  case ElementKind::U8:
    round(storage.as<uint8_t>());
    break;
  case ElementKind::I8:
    round(storage.as<int8_t>());
    break;
  case ElementKind::I16:
    round(storage.as<int16_t>());
    break;
  default:
    round(storage.as<int32_t>());
  }
  return storage;
}

/// Takes `shift` off an op's bias.
static LogicalResult shiftBias(Operation *op, ArrayRef<double> shift) {
  int64_t channels = shift.size();
  HostTensor bias(ElementKind::F32, {channels});
  bool hasBias = op->getNumOperands() > 2;
  if (hasBias) {
    auto given = readConstant(op->getOperand(2));
    if (failed(given) || given->kind != ElementKind::F32 || given->numElements() != channels)
      return failure();
    bias = std::move(*given);
  }
  for (auto [b, s] : llvm::zip_equal(bias.as<float>(), shift))
    b = static_cast<float>(b - s);
  OpBuilder builder(op);
  auto type = RankedTensorType::get({channels}, builder.getF32Type());
  Value constant = qnn::ConstantOp::create(builder, op->getLoc(), type,
                                           makeConstant(std::move(bias), op->getContext()));
  if (hasBias)
    op->setOperand(2, constant);
  else
    op->insertOperands(2, constant);
  return success();
}

/// What is added to the means of `sums`, an op's reals, to make `means`, over rows of
/// `weights`. Keeps the sums of all samples in `kept`, or computes them in turn without it.
static FailureOr<ChannelMeans> shiftOf(Operation *sums, const Lockstep &network,
                                       ArrayRef<double> means,
                                       llvm::function_ref<RowWeights(size_t)> weights,
                                       SampleTensors *kept) {
  ChannelSums sumsOfResults(means.size());
  // As many at a time as are computed at the same time.
  size_t count = network.samples(),
         some = kept ? count : std::max(sums->getContext()->getNumThreads(), 1u);
  for (size_t begin = 0; begin < count; begin += some) {
    SampleTensors results(std::min(some, count - begin));
    auto run = [&](size_t i) { return network.evaluate(sums, begin + i, results[i]); };
    if (failed(failableParallelForEachN(sums->getContext(), 0, results.size(), run)))
      return failure();
    // In their order, that sums don't depend on the threads.
    for (auto [i, result] : llvm::enumerate(results))
      sumsOfResults.add(result[0], weights(begin + i));
    if (kept)
      *kept = std::move(results);
  }
  ChannelMeans shift = sumsOfResults.means();
  for (auto [s, mean] : llvm::zip_equal(shift, means))
    s -= mean;
  return shift;
}

/// Corrects the bias of `op`, whose result's channels ought to have `means` over rows of
/// `weights`, and gives its results.
static FailureOr<SampleTensors> correct(Operation *op, Lockstep &network, ArrayRef<double> means,
                                        llvm::function_ref<RowWeights(size_t)> weights) {
  // The reals of all samples, four times what stays of them, are in memory up to here;
  // more are computed twice.
  constexpr int64_t kMostBytes = int64_t(64) << 20;
  if (failed(network.makeConstants(op)))
    return failure();
  // The same op with its sums as reals.
  OpBuilder builder(op);
  Operation *sums = builder.clone(*op);
  llvm::scope_exit erase([&] { sums->erase(); });
  sums->getResult(0).setType(resultType(op).clone(builder.getF32Type()));
  auto type = dyn_cast<quant::UniformQuantizedType>(resultType(op).getElementType());
  int64_t bytes = resultType(op).getNumElements() * network.samples() * sizeof(float);
  bool isKept = !type || bytes <= kMostBytes;
  SampleTensors results(network.samples());
  auto found = shiftOf(sums, network, means, weights, isKept ? &results : nullptr);
  if (failed(found))
    return failure();
  ChannelMeans shift = std::move(*found);
  if (!llvm::all_of(shift, [](double s) { return std::isfinite(s); }) ||
      failed(shiftBias(op, shift)))
    shift.assign(shift.size(), 0);
  auto finish = [&](size_t sample) -> LogicalResult {
    if (!isKept && failed(network.evaluate(sums, sample, results[sample])))
      return failure();
    network.drop(sums, sample);
    HostTensor &result = results[sample][0];
    if (type)
      result = roundTo(type, result, shift);
    else
      for (auto [i, value] : llvm::enumerate(result.as<float>()))
        value = static_cast<float>(value - shift[i % shift.size()]);
    return success();
  };
  if (failed(failableParallelForEachN(op->getContext(), 0, results.size(), finish)))
    return failure();
  return results;
}

FailureOr<DecidingTensors> dyadic::correctMeans(func::FuncOp quantized, func::FuncOp real,
                                                const SampleTensors &samples,
                                                const RealMeans &means, MeansOver rows,
                                                WeightRounding rounding) {
  SmallVector<Operation *> ops = weightedOps(quantized), references = weightedOps(real);
  auto matches = [](auto pair) {
    auto [a, b] = pair;
    return a->getName() == b->getName() && resultType(a).getShape() == resultType(b).getShape();
  };
  if (ops.size() != references.size() || !llvm::all_of(llvm::zip(ops, references), matches))
    return runOn(quantized, samples);
  assert(means.overRows.size() == ops.size() && "means of `real`");
  // Samples may be other ones than those that told.
  if (!means.areRowsUneven())
    rows = MeansOver::Rows;
  MaskedRows masked(quantized, samples);
  JoinedChains chains(quantized);
  Lockstep network(quantized, samples);
  Decisions decisions(quantized, samples);
  for (size_t sample = 0; sample < samples.size(); ++sample)
    for (auto [argument, tensor] : llvm::zip_equal(quantized.getArguments(), samples[sample]))
      decisions.observe(sample, argument, tensor);
  bool isLearned = rounding != WeightRounding::Nearest;
  // With weights of eight bits, what the ops before have lost is little and mostly
  // noise, which weights can't make up for; depthwise ones among others of few bits
  // didn't gain from it either.
  bool needsReals = isLearned && llvm::any_of(ops, hasFewValues);
  Lockstep realNetwork(real, samples);
  Operation *realOp = &real.getBody().front().front();
  size_t next = 0;
  for (Operation &op :
       llvm::make_early_inc_range(quantized.getBody().front().without_terminator())) {
    if (op.hasTrait<OpTrait::ConstantLike>()) {
      // Its readers make it again: all of them may stand in front.
      auto results = network.evaluate(&op);
      if (failed(results))
        return failure();
      for (size_t sample = 0; sample < samples.size(); ++sample)
        decisions.observe(sample, op.getResult(0), results->front().front());
      continue;
    }
    bool isWeighted = next < ops.size() && ops[next] == &op;
    bool isCorrected =
        isWeighted && (isa<quant::UniformQuantizedType>(resultType(&op).getElementType()) ||
                       qnn::sumsIntegers(&op) || codedWeights(op.getOperand(1)));
    if (isWeighted && isLearned) {
      bool comparesInputs = needsReals && hasFewValues(&op);
      if (comparesInputs && failed(realNetwork.advanceTo(realOp, references[next])))
        return failure();
      if (auto weights = learnRounding(&op, references[next], network,
                                       comparesInputs ? &realNetwork : nullptr, masked,
                                       rounding)) {
        auto constant = op.getOperand(1).getDefiningOp<qnn::ConstantOp>();
        constant.setValueAttr(weights->value);
        constant.getOutput().setType(weights->type);
      }
    }
    // The constant that `correct` puts in front of the op has no part in this run.
    SmallVector<Value> operands(op.getOperands());
    auto weights = [&](size_t sample) {
      ArrayRef<int64_t> shape = resultType(&op).getShape();
      return rows == MeansOver::Rows ? rowsThatCount(shape, masked.of(sample, shape))
                                     : means.evenWeights[next][sample];
    };
    auto results = isCorrected ? correct(&op, network, means.of(rows)[next], weights)
                               : network.evaluate(&op);
    if (failed(results))
      return failure();
    for (OpResult result : op.getResults())
      for (size_t sample = 0; sample < samples.size(); ++sample)
        decisions.observe(sample, result, (*results)[sample][result.getResultNumber()]);
    next += isWeighted;
    network.advance(&op, operands, std::move(*results));
  }
  return decisions.take();
}
