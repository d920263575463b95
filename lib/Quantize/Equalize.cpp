//===- Equalize.cpp - channels that share a scale get like ranges ---------===//
#include "ChannelGroups.h"
#include "FloatRegions.h"

#include "dyadic/Dialect/QNN/ChannelAttrs.h"
#include "dyadic/Quantize/Passes.h"
#include "dyadic/Quantize/Recover.h"
#include "dyadic/Simplify/ContractionWeights.h"
#include "dyadic/Support/ConstantData.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace dyadic {
#define GEN_PASS_DEF_EQUALIZE
#include "dyadic/Quantize/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

namespace {
using Factors = SmallVector<double>;

/// What calibration saw of one tensor's channels, and the range it chose.
struct Channels {
  /// Which channel of the group is its first.
  int64_t first;
  ArrayRef<float> bounds, powers;
  double min, max;
  /// Whether the tensor is rounded to a type of its own.
  bool isRounded;

  /// The part of channel c that the tensor's range holds: what an observer cut
  /// off stays cut off, and nothing else is.
  std::pair<double, double> heldOf(int64_t c) const {
    return {std::clamp<double>(bounds[2 * c], min, max),
            std::clamp<double>(bounds[2 * c + 1], min, max)};
  }
  /// Takes back what the observer cut off: large values of a few channels are in the
  /// way of others' small ones no more, once channels are divided.
  void holdAll() {
    min = std::min<double>(min, *llvm::min_element(bounds));
    max = std::max<double>(max, *llvm::max_element(bounds));
  }
  double magnitude(int64_t c) const {
    auto [low, high] = heldOf(c);
    return std::max(std::abs(low), std::abs(high));
  }
  int64_t count() const { return powers.size(); }
  /// The tensor's own of the group's factors.
  ArrayRef<double> factorsIn(ArrayRef<double> t) const { return t.slice(first, count()); }
  /// The range of the whole tensor, its channels divided by the group's factors.
  std::pair<double, double> range(ArrayRef<double> t) const {
    double least = 0, most = 0;
    for (auto [c, factor] : llvm::enumerate(factorsIn(t))) {
      auto [low, high] = heldOf(c);
      least = std::min(least, low / factor);
      most = std::max(most, high / factor);
    }
    return {least, most};
  }
  /// The power of the errors of rounding to 255 steps, divided by `t`.
  double roundingError(ArrayRef<double> t) const {
    auto [least, most] = range(t);
    double step = (most - least) / 255;
    return step * step / 12;
  }
};

/// Whether a type of its own rounds the value: not where a relu behind it makes
/// its type the value's, nor where elements are only moved.
bool isRounded(Value value) {
  auto quantizable = dyn_cast<qnn::QuantizableOpInterface>(value.getDefiningOp());
  if (quantizable && quantizable.getQuantKind() == qnn::QuantKind::SameType)
    return false;
  return !value.hasOneUse() || !isa<qnn::ReluOp>(*value.user_begin());
}

std::optional<Channels> statisticsOf(const ChannelGroup::Tensor &tensor) {
  Value value = tensor.value;
  int64_t count = channelsOf(value);
  Operation *op = value.getDefiningOp();
  auto bounds = op->getAttrOfType<DenseF32ArrayAttr>(kChannelRangesAttr);
  auto powers = op->getAttrOfType<DenseF32ArrayAttr>(kChannelPowersAttr);
  qnn::RangeAttr range = calibratedRange(value);
  if (!bounds || !powers || !range || bounds.size() != 2 * count || powers.size() != count)
    return std::nullopt;
  return Channels{tensor.first, bounds, powers, std::min(range.getMin(), 0.0), std::max(range.getMax(), 0.0),
                  isRounded(value)};
}

/// A contraction that reads a group: what its weights do with each channel.
class Reader {
public:
  /// `importance`: what the power of an error in a channel of the result counts.
  Reader(const Channels &input, ContractionWeights weights, Factors importance)
      : first(input.first), powers(input.powers), importance(std::move(importance)),
        begins(weights.outputs(), -1) {
    // The weights of an output meet a few channels in turn, one tap after the other.
    weights.forEach([&](float w, int64_t o, int64_t c) {
      begins[o] = begins[o] < 0 ? c : begins[o];
      width = std::max(width, c - begins[o] + 1);
    });
    largest.resize(begins.size() * width, 0);
    taps = weights.tensor.numElements() / std::max<int64_t>(largest.size(), 1);
    squares.resize(taps > 1 ? largest.size() : 0, 0);
    weights.forEach([&](float w, int64_t o, int64_t c) {
      int64_t pair = o * width + c - begins[o];
      largest[pair] = std::max(largest[pair], std::abs(w));
      if (taps > 1)
        squares[pair] += static_cast<double>(w) * w;
    });
  }

