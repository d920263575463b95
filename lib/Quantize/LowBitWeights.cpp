//===- LowBitWeights.cpp - weights of four bits ---------------------------===//
#include "LowBitWeights.h"

#include "FloatRegions.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Support/FixedPoint.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/GlobPattern.h"

#include <cmath>
#include <limits>
#include <tuple>

using namespace mlir;
using namespace dyadic;

std::optional<WeightKind> dyadic::parseWeightKind(StringRef name) {
  return llvm::StringSwitch<std::optional<WeightKind>>(name)
      .Case("int8", WeightKind::Int8)
      .Case("int4", WeightKind::Int4)
      .Case("codebook4", WeightKind::Codebook4)
      .Default(std::nullopt);
}

int32_t dyadic::largestWeight(WeightKind kind) {
  return kind == WeightKind::Int4 ? 7 : 127;
}

WeightKind dyadic::weightKindOf(Operation *contraction) {
  auto name = contraction->getAttrOfType<StringAttr>(kWeightKindAttr);
  return name ? parseWeightKind(name).value_or(WeightKind::Int8)
              : WeightKind::Int8;
}

//===----------------------------------------------------------------------===//
// Which weights
//===----------------------------------------------------------------------===//

static bool isContraction(Operation *op) {
  auto quantizable = dyn_cast<qnn::QuantizableOpInterface>(op);
  return quantizable &&
         quantizable.getQuantKind() == qnn::QuantKind::Contraction;
}

static bool isDepthwise(Operation *op) {
  auto conv = dyn_cast<qnn::Conv2DOp>(op);
  return conv && conv.getGroups() > 1 &&
         cast<RankedTensorType>(conv.getFilter().getType()).getDimSize(3) == 1;
}

static bool nameMatches(Operation *op, const llvm::GlobPattern &pattern) {
  return op->getLoc()
      ->walk([&](Location loc) {
        auto name = dyn_cast<NameLoc>(loc);
        return name && pattern.match(name.getName().getValue())
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

LogicalResult dyadic::chooseWeightKinds(func::FuncOp func,
                                        ArrayRef<std::string> choices) {
  for (StringRef choice : choices) {
    StringRef pattern = "*", kind = choice;
    if (choice.contains('='))
      std::tie(pattern, kind) = choice.rsplit('=');
    if (!parseWeightKind(kind))
      return func.emitError() << "expected weights of kind int8, int4 or "
                                 "codebook4, but got "
                              << kind;
    auto glob = llvm::GlobPattern::create(pattern);
    if (!glob) {
      llvm::consumeError(glob.takeError());
      return func.emitError() << "expected a pattern of names, but got "
                              << pattern;
    }
    bool all = pattern == "*", any = all;
    func.walk([&](Operation *op) {
      if (!isContraction(op) || (!all && !nameMatches(op, *glob)))
        return;
      any = true;
      if (!isDepthwise(op))
        op->setAttr(kWeightKindAttr, StringAttr::get(op->getContext(), kind));
    });
    if (!any)
      return func.emitError() << "there is no convolution or matrix product "
                                 "named \""
                              << pattern << "\" whose weights could be " << kind;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Their values
//===----------------------------------------------------------------------===//

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

std::array<int8_t, 16> dyadic::chooseCodebook(ArrayRef<double> weights) {
  std::vector<int8_t> centres = Clusters(weights).choose(16);
  llvm::sort(centres);
  centres.erase(llvm::unique(centres), centres.end());
  std::array<int8_t, 16> codebook;
  codebook.fill(centres.empty() ? 0 : centres.back());
  llvm::copy(centres, codebook.begin());
  return codebook;
}
