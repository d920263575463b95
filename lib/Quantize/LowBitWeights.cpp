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