  /// Raises the magnitude of each channel to that of its weights.
  void raise(Factors &magnitudes) const {
    for (size_t o = 0; o < begins.size(); ++o)
      forEachChannel(o, [&](int64_t channel, int64_t pair) {
        magnitudes[channel] = std::max<double>(magnitudes[channel], largest[pair]);
      });
  }

  /// Adds what the power of an error in each channel of the input counts.
  void addImportance(Factors &sums) const {
    for (auto [o, weight] : llvm::enumerate(importance))
      forEachChannel(o, [&, weight = weight](int64_t channel, int64_t pair) {
        sums[channel] += squareOf(pair) * weight;
      });
  }

  /// The power of the errors in the result that come from errors of `roundingError`
  /// in the input divided by `t`, and from rounding the weights multiplied by it.
  double error(ArrayRef<double> t, double roundingError) const {
    double sum = 0;
    for (auto [o, weight] : llvm::enumerate(importance)) {
      double widest = 0, ofInput = 0, ofWeights = 0;
      forEachChannel(o, [&](int64_t channel, int64_t pair) {
        double factor = t[channel];
        ofInput += squareOf(pair) * factor * factor;
        widest = std::max(widest, largest[pair] * factor);
        ofWeights += taps * powers[channel - first] / (factor * factor);
      });
      double weightStep = widest / 127;
      sum += (roundingError * ofInput + weightStep * weightStep / 12 * ofWeights) * weight;
    }
    return sum;
  }

private:
  /// visit(channel of the group, number of the pair) for all that an output reads.
  template <typename Fn> void forEachChannel(size_t output, Fn visit) const {
    for (int64_t i = 0; i < width; ++i)
      visit(first + begins[output] + i, output * width + i);
  }
  /// The sum of the squares of a pair's weights.
  double squareOf(int64_t pair) const {
    return taps > 1 ? squares[pair] : double(largest[pair]) * largest[pair];
  }

