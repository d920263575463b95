//===- WeightGrids.cpp - grids that fit weights ---------------------------===//
#include "LowBitWeights.h"
#include "WeightFormat.h"

#include "dyadic/Support/BFloat16.h"
#include "dyadic/Support/FixedPoint.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace dyadic;
using llvm::ArrayRef;
using Values = WeightFormat::Values;

/// Dettmers et al., "QLoRA" (2023), appendix E: quantiles of a normal
/// distribution, with zero among them, divided by the largest.
static constexpr float kNormalFloat4[] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f};

/// 0, 2^0 … 2^−7 and −2^0 … −2^−6.
static std::vector<float> powersOfTwo() {
  std::vector<float> values{0.0f};
  for (int i = 0; i < 8; ++i)
    values.push_back(std::ldexp(1.0f, -i));
  for (int i = 0; i < 7; ++i)
    values.push_back(-std::ldexp(1.0f, -i));
  llvm::sort(values);
  return values;
}

static double largestMagnitude(ArrayRef<float> weights) {
  double magnitude = 0;
  for (float w : weights)
    magnitude = std::max<double>(magnitude, std::fabs(w));
  return magnitude;
}

/// The scale as it is stored: the bf16 nearest to `scale`, and never zero.
static float storedScale(double scale, bool isNarrow) {
  float value = std::max<float>(scale, std::numeric_limits<float>::min());
  return isNarrow ? widenBF16Bits(roundToBF16Bits(value)) : value;
}

namespace {
/// What rounding a group costs, with a scale and a zero point.
class GroupError {
public:
  GroupError(ArrayRef<float> values, ArrayRef<float> weights,
             ArrayRef<float> importance)
      : values(values), weights(weights), importance(importance) {
    for (size_t i = 0; i + 1 < values.size(); ++i) {
      middles.push_back((values[i] + values[i + 1]) / 2);
      steps.push_back(values[i + 1] - values[i]);
    }
  }

  double operator()(float scale, float zero) const {
    float inverse = 1 / scale, error = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      float x = weights[i] * inverse + zero, value = values.front();
      for (size_t j = 0; j < middles.size(); ++j)
        value += x > middles[j] ? steps[j] : 0;
      float difference = (value - x) * scale;
      error += difference * difference * (importance.empty() ? 1 : importance[i]);
    }
    return error;
  }

private:
  ArrayRef<float> values, weights, importance;
  std::vector<float> middles, steps;
};
} // namespace

/// The scale with which values from `low` to `high` cut nothing off, but on a side
/// without any.
static double widestScale(float low, float high, ArrayRef<float> weights) {
  double scale = 0;
  for (float w : weights)
    if (float end = w < 0 ? low : high; w * end > 0)
      scale = std::max<double>(scale, w / end);
  return scale;
}

/// The scales to try are these parts of the one that cuts nothing off.
static constexpr double kLeastPart = 0.5, kParts = 32;

static void fitSymmetric(CodedGrid &grid, int64_t at, bool isNarrow, bool search,
                         ArrayRef<float> weights, ArrayRef<float> importance) {
  double least = INFINITY;
  GroupError error(grid.values, weights, importance);
  // There is one more negative integer than positive ones: a negative scale gives it
  // to the other side.
  float low = grid.values.front(), high = grid.values.back();
  float before = storedScale(grid.scales[at], isNarrow);
  grid.scales[at] = storedScale(widestScale(low, high, weights), isNarrow);
  if (!search)
    return;
  if (before > std::numeric_limits<float>::min()) {
    least = error(before, 0);
    grid.scales[at] = before;
  }
  for (int sign = 1; sign >= (low == -high ? 1 : -1); sign -= 2) {
    double widest = sign > 0 ? widestScale(low, high, weights)
                             : widestScale(-high, -low, weights);
    for (int part = kParts; part >= kParts * kLeastPart && widest > 0; --part) {
      float scale = sign * storedScale(widest * part / kParts, isNarrow);
      if (double e = error(scale, 0); e < least) {
        least = e;
        grid.scales[at] = scale;
      }
    }
  }
}

static void fitAsymmetric(CodedGrid &grid, int64_t at, bool isNarrow, bool search,
                          ArrayRef<float> weights, ArrayRef<float> importance) {
  auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  double first = grid.values.front(), steps = grid.values.back() - first;
  GroupError error(grid.values, weights, importance);
  double least = INFINITY;
  constexpr int kMost = 12;
  int best[2] = {0, 0};
  auto attempt = [&](int cutLow, int cutHigh) {
    constexpr double kCut = 1.0 / 32;
    double l = *low * (1 - cutLow * kCut), h = *high * (1 - cutHigh * kCut);
    if (!(h > l))
      return;
    float scale = storedScale((h - l) / steps, isNarrow);
    double zero = roundHalfEven(first - l / scale);
    zero = std::min(std::max(zero, -128.0), 127.0);
    if (double e = error(scale, static_cast<float>(zero)); e < least) {
      least = e;
      best[0] = cutLow;
      best[1] = cutHigh;
      grid.scales[at] = scale;
      grid.zeros[at] = static_cast<int8_t>(zero);
    }
  };
  // Both ends alike, then one after the other.
  int most = search ? kMost : 0;
  for (int cut = 0; cut <= most; ++cut)
    attempt(cut, cut);
  for (int cut = 0; cut <= most; ++cut)
    attempt(cut, best[1]);
  for (int cut = 0; cut <= most; ++cut)
    attempt(best[0], cut);
  if (least < INFINITY)
    return;
  // All are one value, whose code is one from zero.
  grid.scales[at] = storedScale(std::fabs(*low), isNarrow);
  grid.zeros[at] = 0;
}

