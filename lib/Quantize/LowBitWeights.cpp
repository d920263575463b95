//===- LowBitWeights.cpp - weights of four bits ---------------------------===//
#include "LowBitWeights.h"

#include "dyadic/Support/FixedPoint.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace dyadic;
using llvm::ArrayRef;

double dyadic::leastErrorScale(ArrayRef<float> weights, int32_t max) {
  float magnitude = 0;
  for (float w : weights)
    magnitude = std::max(magnitude, std::fabs(w));
  double widest = chooseSymmetricScale(magnitude, max), best = widest;
  double leastError = std::numeric_limits<double>::infinity();
  for (int part = 64; part >= 32; --part) {
    double scale = widest * part / 64, error = 0;
    for (float w : weights) {
      double q = std::min<double>(std::max<double>(roundHalfEven(w / scale), -max), max);
      error += (w - q * scale) * (w - q * scale);
    }
    if (error < leastError) {
      leastError = error;
      best = scale;
    }
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Factors of groups
//===----------------------------------------------------------------------===//

NumberRange dyadic::numbersFor(int factor) {
  bool fits = -GroupFactors::kLeastNumber * std::abs(factor) <= GroupFactors::kMostProduct;
  return {GroupFactors::kLeastNumber + !fits, GroupFactors::kMostNumber};
}

/// The largest factor, of which seven times is a product still.
static constexpr int kMostFactor = GroupFactors::kMostProduct / GroupFactors::kMostNumber;

/// Σ (w − step · number)² with the nearest numbers of a range. In f32, so that compilers
/// make vectors of it: the sum of a group is short.
static float errorOf(ArrayRef<float> weights, float step, NumberRange numbers) {
  // Adding and subtracting it rounds to an integer.
  constexpr float kMagic = 12582912;
  float inverse = 1 / step, error = 0;
  float least = static_cast<float>(numbers.least), most = static_cast<float>(numbers.most);
  for (float w : weights) {
    float x = w * inverse;
    float number = (std::min(std::max(x, least), most) + kMagic) - kMagic;
    error += (number - x) * (number - x);
  }
  return error * step * step;
}

/// The signed step of the least error of a group whose factor could be any number.
static double bestStep(ArrayRef<float> weights) {
  float low = 0, high = 0;
  for (float w : weights) {
    low = std::min(low, w);
    high = std::max(high, w);
  }
  double best = 0;
  float least = std::numeric_limits<float>::infinity();
  NumberRange numbers = numbersFor(1);
  for (int sign : {1, -1}) {
    double below = sign > 0 ? low : -high, above = sign > 0 ? high : -low;
    double widest = std::max(below / numbers.least, above / numbers.most);
    for (int part = 32; part >= 16 && widest > 0; --part) {
      double step = sign * widest * part / 32;
      if (float error = errorOf(weights, static_cast<float>(step), numbers); error < least) {
        least = error;
        best = step;
      }
    }
  }
  return best;
}

/// The factor of the least error among those about `wanted`, and that error.
static std::pair<int, float> bestFactor(ArrayRef<float> weights, double scale,
                                        double wanted) {
  int sign = wanted < 0 ? -1 : 1, nearest = static_cast<int>(std::fabs(wanted));
  std::pair<int, float> best{sign, std::numeric_limits<float>::infinity()};
  for (int magnitude = nearest - 1; magnitude <= nearest + 2; ++magnitude) {
    int factor = sign * std::min(std::max(magnitude, 1), kMostFactor);
    float error =
        errorOf(weights, static_cast<float>(factor * scale), numbersFor(factor));
    if (error < best.second)
      best = {factor, error};
  }
  return best;
}

double dyadic::chooseFactors(GroupFactors &factors, int64_t o, ArrayRef<float> weights,
                             double leastScale) {
  auto groupOf = [&](int64_t g) {
    int64_t first = g * factors.group;
    return weights.slice(first, std::min(factors.group, factors.depth - first));
  };
  std::vector<double> steps;
  double largest = 0;
  for (int64_t g = 0; g < factors.groups(); ++g) {
    steps.push_back(bestStep(groupOf(g)));
    largest = std::max(largest, std::fabs(steps.back()));
  }
  double bestScale = leastScale, leastError = std::numeric_limits<double>::infinity();
  std::vector<int> chosen(steps.size());
  // The largest step may be any of the upper factors: the others then divide the rest
  // of them differently.
  for (int largestFactor = kMostFactor; largestFactor > kMostFactor / 2; --largestFactor) {
    double scale = std::max(largest / largestFactor, leastScale), error = 0;
    for (int64_t g = 0; g < factors.groups(); ++g) {
      auto [factor, ofGroup] = bestFactor(groupOf(g), scale, steps[g] / scale);
      chosen[g] = factor;
      error += ofGroup;
    }
    if (!(error < leastError))
      continue;
    leastError = error;
    bestScale = scale;
    for (int64_t g = 0; g < factors.groups(); ++g)
      factors.at(o, g * factors.group) = static_cast<int8_t>(chosen[g]);
  }
  return bestScale;
}

void dyadic::roundToFactors(CodedIntegers &integers, int64_t o, ArrayRef<float> weights,
                            double scale) {
  for (auto [k, w] : llvm::enumerate(weights)) {
    int factor = integers.factors.at(o, k);
    NumberRange range = numbersFor(factor);
    double number = roundHalfEven(w / (scale * factor));
    integers.numbers[o * integers.factors.depth + k] = static_cast<int8_t>(
        std::min<double>(std::max<double>(number, range.least), range.most));
  }
}

//===----------------------------------------------------------------------===//
// Codebooks
//===----------------------------------------------------------------------===//

int8_t dyadic::nearestEntry(ArrayRef<int8_t> codebook, double value) {
  int8_t best = codebook.front();
  for (int8_t entry : codebook)
    if (std::abs(entry - value) < std::abs(best - value))
      best = entry;
  return best;
}

namespace {
/// Optimal one-dimensional k-means over integers: clusters are intervals, so
/// the least error of the first i values in c clusters follows from those of
/// fewer values in c − 1.
class Clusters {
public:
  explicit Clusters(ArrayRef<double> weights)
      : count(weights.size()), first(-int64_t(count) / 2) {
    for (double weight : weights) {
      double value = first + int64_t(sums.size()) - 1;
      sums.push_back({sums.back().weight + weight,
                      sums.back().linear + weight * value,
                      sums.back().square + weight * value * value});
    }
  }

  std::vector<int8_t> choose(int entries) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    std::vector<std::vector<double>> error(
        entries + 1, std::vector<double>(count + 1, infinity));
    std::vector<std::vector<int>> from(entries + 1,
                                       std::vector<int>(count + 1, 0));
    error[0][0] = 0;
    for (int c = 1; c <= entries; ++c)
      for (int end = 0; end <= count; ++end)
        for (int begin = 0; begin <= end; ++begin) {
          double sum = error[c - 1][begin] +
                       (begin == end ? 0 : cost(begin, end));
          if (sum < error[c][end]) {
            error[c][end] = sum;
            from[c][end] = begin;
          }
        }
    std::vector<int8_t> centres;
    for (int c = entries, end = count; c > 0; end = from[c--][end])
      if (from[c][end] < end)
        centres.push_back(centre(from[c][end], end));
    return centres;
  }

private:
  struct Sums {
    double weight = 0, linear = 0, square = 0;
  };

  Sums between(int begin, int end) const {
    return {sums[end].weight - sums[begin].weight,
            sums[end].linear - sums[begin].linear,
            sums[end].square - sums[begin].square};
  }
  /// The integer that stands for the values in [begin, end); zero if zero is
  /// among them, so that nothing that is zero becomes something.
  int8_t centre(int begin, int end) const {
    Sums s = between(begin, end);
    if ((begin <= -first && -first < end) || !(s.weight > 0))
      return 0;
    return static_cast<int8_t>(roundHalfEven(s.linear / s.weight));
  }
  double cost(int begin, int end) const {
    Sums s = between(begin, end);
    double c = centre(begin, end);
    return std::max(s.square - 2 * c * s.linear + c * c * s.weight, 0.0);
  }

  int count;
  int64_t first;
  std::vector<Sums> sums = std::vector<Sums>(1);
};
} // namespace

std::vector<int8_t> dyadic::chooseCodebook(ArrayRef<double> weights, int entries) {
  std::vector<int8_t> codebook = Clusters(weights).choose(entries);
  llvm::sort(codebook);
  codebook.erase(llvm::unique(codebook), codebook.end());
  codebook.resize(entries, codebook.empty() ? 0 : codebook.back());
  return codebook;
}
