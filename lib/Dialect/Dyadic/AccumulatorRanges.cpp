//===- AccumulatorRanges.cpp - bounds on integer sums ---------------------===//
//
// docs/Quantization.md, section "Bounds": positive and negative weights apart,
// so that the interval also holds every partial sum.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Support/ConstantData.h"

using namespace mlir;
using namespace dyadic;
using Ranges = SmallVector<AccumulatorRange>;

/// Widens `range` by one product `weight · x`, x in `input`, which may also be
/// absent (a partial sum).
static void addProduct(AccumulatorRange &range, int64_t weight,
                       StorageRange input) {
  int64_t a = weight * input.min, b = weight * input.max;
  range.min += std::min({a, b, int64_t{0}});
  range.max += std::max({a, b, int64_t{0}});
}

static void addBias(AccumulatorRange &range, int64_t bias) {
  range.min += std::min<int64_t>(bias, 0);
  range.max += std::max<int64_t>(bias, 0);
}

/// Weights of channel `c` at `base(c) + i · step`, `count` of them.
static FailureOr<Ranges> contractionRanges(FailureOr<HostTensor> w, Value bias,
                                           Type inputType, int64_t channels,
                                           int64_t channelStride,
                                           int64_t step) {
  FailureOr<HostTensor> b = readConstant(bias);
  if (failed(w) || failed(b))
    return failure();
  StorageRange input = storageRange(inputType);
  int64_t count = w->numElements() / std::max<int64_t>(channels, 1);
  Ranges ranges(channels);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < count; ++i)
      addProduct(ranges[c], w->get(c * channelStride + i * step), input);
    addBias(ranges[c], b->get(c));
  }
  return ranges;
}

FailureOr<Ranges> Conv2DOp::getAccumulatorRanges() {
  RankedTensorType filter = getFilter().getType();
  int64_t channels = filter.getDimSize(0);
  return contractionRanges(readWeights(getFilter(), getCodebook()), getBias(),
                           getInput().getType(), channels, filter.getNumElements() / channels, 1);
}

FailureOr<Ranges> MatmulOp::getAccumulatorRanges() {
  int64_t channels = getRhs().getType().getDimSize(1);
  return contractionRanges(readWeights(getRhs(), getCodebook()), getBias(),
                           getLhs().getType(), channels, 1, channels);
}

FailureOr<Ranges> dyadic::AddOp::getAccumulatorRanges() {
  AccumulatorRange range;
  StorageRange l = storageRange(getLhs().getType()),
               r = storageRange(getRhs().getType());
  int64_t lzp = static_cast<int32_t>(getLhsZp()),
          rzp = static_cast<int32_t>(getRhsZp());
  addProduct(range, static_cast<int32_t>(getLhsMultiplier()),
             {l.min - lzp, l.max - lzp});
  addProduct(range, static_cast<int32_t>(getRhsMultiplier()),
             {r.min - rzp, r.max - rzp});
  return Ranges{range};
}

/// The values of (x − xZp)·(y − yZp).
static AccumulatorRange productRange(StorageRange x, int64_t xZp,
                                     StorageRange y, int64_t yZp) {
  AccumulatorRange range{INT64_MAX, INT64_MIN};
  for (int64_t a : {x.min - xZp, x.max - xZp})
    for (int64_t b : {y.min - yZp, y.max - yZp}) {
      range.min = std::min(range.min, a * b);
      range.max = std::max(range.max, a * b);
    }
  return range;
}

/// What the elements of a tensor can be, as far as the op that makes it says.
static StorageRange rangeOf(Value value) {
  auto number = [](uint32_t x) { return static_cast<int32_t>(x); };
  if (auto op = value.getDefiningOp<RequantizeOp>())
    return {number(op.getClampMin()), number(op.getClampMax())};
  if (auto op = value.getDefiningOp<dyadic::ClampOp>()) {
    StorageRange input = rangeOf(op.getInput());
    auto clamped = [&](int64_t x) {
      return std::min<int64_t>(std::max<int64_t>(x, number(op.getMin())), number(op.getMax()));
    };
    return {clamped(input.min), clamped(input.max)};
  }
  return storageRange(value.getType());
}

FailureOr<Ranges> dyadic::MulOp::getAccumulatorRanges() {
  return Ranges{productRange(rangeOf(getLhs()), static_cast<int32_t>(getLhsZp()),
                             rangeOf(getRhs()), static_cast<int32_t>(getRhsZp()))};
}

FailureOr<Ranges> BatchMatmulOp::getAccumulatorRanges() {
  AccumulatorRange product = productRange(
      storageRange(getLhs().getType()), static_cast<int32_t>(getLhsZp()),
      storageRange(getRhs().getType()), static_cast<int32_t>(getRhsZp()));
  AccumulatorRange range;
  addProduct(range, getDepth(), {product.min, product.max});
  return Ranges{range};
}

static Ranges sumRanges(Type inputType, int64_t zeroPoint, int64_t count) {
  StorageRange input = storageRange(inputType);
  AccumulatorRange range;
  addProduct(range, count, {input.min - zeroPoint, input.max - zeroPoint});
  return {range};
}

FailureOr<Ranges> SumPool2DOp::getAccumulatorRanges() {
  return sumRanges(getInput().getType(), static_cast<int32_t>(getInputZp()),
                   getKernel()[0] * getKernel()[1]);
}

FailureOr<Ranges> ReduceSumOp::getAccumulatorRanges() {
  RankedTensorType input = getInput().getType();
  int64_t count = 1;
  for (int64_t axis : getAxes())
    count *= input.getDimSize(axis);
  return sumRanges(input, static_cast<int32_t>(getInputZp()), count);
}
