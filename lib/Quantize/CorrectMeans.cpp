//===- CorrectMeans.cpp - biases by what the quantized network computes ---===//
//
// The samples go through the quantized network together, op by op. When an op's
// sums are there, their means are compared with those of the float network, its
// bias takes the difference, and the ops behind it read the corrected tensors.
//
//===----------------------------------------------------------------------===//
#include "JoinedChains.h"
#include "LearnRounding.h"
#include "MaskedRows.h"

#include "dyadic/Quantize/Recover.h"

#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/Dynamic.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"
#include "dyadic/Support/FixedPoint.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

using Means = SmallVector<double, 0>;

/// The ops with constant weights, in order.
static SmallVector<Operation *> weightedOps(func::FuncOp func) {
  SmallVector<Operation *> ops;
  for (Operation &op : func.getBody().getOps())
    if (isa<qnn::Conv2DOp, qnn::MatmulOp>(op) && matchPattern(op.getOperand(1), m_Constant()))
      ops.push_back(&op);
  return ops;
}

static RankedTensorType resultType(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType());
}

/// What each row of an op's result, the elements of one index of all dimensions but the
/// last, counts, by sample.
using RowWeights = std::vector<std::vector<float>>;

/// Those of one sample's `tensor`: 0 for rows that aren't `counted`. What a few rows
/// that are many times as large as most have lost is no mean of the others': with
/// `evenly` each counts in inverse proportion to its power, or the median row's where
/// that is more.
static std::vector<float> weightsOf(const HostTensor &tensor, const llvm::BitVector *counted,
                                    bool evenly) {
  size_t channels = std::max<int64_t>(tensor.shape.back(), 1);
  ArrayRef<float> values = tensor.as<float>();
  std::vector<float> weights(values.size() / channels, 1);
  if (evenly) {
    for (auto [row, power] : llvm::enumerate(weights)) {
      power = 0;
      for (float x : values.slice(row * channels, channels))
        power += x * x;
    }
    std::vector<float> sorted = weights;
    auto middle = sorted.begin() + sorted.size() / 2;
    std::nth_element(sorted.begin(), middle, sorted.end());
    for (float &weight : weights)
      weight = *middle > 0 ? *middle / std::max(weight, *middle) : 1;
  }
  if (counted)
    for (auto [row, weight] : llvm::enumerate(weights))
      weight *= counted->test(row);
  return weights;
}

namespace {
/// Weighted sums of the channels of an op's result.
struct ChannelSums {
  explicit ChannelSums(Operation *op) : sums(resultType(op).getShape().back(), 0) {}

  void add(const HostTensor &tensor, ArrayRef<float> weights) {
    ArrayRef<float> values = tensor.as<float>();
    for (auto [row, weight] : llvm::enumerate(weights)) {
      if (weight == 0)
        continue;
      count += weight;
      for (auto [sum, value] : llvm::zip_equal(sums, values.slice(row * sums.size(), sums.size())))
        sum += double(weight) * value;
    }
  }

  Means means() const {
    Means means(sums);
    for (double &mean : means)
      mean /= count > 0 ? count : 1;
    return means;
  }

  Means sums;
  double count = 0;
};

/// What the float network's ops give on samples.
struct Reference {
  std::vector<Means> means;
  /// By op.
  std::vector<RowWeights> weights;
};
} // namespace

/// The means of the channels of the results of `ops`, all in the float network `func`.
static FailureOr<Reference> referenceOf(func::FuncOp func, ArrayRef<Operation *> ops,
                                        const SampleTensors &samples, MeansOver rows) {
  MaskedRows masked(func, samples);
  llvm::DenseMap<Value, size_t> indices;
  std::vector<ChannelSums> none;
  for (auto [i, op] : llvm::enumerate(ops)) {
    indices[op->getResult(0)] = i;
    none.emplace_back(op);
  }
  Reference reference;
  reference.weights.assign(ops.size(), RowWeights(samples.size()));
  std::vector<std::vector<ChannelSums>> bySample(samples.size(), none);
  auto run = [&](size_t i) {
    return interpret(func, samples[i], [&](Value value, const HostTensor &tensor) {
      auto found = indices.find(value);
      if (found == indices.end())
        return;
      auto &weights = reference.weights[found->second][i];
      weights = weightsOf(tensor, masked.of(i, tensor.shape), rows == MeansOver::EvenRows);
      bySample[i][found->second].add(tensor, weights);
    });
  };
  if (failed(failableParallelForEachN(func.getContext(), 0, samples.size(), run)))
    return failure();
  // In their order, that sums don't depend on the threads.
  for (auto [i, all] : llvm::enumerate(none)) {
    for (const auto &sample : bySample) {
      all.count += sample[i].count;
      for (auto [total, sum] : llvm::zip_equal(all.sums, sample[i].sums))
        total += sum;
    }
    reference.means.push_back(all.means());
  }
  return reference;
}