  int64_t first;
  ArrayRef<float> powers;
  Factors importance;
  /// The first channel of the input that each output reads, and how many follow.
  SmallVector<int64_t, 0> begins;
  int64_t width = 0;
  /// How many weights there are from one channel to one of the result: a pair.
  int64_t taps = 0;
  /// By pair; of one tap the magnitude says both.
  std::vector<float> largest;
  std::vector<double> squares;
};

/// Divides magnitudes by their geometric mean; channels that are all zero have it.
void normalize(Factors &magnitudes) {
  double logs = 0, count = 0;
  for (double m : magnitudes)
    if (m > 0) {
      logs += std::log2(m);
      ++count;
    }
  double mean = count ? std::exp2(logs / count) : 1;
  for (double &m : magnitudes)
    m = m > 0 ? m / mean : 1;
}

/// Factors of the least error relative to that of all factors being 1; empty where
/// they leave more than `worthwhile` of it.
Factors chooseFactors(ArrayRef<Channels> tensors, ArrayRef<Reader> readers, int64_t count,
                      double worthwhile) {
  // Larger ones could leave the range of f32 where groups meet.
  constexpr double kMost = 24;
  Factors activations(count, 0), weights(count, 0), ones(count, 1);
  for (const Channels &tensor : tensors)
    for (int64_t c = 0; c < tensor.count(); ++c)
      activations[tensor.first + c] =
          std::max(activations[tensor.first + c], tensor.magnitude(c));
  for (const Reader &reader : readers)
    reader.raise(weights);
  normalize(activations);
  normalize(weights);

  auto errorsOf = [&](ArrayRef<double> t) {
    double rounding = 0;
    for (const Channels &tensor : tensors)
      rounding += tensor.isRounded ? tensor.roundingError(t) : 0;
    return llvm::map_to_vector(
        readers, [&](const Reader &reader) { return reader.error(t, rounding); });
  };
  SmallVector<double> before = errorsOf(ones);
  Factors best;
  double least = worthwhile * readers.size();
  for (bool balance : {true, false})
    for (double alpha : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      Factors t(count);
      for (int64_t c = 0; c < count; ++c) {
        double exponent = alpha * std::log2(activations[c]) +
                          (balance ? (alpha - 1) * std::log2(weights[c]) : 0);
        t[c] = std::exp2(std::clamp(exponent, -kMost, kMost));
      }
      double error = 0;
      for (auto [scaled, unscaled] : llvm::zip_equal(errorsOf(t), before))
        error += unscaled > 0 ? scaled / unscaled : 1;
      if (error < least) {
        least = error;
        best = std::move(t);
      }
    }
  return best;
}

/// What a contraction's channels are multiplied by, the outputs' divided by; either is
/// empty where its channels stay.
struct ChannelFactors {
  Factors outputs, inputs;
};

/// Scales a contraction's constants by one after the other. All at once, as every
/// constant that is made stays in memory.
void scaleWeights(Operation *op, ArrayRef<ChannelFactors> all) {
  auto weights = ContractionWeights::read(op);
  bool isBiasScaled = false;
  for (const ChannelFactors &factors : all) {
    ArrayRef<double> outputs = factors.outputs, inputs = factors.inputs;
    weights->forEach([&](float &w, int64_t o, int64_t c) {
      w *= (outputs.empty() ? 1 : 1 / outputs[o]) * (inputs.empty() ? 1 : inputs[c]);
    });
    if (op->getNumOperands() < 3 || outputs.empty())
      continue;
    isBiasScaled = true;
    for (auto [b, factor] : llvm::zip_equal(weights->bias, outputs))
      b /= factor;
  }
  setConstantOperand(op, 1, std::move(weights->tensor));
  if (!isBiasScaled)
    return;
  HostTensor bias(ElementKind::F32, {weights->outputs()});
  llvm::copy(weights->bias, bias.as<float>().begin());
  setConstantOperand(op, 2, std::move(bias));
}

/// What calibration would have seen had channel c been divided by t[c].
void scaleStatistics(Value value, const Channels &channels, ArrayRef<double> t) {
  Operation *op = value.getDefiningOp();
  Builder builder(op->getContext());
  auto [min, max] = channels.range(t);
  SmallVector<float> bounds(channels.bounds), powers(channels.powers);
  for (auto [c, factor] : llvm::enumerate(channels.factorsIn(t))) {
    bounds[2 * c] /= factor;
    bounds[2 * c + 1] /= factor;
    powers[c] /= factor * factor;
  }
  op->setAttr(kRangeAttr,
              builder.getArrayAttr({qnn::RangeAttr::get(op->getContext(), min, max)}));
  op->setAttr(kChannelRangesAttr, builder.getDenseF32ArrayAttr(bounds));
  op->setAttr(kChannelPowersAttr, builder.getDenseF32ArrayAttr(powers));
}

void scaleMeans(Operation *op, ArrayRef<double> t) {
  auto means = op->getAttrOfType<DenseF32ArrayAttr>(kInputMeansAttr);
  if (!means || means.size() != static_cast<int64_t>(t.size()))
    return;
  SmallVector<float> scaled(means.asArrayRef());
  for (auto [mean, factor] : llvm::zip_equal(scaled, t))
    mean /= factor;
  op->setAttr(kInputMeansAttr, DenseF32ArrayAttr::get(op->getContext(), scaled));
}

/// Puts a multiplication behind an op that divides each channel of its result by
/// its factor, and gives what the readers read instead.
Value divideResult(OpBuilder &builder, Operation *op, ArrayRef<double> factors,
                   function_ref<bool(OpOperand &)> isReader) {
  Value result = op->getResult(0);
  HostTensor inverses(ElementKind::F32, {static_cast<int64_t>(factors.size())});
  for (auto [inverse, factor] : llvm::zip_equal(inverses.as<float>(), factors))
    inverse = static_cast<float>(1 / factor);
  builder.setInsertionPointAfter(op);
  auto type = RankedTensorType::get(inverses.shape, builder.getF32Type());
  Value constant = qnn::ConstantOp::create(builder, op->getLoc(), type,
                                           makeConstant(std::move(inverses), type));
  auto quotient = qnn::MulOp::create(builder, op->getLoc(), result.getType(), result, constant);
  result.replaceUsesWithIf(quotient, [&](OpOperand &use) {
    return use.getOwner() != quotient && isReader(use);
  });
  return quotient;
}

class Equalizer {
public:
  int64_t run(func::FuncOp func) {
    // All are chosen before any is applied. The last first: what an error counts
    // depends on who reads the channel.
    std::vector<Plan> plans;
    Importance importance;
    SmallVector<ChannelGroup> groups = channelGroups(func);
    for (const ChannelGroup &group : groups)
      for (const ChannelGroup::Writer &writer : group.writers)
        importance[writer.contraction] = {};
    // What is float can be divided for the contractions alone: no others see it.
    SmallVector<ChannelGroup> ofFloats = floatGroups(func);
    for (const ChannelGroup &group : llvm::reverse(groups))
      if (auto plan = choose(group, importance))
        plans.push_back(std::move(*plan));
    for (const ChannelGroup &group : ofFloats)
      if (auto plan = choose(group, importance))
        plans.push_back(std::move(*plan));
    apply(plans);
    return plans.size();
  }

