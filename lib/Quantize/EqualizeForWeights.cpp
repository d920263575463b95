//===- EqualizeForWeights.cpp - finer weights for what is loud ------------===//
//
// Lin et al., "AWQ: Activation-aware Weight Quantization for LLM Compression and
// Acceleration", MLSys 2024: weights that read loud channels are multiplied before they
// are rounded, and the channels divided by as much. How much, a power of the channels'
// magnitudes, is what leaves the layers that read them the least error on samples.
//
//===----------------------------------------------------------------------===//
#include "ChannelGroups.h"
#include "InputMoments.h"
#include "MaskedRows.h"
#include "WeightFormat.h"

#include "dyadic/Dialect/QNN/ChannelAttrs.h"
#include "dyadic/Quantize/Recover.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"

#include <Eigen/Core>

#include <cmath>

using namespace mlir;
using namespace dyadic;

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Factors = SmallVector<double>;

namespace {
/// A contraction whose weights of few bits read a group, its weights as
/// [output][input], and the covariances of its inputs.
class Reader {
public:
  Reader(Operation *op, int64_t first, const WeightFormat &format,
         const ContractionMatrix &matrix, ArrayRef<float> elements, size_t samples)
      : op(op), format(format), matrix(matrix), moments(op, matrix, samples, false),
        weights(matrix.groups * matrix.outputs, matrix.inputs) {
    int64_t channels = channelsOf(op->getOperand(0)) / matrix.groups;
    for (int64_t o = 0; o < weights.rows(); ++o)
      for (int64_t k = 0; k < matrix.inputs; ++k) {
        weights(o, k) = elements[matrix.weight(o, k)];
        channelOf.push_back(first + o / matrix.outputs * channels + k % channels);
      }
  }

  void add(const HostTensor &input, const llvm::BitVector *counted) {
    moments.add(input, nullptr, counted);
  }
  void finish() {
    moments.finish();
    for (int64_t g = 0; g < matrix.groups; ++g) {
      std::vector<double> covariance = moments.takeCovariance(g);
      covariances.push_back(Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic,
                                                     Eigen::RowMajor>>(
                                covariance.data(), matrix.inputs, matrix.inputs)
                                .cast<float>());
    }
  }

  /// The power of what the results lose where channels are divided by `t`, less what the
  /// bias takes back: Σ_o (ŵ_o − w_o)ᵀ Cov(x) (ŵ_o − w_o), ŵ being Q(w·t) / t.
  double error(ArrayRef<double> t) const {
    std::vector<float> scaled(weights.size());
    for (auto [i, w] : llvm::enumerate(scaled))
      w = static_cast<float>(weights.data()[i] * t[channelOf[i]]);
    CodedWeights coded = roundWeights(
        makeGrid(format, scaled, weights.rows(), matrix.inputs), scaled);
    Matrix lost(weights.rows(), weights.cols());
    for (int64_t o = 0; o < lost.rows(); ++o)
      for (int64_t k = 0; k < lost.cols(); ++k)
        lost(o, k) = static_cast<float>(coded.at(o, k) / t[channelOf[o * lost.cols() + k]] -
                                        weights(o, k));
    double sum = 0;
    for (int64_t g = 0; g < matrix.groups; ++g) {
      auto rows = lost.middleRows(g * matrix.outputs, matrix.outputs);
      sum += (rows * covariances[g]).cwiseProduct(rows).sum();
    }
    return sum;
  }

  Operation *op;

private:
  WeightFormat format;
  ContractionMatrix matrix;
  InputMoments moments;
  Matrix weights;
  std::vector<int64_t> channelOf;
  std::vector<Matrix> covariances; // by group
};

/// A group and what reads it.
struct Candidate {
  ChannelGroup group;
  Factors magnitudes;
  std::vector<Reader> readers;
};
} // namespace

/// Root mean squares of the group's channels; empty where calibration saw none.
static Factors magnitudesOf(const ChannelGroup &group) {
  Factors magnitudes(group.channels, 0);
  for (auto [value, first] : group.tensors) {
    Operation *op = value.getDefiningOp();
    auto powers = op ? op->getAttrOfType<DenseF32ArrayAttr>(kChannelPowersAttr)
                     : DenseF32ArrayAttr();
    if (!powers || powers.size() != channelsOf(value))
      return {};
    for (auto [c, power] : llvm::enumerate(powers.asArrayRef()))
      magnitudes[first + c] = std::max<double>(magnitudes[first + c], std::sqrt(power));
  }
  return magnitudes;
}