void dyadic::fitGroup(CodedGrid &grid, const WeightFormat &format, int64_t o,
                      int64_t g, ArrayRef<float> weights,
                      ArrayRef<float> importance) {
  int64_t at = grid.scaleOf(o, g * grid.group);
  bool isNarrow = grid.groups() > 1, search = format.bits < 8;
  if (format.asymmetric)
    return fitAsymmetric(grid, at, isNarrow, search, weights, importance);
  fitSymmetric(grid, at, isNarrow, search, weights, importance);
}

/// Calls `fn` with the channel, the number and the weights of each group.
template <typename Fn>
static void forGroups(const CodedGrid &grid, ArrayRef<float> weights, Fn fn) {
  if (grid.scales.size() == 1)
    return fn(0, 0, weights);
  for (int64_t o = 0; o < grid.channels; ++o)
    for (int64_t g = 0; g < grid.groups(); ++g) {
      int64_t begin = g * grid.group;
      fn(o, g, weights.slice(o * grid.depth + begin,
                             std::min(grid.group, grid.depth - begin)));
    }
}

/// Sixteen values (or fewer) that lose least: those of the weights' histogram,
/// optimal, then moved to the means of what is nearest to them.
static void learnCodebook(CodedGrid &grid, const WeightFormat &format,
                          ArrayRef<float> weights) {
  constexpr int kEnd = 127, kRounds = 3;
  int64_t entries = int64_t(1) << grid.bits;
  grid.values = {-kEnd, kEnd};
  std::vector<double> histogram(2 * kEnd + 1, 0);
  auto fitAll = [&] {
    forGroups(grid, weights, [&](int64_t o, int64_t g, ArrayRef<float> group) {
      fitGroup(grid, format, o, g, group);
    });
  };
  forGroups(grid, weights, [&](int64_t o, int64_t g, ArrayRef<float> group) {
    double scale = largestMagnitude(group) / kEnd;
    grid.scales[grid.scaleOf(o, g * grid.group)] = storedScale(scale, false);
    for (float w : group)
      if (scale > 0)
        histogram[kEnd + static_cast<int>(roundHalfEven(w / scale))] += scale * scale;
  });
  std::vector<int8_t> codebook = chooseCodebook(histogram, entries);
  grid.values.assign(codebook.begin(), codebook.end());
  for (int round = 0; round < kRounds; ++round) {
    fitAll();
    std::vector<double> sums(entries, 0), counts(entries, 0);
    for (int64_t o = 0; o < grid.channels; ++o)
      for (int64_t k = 0; k < grid.depth; ++k) {
        double w = weights[o * grid.depth + k],
               scale = grid.scales[grid.scaleOf(o, k)];
        unsigned code = grid.encode(o, k, w);
        sums[code] += scale * w;
        counts[code] += scale * scale;
      }
    for (int64_t i = 0; i < entries; ++i)
      if (counts[i] > 0 && grid.values[i] != 0)
        grid.values[i] = static_cast<float>(sums[i] / counts[i]);
    llvm::sort(grid.values);
  }
}

CodedGrid dyadic::makeGrid(const WeightFormat &format, ArrayRef<float> weights,
                            int64_t channels, int64_t depth) {
  CodedGrid grid;
  grid.channels = channels;
  grid.depth = depth;
  grid.group = format.group ? std::min(format.group, depth) : depth;
  grid.bits = format.bits;
  grid.scales.resize(format.perTensor ? 1 : channels * grid.groups());
  if (format.asymmetric)
    grid.zeros.resize(grid.scales.size());
  switch (format.values) {
  case Values::Integers:
    grid.values = CodedGrid::integers(format.bits);
    break;
  case Values::NormalFloat:
    grid.values.assign(std::begin(kNormalFloat4), std::end(kNormalFloat4));
    break;
  case Values::PowersOfTwo:
    grid.values = powersOfTwo();
    break;
  case Values::Codebook:
    learnCodebook(grid, format, weights);
    break;
  }
  forGroups(grid, weights, [&](int64_t o, int64_t g, ArrayRef<float> group) {
    fitGroup(grid, format, o, g, group);
  });
  return grid;
}

CodedWeights dyadic::roundWeights(CodedGrid grid, ArrayRef<float> weights) {
  CodedWeights coded{std::move(grid), {}};
  coded.codes.reserve(weights.size());
  for (int64_t o = 0; o < coded.grid.channels; ++o)
    for (int64_t k = 0; k < coded.grid.depth; ++k)
      coded.codes.push_back(
          coded.grid.encode(o, k, weights[o * coded.grid.depth + k]));
  return coded;
}