  static bool divide(const ChannelGroup &group, ArrayRef<double> factors) {
    Plan plan{group, {}, Factors(factors)};
    for (const ChannelGroup::Tensor &tensor : group.tensors) {
      auto seen = statisticsOf(tensor);
      if (!seen)
        return false;
      plan.tensors.push_back(*seen);
    }
    apply(plan);
    return true;
  }

private:
  struct Plan {
    const ChannelGroup &group;
    SmallVector<Channels> tensors;
    Factors factors;
  };
  /// What the power of an error in each channel of a writer's result counts; empty
  /// where that isn't known yet.
  using Importance = llvm::DenseMap<Operation *, Factors>;
  /// What the constants of contractions are still to be scaled by.
  using WeightFactors = llvm::MapVector<Operation *, SmallVector<ChannelFactors, 2>>;

  /// In a tensor that may be scaled the channels' sizes mean nothing: they count by
  /// what readers make of them, else relative to their own power. In all others an
  /// error is an error.
  static Factors importanceOf(Operation *op, int64_t outputs, const Importance &known) {
    auto writer = known.find(op);
    if (writer == known.end())
      return Factors(outputs, 1);
    if (!writer->second.empty())
      return writer->second;
    auto powers = op->getAttrOfType<DenseF32ArrayAttr>(kChannelPowersAttr);
    if (!powers || powers.size() != outputs)
      return Factors(outputs, 1);
    return llvm::map_to_vector(powers.asArrayRef(),
                               [](float power) { return power > 0 ? 1.0 / power : 0; });
  }

  static std::optional<Plan> choose(const ChannelGroup &group, Importance &importance) {
    // Functions whose channels are scaled aren't tables any more.
    constexpr double kWorthwhile = 0.9, kWorthMultiplying = 0.75;
    SmallVector<Channels> tensors;
    llvm::DenseMap<Value, Channels> channels;
    for (const ChannelGroup::Tensor &tensor : group.tensors) {
      auto seen = statisticsOf(tensor);
      if (!seen)
        return std::nullopt;
      if (group.isOfFloats())
        seen->holdAll();
      tensors.push_back(*seen);
      channels.try_emplace(tensor.value, *seen);
    }
    std::vector<Reader> readers;
    Factors sums(group.channels, 0);
    for (auto [op, first] : group.readers) {
      auto weights = ContractionWeights::read(op);
      int64_t outputs = weights->outputs();
      readers.emplace_back(channels.at(op->getOperand(0)), std::move(*weights),
                           importanceOf(op, outputs, importance));
      readers.back().addImportance(sums);
    }
    for (const auto &[op, function, first] : group.writers)
      if (op)
        importance[op] =
            Factors(ArrayRef(sums).slice(first, channelsOf(op->getResult(0))));
    Factors t = chooseFactors(tensors, readers, group.channels,
                              group.replacesTables() ? kWorthMultiplying : kWorthwhile);
    if (t.empty())
      return std::nullopt;
    return Plan{group, std::move(tensors), std::move(t)};
  }

  static void apply(ArrayRef<Plan> plans) {
    WeightFactors factors;
    for (const Plan &plan : plans)
      apply(plan, factors);
    for (const auto &[op, all] : factors)
      scaleWeights(op, all);
  }

  static void apply(const Plan &plan, WeightFactors &factors) {
    const auto &[group, tensors, t] = plan;
    OpBuilder builder(group.readers.front().contraction);
    auto factorsOf = [&t = t](Value value, int64_t first) {
      return Factors(ArrayRef(t).slice(first, channelsOf(value)));
    };
    for (auto [op, first] : group.readers) {
      Factors own = factorsOf(op->getOperand(0), first);
      scaleMeans(op, own);
      factors[op].push_back({{}, std::move(own)});
    }
    auto isReader = [&group = group](OpOperand &use) {
      return !group.isOfFloats() || llvm::any_of(group.readers, [&](const auto &reader) {
        return reader.contraction == use.getOwner();
      });
    };
    llvm::DenseMap<Value, Value> quotients;
    for (const auto &[op, function, first] : group.writers)
      if (function)
        quotients[function->getResult(0)] = divideResult(
            builder, function, factorsOf(function->getResult(0), first), isReader);
      else
        factors[op].push_back({factorsOf(op->getResult(0), first), {}});
    for (auto [tensor, seen] : llvm::zip_equal(group.tensors, tensors)) {
      Value quotient = quotients.lookup(tensor.value);
      scaleStatistics(quotient ? quotient : tensor.value, seen, t);
    }
  }
};

struct EqualizePass : dyadic::impl::EqualizeBase<EqualizePass> {
  using EqualizeBase::EqualizeBase;

  void runOnOperation() override { numEqualized += equalizeChannels(getOperation()); }
};
} // namespace

int64_t dyadic::equalizeChannels(func::FuncOp func) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return 0;
  return Equalizer().run(func);
}

bool dyadic::divideChannels(const ChannelGroup &group, ArrayRef<double> factors) {
  return Equalizer::divide(group, factors);
}
