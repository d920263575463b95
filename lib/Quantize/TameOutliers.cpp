//===- TameOutliers.cpp - a few channels behind a function ----------------===//
//
// No factor passes through a GELU, but far from zero it is the identity. A channel
// c of a contraction's sums u whose values f(u) are many times those of all others
// gets
//
//   γ · f((u − b) / t)  ≈  f(u),
//
// where t, b and γ go into the constants before and behind f. In transformers such
// channels are switches: for one token they take one large value and are nothing for
// all others. What the range cuts off then costs nothing either.
//
//===----------------------------------------------------------------------===//
#include "FloatRegions.h"

#include "dyadic/Dialect/QNN/ChannelAttrs.h"
#include "dyadic/Quantize/Recover.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Simplify/ContractionWeights.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
/// A function of a contraction's sums that another contraction reads alone.
struct Site {
  Operation *writer, *function, *reader;
  /// The channels that stand out, and the magnitude of the largest of the others.
  SmallVector<int64_t> outliers;
  double limit;
};

/// f((u − shift) / divisor) · factor stands for f(u).
struct Bend {
  double divisor = 1, shift = 0, factor = 1;
};

using Elements = SmallVector<float, 0>;
} // namespace

static bool isScalable(Operation *op) {
  return isa_and_nonnull<qnn::Conv2DOp, qnn::MatmulOp>(op) &&
         ContractionWeights::read(op).has_value();
}

/// Finds the channels that reach more than half as far again as all but a few.
static bool findOutliers(Site &site) {
  constexpr double kFarther = 1.5;
  constexpr size_t kOthers = 200; // for each channel that may stand out
  auto bounds = site.function->getAttrOfType<DenseF32ArrayAttr>(kChannelRangesAttr);
  if (!bounds || bounds.empty())
    return false;
  SmallVector<double> most;
  double least = 0;
  for (int64_t c = 0; c < bounds.size(); c += 2) {
    least = std::min<double>(least, bounds[c]);
    most.push_back(bounds[c + 1]);
  }
  SmallVector<double> sorted(most);
  if (sorted.size() < 2)
    return false;
  llvm::sort(sorted, std::greater<>());
  double cutoff = kFarther * sorted[std::max<size_t>(sorted.size() / kOthers, 1)];
  site.limit = -least;
  for (auto [c, magnitude] : llvm::enumerate(most))
    if (magnitude > cutoff)
      site.outliers.push_back(c);
    else
      site.limit = std::max(site.limit, magnitude);
  return !site.outliers.empty() && site.limit > 0;
}

static SmallVector<Site> findSites(func::FuncOp func) {
  SmallVector<Site> sites;
  for (Operation &op : func.getBody().getOps()) {
    if (!isa<qnn::GeluOp, qnn::SwishOp>(op) || !op.hasOneUse())
      continue;
    Site site{op.getOperand(0).getDefiningOp(), &op, *op.user_begin(), {}, 0};
    if (isScalable(site.writer) && site.writer->hasOneUse() && isScalable(site.reader) &&
        site.reader->getOperand(0) == op.getResult(0) &&
        calibratedRange(site.writer->getResult(0)) && calibratedRange(op.getResult(0)) &&
        findOutliers(site))
      sites.push_back(std::move(site));
  }
  return sites;
}

/// The sums of each site's outliers on all samples.
static FailureOr<std::vector<std::vector<Elements>>>
sumsOf(func::FuncOp func, ArrayRef<Site> sites, const SampleTensors &samples) {
  using Sums = std::vector<std::vector<Elements>>; // by site and outlier
  Sums none;
  for (const Site &site : sites)
    none.emplace_back(site.outliers.size());
  std::vector<Sums> bySample(samples.size(), none);
  auto run = [&](size_t s) {
    return interpret(func, samples[s], [&](Value value, const HostTensor &tensor) {
      for (auto [site, sums] : llvm::zip_equal(sites, bySample[s])) {
        if (value.getDefiningOp() != site.writer)
          continue;
        ArrayRef<float> elements = tensor.as<float>();
        for (size_t row = 0; row < elements.size(); row += tensor.shape.back())
          for (auto [c, outlier] : llvm::zip_equal(site.outliers, sums))
            outlier.push_back(elements[row + c]);
      }
    });
  };
  if (failed(failableParallelForEachN(func.getContext(), 0, samples.size(), run)))
    return failure();
  for (Sums &sums : bySample)
    for (auto [all, mine] : llvm::zip_equal(none, sums))
      for (auto [outlier, elements] : llvm::zip_equal(all, mine))
        outlier.append(elements);
  return none;
}

/// What the bent function gives for `u`, in steps of `limit` / 255 and no more than it.
static double evaluate(Operation *function, const Bend &bend, double limit, float u) {
  double step = limit / 255;
  auto round = [&](double x) { return std::min(std::nearbyint(x / step) * step, limit); };
  // The range in front of the function reaches about half as far below zero.
  double x = std::max(round((u - bend.shift) / bend.divisor), -limit / 2);
  float operand = static_cast<float>(x);
  return round(cast<qnn::ElementwiseOpInterface>(function).evaluateAt(operand));
}

