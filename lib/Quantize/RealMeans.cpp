//===- RealMeans.cpp - what a float network's contractions give -----------===//
#include "ChannelSums.h"
#include "MaskedRows.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace mlir;
using namespace dyadic;

SmallVector<Operation *> dyadic::weightedOps(func::FuncOp func) {
  SmallVector<Operation *> ops;
  for (Operation &op : func.getBody().getOps())
    if (isa<qnn::Conv2DOp, qnn::MatmulOp>(op) && matchPattern(op.getOperand(1), m_Constant()))
      ops.push_back(&op);
  return ops;
}

RowWeights dyadic::rowsThatCount(ArrayRef<int64_t> shape, const llvm::BitVector *counted) {
  RowWeights weights(ShapedType::getNumElements(shape) / std::max<int64_t>(shape.back(), 1), 1);
  if (counted)
    for (auto [row, weight] : llvm::enumerate(weights))
      weight = counted->test(row);
  return weights;
}

void ChannelSums::add(const HostTensor &tensor, ArrayRef<float> weights) {
  ArrayRef<float> values = tensor.as<float>();
  for (auto [row, weight] : llvm::enumerate(weights)) {
    if (weight == 0)
      continue;
    count += weight;
    for (auto [sum, value] : llvm::zip_equal(sums, values.slice(row * sums.size(), sums.size())))
      sum += double(weight) * value;
  }
}

void ChannelSums::add(const ChannelSums &other) {
  count += other.count;
  for (auto [sum, theirs] : llvm::zip_equal(sums, other.sums))
    sum += theirs;
}

ChannelMeans ChannelSums::means() const {
  ChannelMeans means(sums);
  for (double &mean : means)
    mean /= count > 0 ? count : 1;
  return means;
}

namespace {
/// What one op gives on a sample.
struct Seen {
  explicit Seen(int64_t channels) : overRows(channels), overEvenRows(channels) {}

  /// What a few rows that are many times as large as most have lost is no mean of the
  /// others': for means over even rows each counts in inverse proportion to its power, or
  /// the median row's where that is more.
  void addEvenRows(const HostTensor &tensor, RowWeights weights);

  ChannelSums overRows, overEvenRows;
  RowWeights evenWeights;
  /// The sum of the rows' powers, and what they come to so weighted.
  double power = 0, evenPower = 0;
};
} // namespace

void Seen::addEvenRows(const HostTensor &tensor, RowWeights weights) {
  evenWeights = std::move(weights);
  std::vector<float> powers(evenWeights.size(), 0);
  size_t channels = tensor.shape.back();
  for (auto [row, sum] : llvm::enumerate(powers))
    for (float x : tensor.as<float>().slice(row * channels, channels))
      sum += x * x;
  std::vector<float> sorted = powers;
  auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  for (auto [weight, own] : llvm::zip_equal(evenWeights, powers)) {
    power += weight * own;
    if (*middle > 0)
      weight *= *middle / std::max(own, *middle);
    evenPower += weight * own;
  }
  overEvenRows.add(tensor, evenWeights);
}

FailureOr<RealMeans> dyadic::meansOf(func::FuncOp real, const SampleTensors &samples,
                                     MeansOver rows) {
  MaskedRows masked(real, samples);
  llvm::DenseMap<Value, size_t> indices;
  std::vector<Seen> none;
  for (auto [i, op] : llvm::enumerate(weightedOps(real))) {
    Value result = op->getResult(0);
    indices[result] = i;
    none.emplace_back(cast<RankedTensorType>(result.getType()).getShape().back());
  }
  std::vector<std::vector<Seen>> bySample(samples.size(), none);
  auto run = [&](size_t i) {
    return interpret(real, samples[i], [&](Value value, const HostTensor &tensor) {
      auto found = indices.find(value);
      if (found == indices.end())
        return;
      Seen &seen = bySample[i][found->second];
      RowWeights weights = rowsThatCount(tensor.shape, masked.of(i, tensor.shape));
      seen.overRows.add(tensor, weights);
      if (rows == MeansOver::EvenRows)
        seen.addEvenRows(tensor, std::move(weights));
    });
  };
  if (failed(failableParallelForEachN(real.getContext(), 0, samples.size(), run)))
    return failure();
  RealMeans means;
  bool areRowsUneven = false;
  for (auto [i, all] : llvm::enumerate(none)) {
    auto &weights = means.evenWeights.emplace_back();
    // In their order, that sums don't depend on the threads.
    for (auto &sample : bySample) {
      all.overRows.add(sample[i].overRows);
      all.overEvenRows.add(sample[i].overEvenRows);
      all.power += sample[i].power;
      all.evenPower += sample[i].evenPower;
      weights.push_back(std::move(sample[i].evenWeights));
    }
    means.overRows.push_back(all.overRows.means());
    means.overEvenRows.push_back(all.overEvenRows.means());
    areRowsUneven |= all.evenPower < all.power / 2;
  }
  if (!areRowsUneven) {
    means.overEvenRows.clear();
    means.evenWeights.clear();
  }
  return means;
}