/// The storage values of reals minus `shift` of their channel.
static HostTensor roundTo(quant::UniformQuantizedType type, ElementKind kind,
                          const HostTensor &reals, ArrayRef<double> shift) {
  HostTensor storage(kind, reals.shape);
  ArrayRef<float> values = reals.as<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    double q = roundHalfEven((values[i] - shift[i % shift.size()]) / type.getScale());
    storage.set(i, std::clamp<double>(q + type.getZeroPoint(), type.getStorageTypeMin(),
                                      type.getStorageTypeMax()));
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

namespace {
/// All samples on their way through a network.
class Lockstep {
public:
  Lockstep(func::FuncOp func, const SampleTensors &samples) : count(samples.size()) {
    for (auto [i, argument] : llvm::enumerate(func.getArguments())) {
      Entry &entry = entries[argument];
      for (ArrayRef<HostTensor> inputs : samples)
        entry.tensors.push_back(inputs[i]);
      entry.uses = usesOf(argument);
    }
  }

  /// What `op`, or another of the same operands, makes of each sample.
  FailureOr<SampleTensors> evaluate(Operation *op) {
    SampleTensors results(op->hasTrait<OpTrait::ConstantLike>() ? 1 : count);
    auto run = [&](size_t i) {
      SmallVector<const HostTensor *> operands;
      for (Value operand : op->getOperands()) {
        const auto &tensors = entries.find(operand)->second.tensors;
        operands.push_back(&tensors[tensors.size() == 1 ? 0 : i]);
      }
      return interpretOp(op, operands, results[i]);
    };
    if (failed(failableParallelForEachN(op->getContext(), 0, results.size(), run)))
      return failure();
    return results;
  }

  /// What an operand is for each sample.
  SmallVector<const HostTensor *> at(Value operand) {
    SmallVector<const HostTensor *> tensors;
    for (const HostTensor &tensor : entries.find(operand)->second.tensors)
      tensors.push_back(&tensor);
    return tensors;
  }

  /// Gives a constant that has been evaluated other elements and scales.
  void replace(qnn::ConstantOp constant, const RoundedWeights &weights) {
    auto tensor = readConstant(weights.value);
    if (failed(tensor))
      return;
    entries.find(constant.getOutput())->second.tensors.assign(1, std::move(*tensor));
    constant.setValueAttr(weights.value);
    constant.getOutput().setType(weights.type);
  }

  /// Runs ops from `op` on, which becomes `end`.
  LogicalResult advanceTo(Operation *&op, Operation *end) {
    for (; op != end; op = op->getNextNode()) {
      auto results = evaluate(op);
      if (failed(results))
        return failure();
      advance(op, op->getOperands(), std::move(*results));
    }
    return success();
  }

  /// Keeps `results` for the readers of `op`, and drops what it was the last to read.
  /// `operands` are those it had when it was evaluated.
  void advance(Operation *op, ValueRange operands, SampleTensors results) {
    for (Value operand : operands)
      if (auto read = entries.find(operand); --read->second.uses == 0)
        entries.erase(read);
    for (OpResult result : op->getResults()) {
      if (result.use_empty())
        continue;
      Entry &entry = entries[result];
      entry.uses = usesOf(result);
      for (auto &made : results)
        entry.tensors.push_back(std::move(made[result.getResultNumber()]));
    }
  }

private:
  struct Entry {
    /// One where it is the same for all samples.
    std::vector<HostTensor> tensors;
    int64_t uses = 0;
  };
  static int64_t usesOf(Value value) {
    return std::distance(value.use_begin(), value.use_end());
  }
  size_t count;
  llvm::DenseMap<Value, Entry> entries;
};
} // namespace

/// Corrects the bias of `op` and gives its results.
static FailureOr<SampleTensors> correct(Operation *op, Lockstep &network, ArrayRef<double> means,
                                        const RowWeights &weights) {
  // The same op with its sums as reals.
  OpBuilder builder(op);
  Operation *sums = builder.clone(*op);
  sums->getResult(0).setType(resultType(op).clone(builder.getF32Type()));
  auto results = network.evaluate(sums);
  sums->erase();
  if (failed(results))
    return failure();
  ChannelSums sumsOfResults(op);
  for (auto [i, result] : llvm::enumerate(*results))
    sumsOfResults.add(result[0], weights[i]);
  Means shift = sumsOfResults.means();
  for (auto [s, mean] : llvm::zip_equal(shift, means))
    s -= mean;
  if (!llvm::all_of(shift, [](double s) { return std::isfinite(s); }) ||
      failed(shiftBias(op, shift)))
    shift.assign(shift.size(), 0);
  auto type = dyn_cast<quant::UniformQuantizedType>(resultType(op).getElementType());
  for (auto &result : *results)
    if (type)
      result[0] = roundTo(type, *elementKindOf(type), result[0], shift);
    else
      for (auto [i, value] : llvm::enumerate(result[0].as<float>()))
        value = static_cast<float>(value - shift[i % shift.size()]);
  return results;
}

LogicalResult dyadic::correctMeans(func::FuncOp quantized, func::FuncOp real,
                                   const SampleTensors &samples, WeightRounding rounding,
                                   MeansOver rows) {
  SmallVector<Operation *> ops = weightedOps(quantized), references = weightedOps(real);
  auto matches = [](auto pair) {
    auto [a, b] = pair;
    return a->getName() == b->getName() && resultType(a).getShape() == resultType(b).getShape();
  };
  if (ops.size() != references.size() || !llvm::all_of(llvm::zip(ops, references), matches))
    return success();
  auto reference = referenceOf(real, references, samples, rows);
  if (failed(reference))
    return failure();
  MaskedRows masked(quantized, samples);
  JoinedChains chains(quantized);
  Lockstep network(quantized, samples);
  bool isLearned = rounding != WeightRounding::Nearest;
  // With weights of eight bits, what the ops before have lost is little and mostly
  // noise, which weights can't make up for; depthwise ones among others of few bits
  // didn't gain from it either.
  bool needsReals = isLearned && llvm::any_of(ops, hasFewValues);
  Lockstep realNetwork(real, needsReals ? samples : SampleTensors());
  Operation *realOp = &real.getBody().front().front();
  size_t next = 0;
  for (Operation &op :
       llvm::make_early_inc_range(quantized.getBody().front().without_terminator())) {
    bool isWeighted = next < ops.size() && ops[next] == &op;
    bool isCorrected =
        isWeighted && (isa<quant::UniformQuantizedType>(resultType(&op).getElementType()) ||
                       qnn::sumsIntegers(&op) || codedWeights(op.getOperand(1)));
    if (isWeighted && isLearned) {
      SmallVector<const HostTensor *> realInputs;
      if (hasFewValues(&op)) {
        if (failed(realNetwork.advanceTo(realOp, references[next])))
          return failure();
        realInputs = realNetwork.at(references[next]->getOperand(0));
      }
      if (auto weights = learnRounding(&op, references[next], network.at(op.getOperand(0)),
                                       realInputs, masked, rounding))
        network.replace(op.getOperand(1).getDefiningOp<qnn::ConstantOp>(), *weights);
    }
    // The constant that `correct` puts in front of the op has no part in this run.
    SmallVector<Value> operands(op.getOperands());
    auto results = isCorrected ? correct(&op, network, reference->means[next], reference->weights[next])
                               : network.evaluate(&op);
    if (failed(results))
      return failure();
    next += isWeighted;
    network.advance(&op, operands, std::move(*results));
  }
  return success();
}