/// The bend of the least squared error on `sums`; `factor` is what fits best.
static Bend chooseBend(Operation *function, double limit, ArrayRef<float> sums) {
  constexpr int kShifts = 24;
  double most = *llvm::max_element(sums);
  Elements wanted(sums.size());
  cast<qnn::ElementwiseOpInterface>(function).evaluate(sums, wanted);
  Bend best;
  double least = INFINITY;
  for (double divisor : {1.0, 1.5, 2.0, 3.0, 4.0})
    for (int i = 0; i <= kShifts; ++i) {
      Bend bend{divisor, 0.75 * most * i / kShifts, 1};
      double squares = 0, products = 0, power = 0;
      for (auto [u, y] : llvm::zip_equal(sums, wanted)) {
        double x = evaluate(function, bend, limit, u);
        squares += x * x;
        products += x * y;
        power += static_cast<double>(y) * y;
      }
      if (squares <= 0 || products <= 0)
        continue;
      double error = power - products * products / squares;
      if (error >= least)
        continue;
      least = error;
      bend.factor = products / squares;
      best = bend;
    }
  return best;
}

/// Ends the range of an op's result at `limit`: what reaches farther is bent, and
/// what the observer has cut off of the others wasn't in the way of anything else.
static void limitRange(Operation *op, double limit) {
  qnn::RangeAttr range = calibratedRange(op->getResult(0));
  auto limited = qnn::RangeAttr::get(op->getContext(), range.getMin(), limit);
  op->setAttr(kRangeAttr, ArrayAttr::get(op->getContext(), {limited}));
}

/// What calibration would have seen of `op`'s channel, had it taken `values`.
static void setStatistics(Operation *op, int64_t channel, ArrayRef<float> values) {
  auto ranges = op->getAttrOfType<DenseF32ArrayAttr>(kChannelRangesAttr);
  auto powers = op->getAttrOfType<DenseF32ArrayAttr>(kChannelPowersAttr);
  if (!ranges || !powers)
    return;
  SmallVector<float> newRanges(ranges.asArrayRef()), newPowers(powers.asArrayRef());
  newRanges[2 * channel] = *llvm::min_element(values);
  newRanges[2 * channel + 1] = *llvm::max_element(values);
  double sum = 0;
  for (float x : values)
    sum += static_cast<double>(x) * x;
  newPowers[channel] = sum / values.size();
  op->setAttr(kChannelRangesAttr, DenseF32ArrayAttr::get(op->getContext(), newRanges));
  op->setAttr(kChannelPowersAttr, DenseF32ArrayAttr::get(op->getContext(), newPowers));
}

static void setMean(Operation *reader, int64_t channel, ArrayRef<float> values) {
  auto means = reader->getAttrOfType<DenseF32ArrayAttr>(kInputMeansAttr);
  if (!means)
    return;
  SmallVector<float> changed(means.asArrayRef());
  double sum = 0;
  for (float x : values)
    sum += x;
  changed[channel] = sum / values.size();
  reader->setAttr(kInputMeansAttr, DenseF32ArrayAttr::get(reader->getContext(), changed));
}

static void tame(const Site &site, ArrayRef<Elements> sums) {
  auto writer = ContractionWeights::read(site.writer);
  auto reader = ContractionWeights::read(site.reader);
  for (auto [c, elements] : llvm::zip_equal(site.outliers, sums)) {
    Bend bend = chooseBend(site.function, site.limit, elements);
    auto isOutlier = [channel = c](int64_t other) { return other == channel; };
    writer->scale([&](int64_t o, int64_t) { return isOutlier(o) ? 1 / bend.divisor : 1; });
    reader->scale([&](int64_t, int64_t i) { return isOutlier(i) ? bend.factor : 1; });
    writer->bias[c] = (writer->bias[c] - bend.shift) / bend.divisor;
    Elements before, behind;
    for (float u : elements) {
      before.push_back((u - bend.shift) / bend.divisor);
      behind.push_back(evaluate(site.function, bend, site.limit, u));
    }
    setStatistics(site.writer, c, before);
    setStatistics(site.function, c, behind);
    setMean(site.reader, c, behind);
  }
  HostTensor bias(ElementKind::F32, {writer->outputs()});
  llvm::copy(writer->bias, bias.as<float>().begin());
  setConstantOperand(site.writer, 2, std::move(bias));
  setConstantOperand(site.writer, 1, std::move(writer->tensor));
  setConstantOperand(site.reader, 1, std::move(reader->tensor));
  limitRange(site.writer, site.limit);
  limitRange(site.function, site.limit);
}

FailureOr<int64_t> dyadic::tameOutliers(func::FuncOp func, const SampleTensors &samples) {
  SmallVector<Site> sites = findSites(func);
  if (sites.empty() || samples.empty())
    return 0;
  auto sums = sumsOf(func, sites, samples);
  if (failed(sums))
    return failure();
  int64_t count = 0;
  for (auto [site, outliers] : llvm::zip_equal(sites, *sums)) {
    tame(site, outliers);
    count += site.outliers.size();
  }
  return count;
}