/// magnitude^strength, about 1: those of the extremes are inverse to each other. Silent
/// channels stay as they are.
static Factors factorsOf(ArrayRef<double> magnitudes, double strength) {
  double least = INFINITY, most = 0;
  for (double m : magnitudes)
    if (m > 0) {
      least = std::min(least, m);
      most = std::max(most, m);
    }
  least = std::max(least, 1e-4 * most);
  return llvm::map_to_vector(magnitudes, [&](double m) {
    return m > 0 ? std::pow(m / std::sqrt(least * most), strength) : 1.0;
  });
}

/// The factors of the least error, strength 0 among them; empty for that.
static Factors chooseFactors(MLIRContext *context, const Candidate &candidate) {
  constexpr int kStrengths = 20;
  std::vector<double> errors(kStrengths + 1, 0);
  parallelFor(context, 0, errors.size(), [&](size_t i) {
    Factors t = factorsOf(candidate.magnitudes, double(i) / kStrengths);
    for (const Reader &reader : candidate.readers)
      errors[i] += reader.error(t);
  });
  auto best = std::min_element(errors.begin(), errors.end()) - errors.begin();
  return best ? factorsOf(candidate.magnitudes, double(best) / kStrengths) : Factors();
}

/// What is read by weights of few bits. Where functions are between, they are computed in
/// float anyway: a multiplication behind them costs little.
static std::vector<Candidate> findCandidates(func::FuncOp func, size_t samples) {
  std::vector<Candidate> candidates;
  SmallVector<ChannelGroup> groups = channelGroups(func);
  llvm::append_range(groups, floatGroups(func));
  for (ChannelGroup &group : groups) {
    Candidate candidate{group, magnitudesOf(group), {}};
    if (candidate.magnitudes.empty())
      continue;
    for (auto [op, first] : group.readers) {
      auto format = weightFormatOf(op);
      auto matrix = ContractionMatrix::of(op);
      auto elements = readConstant(op->getOperand(1));
      if (format && format->bits < 8 && matrix && succeeded(elements))
        candidate.readers.emplace_back(op, first, *format, *matrix, elements->as<float>(),
                                       samples);
    }
    if (!candidate.readers.empty())
      candidates.push_back(std::move(candidate));
  }
  return candidates;
}

FailureOr<int64_t> dyadic::equalizeForWeights(func::FuncOp func, const SampleTensors &samples,
                                              ArrayRef<std::string> weights) {
  if (func.isExternal() || !func.getBody().hasOneBlock() || samples.empty())
    return 0;
  if (failed(chooseWeightFormats(func, weights, WeightUse::FloatProducts)))
    return failure();
  std::vector<Candidate> candidates = findCandidates(func, samples.size());
  MaskedRows masked(func, samples);
  for (auto [s, sample] : llvm::enumerate(samples)) {
    auto observe = [&, s = s](Value value, const HostTensor &tensor) {
      for (Candidate &candidate : candidates)
        for (Reader &reader : candidate.readers)
          if (reader.op->getOperand(0) == value)
            reader.add(tensor, masked.of(s, cast<RankedTensorType>(
                                                reader.op->getResult(0).getType())
                                                .getShape()));
    };
    if (failed(interpret(func, sample, observe)))
      return failure();
  }
  // All are chosen before any is applied: what a layer loses doesn't depend on it.
  std::vector<Factors> factors;
  for (Candidate &candidate : candidates) {
    llvm::for_each(candidate.readers, [](Reader &reader) { reader.finish(); });
    factors.push_back(chooseFactors(func.getContext(), candidate));
  }
  int64_t count = 0;
  for (auto [candidate, t] : llvm::zip_equal(candidates, factors))
    count += !t.empty() && divideChannels(candidate.group, t);
  func.walk([](Operation *op) { op->removeAttr(kWeightKindAttr); });
  return count;
}
