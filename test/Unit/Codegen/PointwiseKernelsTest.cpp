//===- PointwiseKernelsTest.cpp -------------------------------------------===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class PointwiseKernels : public KernelTest {
protected:
  Value unit(Value x) { return requantize(x, false, u8()); }
};

INSTANTIATE_TEST_SUITE_P(Targets, PointwiseKernels,
                         kernelTargets());

TEST_P(PointwiseKernels, Borders) {
  Value x = input({2, 5, 7, 3}, f32()), q = input({2, 5, 7, 3}, u8());
  check({quantize(x), dequantize(q), dequantize(quantize(x))});
}

TEST_P(PointwiseKernels, AddBroadcasts) {
  SmallVector<Value> results;
  for (int64_t channels : {1, 3, 7, 16, 40, 64, 72}) {
    Value x = input({2, 3, 5, channels}, u8());
    for (SmallVector<int64_t> shape :
         {SmallVector<int64_t>{2, 3, 5, channels}, {2, 1, 1, channels},
          {1, 3, 1, channels}, {2, 3, 5, 1}, {channels}, {1}, {2, 1, 5, 1}})
      results.push_back(unit(add(x, input(shape, u8()))));
  }
  check(results);
}

TEST_P(PointwiseKernels, AddOfBroadcastsOnBothSides) {
  check({unit(add(input({3, 1}, u8()), input({1, 5}, u8()))),
         unit(add(input({7}, u8()), input({2, 3, 7}, u8()))),
         unit(add(input({2, 1, 20}, u8()), input({3, 1}, u8())))});
}

TEST_P(PointwiseKernels, Chains) {
  Value x = input({2, 3, 5, 24}, u8()), y = input({2, 3, 5, 24}, u8()),
        gate = input({2, 1, 1, 24}, u8());
  Value product = unit(make<dyadic::MulOp>(lookup(x), gate, 128, 5));
  Value clamped = make<dyadic::ClampOp>(x.getType(), y, 17, 201);
  check({unit(add(product, clamped)), lookup(lookup(x)),
         requantize(x, true, i8()), requantize(y, false, i16()),
         lookup(input({3, 3}, i8()))});
}

/// A byte times a factor of 16 bits, rounded half up: with and without doublings,
/// for all types and zero points, and where a vector is neither full nor aligned.
TEST_P(PointwiseKernels, Factors) {
  SmallVector<Value> results;
  auto product = [&](Shape shape, Shape shared, Type from, Type to, int32_t zp,
                     int32_t multiplier, int32_t shift = 15) {
    Value x = input(shape, from),
          acc = make<dyadic::MulOp>(x, input(shared, i16()), zp, 0);
    bool isUnsigned = to.isUnsignedInteger();
    results.push_back(make<RequantizeOp>(
        typed(shape, to), acc, ArrayRef<int32_t>{multiplier},
        ArrayRef<int32_t>{shift}, 0, isUnsigned ? 131 : -5, isUnsigned ? 0 : -128,
        isUnsigned ? 255 : 100, Rounding::HalfUp));
  };
  for (int64_t channels : {1, 7, 24, 40, 64, 88, 192})
    product({1, 5, 9, channels}, {1, 1, 1, channels}, u8(), u8(), 12, 1);
  product({2, 3, 5, 64}, {2, 1, 1, 64}, u8(), i8(), 0, 2);
  product({2, 3, 5, 64}, {1, 1, 1, 64}, i8(), u8(), -128, 4);
  product({2, 3, 5, 64}, {2, 3, 5, 1}, i8(), i8(), 3, 1);
  product({6, 130}, {130}, u8(), u8(), 255, 1);
  // What isn't vpmulhrsw's: another shift, and 16 bits that would overflow.
  product({4, 64}, {64}, u8(), u8(), 128, 1, 14);
  product({4, 64}, {64}, u8(), u8(), 128, 128);
  check(results);
}

/// Hard swishes of 16-bit sums, with and without offsets, and sums that are cut off
/// before the gate or only by it: behind every kind of tile, and alone. What is cut off
/// above has the greatest byte or, with `dim`, a lesser one. Gates that aren't symmetric,
/// and that don't close.
TEST_P(PointwiseKernels, HardSwishes) {
  constexpr int32_t knee = 921;
  SmallVector<Value> results;
  struct Form {
    int32_t most = 4545, low = -knee, gateZp = -knee, dim = 0, multiplier = 8988990;
  };
  auto swish = [&](Value sums, int32_t least, int32_t offset, Form form = {}) {
    auto type = cast<RankedTensorType>(sums.getType());
    SmallVector<int32_t> multipliers, shifts;
    for (int64_t c = 0; c < type.getShape().back(); ++c) {
      multipliers.push_back(8988990 + 60000 * (c % 100));
      shifts.push_back(26 + c % 3);
    }
    Value h = make<RequantizeOp>(typed(type.getShape(), i16()), sums, multipliers, shifts, 0, 0,
                                 least, form.most, Rounding::NearestEven);
    Value gate = make<dyadic::ClampOp>(h.getType(), h, form.low, knee);
    Value product = make<dyadic::MulOp>(h, gate, 0, form.gateZp);
    for (int32_t &shift : shifts)
      shift += 11 + form.dim;
    if (form.dim) { // one factor for all
      multipliers = {form.multiplier};
      shifts.resize(1);
    }
    results.push_back(make<RequantizeOp>(typed(type.getShape(), u8()), product, multipliers,
                                         shifts, offset, 75, 0, 255, Rounding::NearestEven));
  };
  for (int64_t channels : {1, 7, 16, 40, 64}) {
    swish(matmul(input({1, 5, 9, 20}, u8()), channels), -knee, 0);
    swish(depthwise(input({1, 5, 9, channels}, u8()), 3, 1), -4000, 387807);
  }
  swish(matmul(input({3, 20}, i8()), 96), -4000, -5001);
  for (int32_t dim : {1, 4, 6}) {
    Value sums = matmul(input({3, 20}, u8()), 96);
    swish(sums, -knee, 0, {4545, -knee, -knee, dim});
    swish(sums, -4000, 0, {1000, -knee, -knee, dim});
    swish(sums, -4000, -77, {4545, -500, -500, dim});
    swish(sums, -700, 0, {4545, -knee, -1000, dim});
    // Some products lie halfway between two integers.
    swish(sums, -knee, 0, {4545, -knee, -knee, dim, 1 << 23});
  }
  // Gates that can't be multiplied by the scale first: 1627, or 3628, made another byte.
  Value many = input({32, 1024}, i16());
  swish(many, -knee, 0, {4545, -knee, -knee, 1, 8392353});
  swish(many, -knee, 0, {4545, -knee, -knee, 4, 8390988});
  check(results);
}

TEST_P(PointwiseKernels, Roundings) {
  SmallVector<Value> results;
  for (Rounding rounding : {Rounding::NearestEven, Rounding::HalfUp}) {
    Value x = input({4, 33}, u8()), y = input({4, 33}, i16());
    results.push_back(requantize(x, true, u8(), rounding));
    results.push_back(requantize(y, false, i16(), rounding));
    // Exact halves, to even integers before the zero point, odd or even, is added.
    for (int32_t shift : {0, 1, 3, 62})
      for (int32_t zp : {100, 101})
        results.push_back(make<RequantizeOp>(x.getType(), x, ArrayRef<int32_t>{1},
                                             ArrayRef<int32_t>{shift}, 128, zp, 0, 255,
                                             rounding));
  }
  check(results);
}

TEST_P(PointwiseKernels, Float) {
  Value x = input({2, 3, 37}, f32()), y = input({2, 1, 37}, f32()),
        z = input({37}, f32());
  SmallVector<Value> results{
      make<qnn::SubOp>(add(x, y), z),
      make<qnn::DivOp>(x, make<qnn::ClampOp>(y, APFloat(0.5f), APFloat(2.0f))),
      make<qnn::MaximumOp>(x, y),
      make<qnn::MinimumOp>(x, z),
      make<qnn::ReluOp>(x),
      make<qnn::LeakyReluOp>(x, APFloat(0.1f)),
      make<qnn::SigmoidOp>(x),
      make<qnn::TanhOp>(x),
      make<qnn::HardSigmoidOp>(x, APFloat(0.2f), APFloat(0.5f)),
      make<qnn::HardSwishOp>(x),
      make<qnn::SwishOp>(x),
      make<qnn::GeluOp>(x),
      make<qnn::ErfOp>(x),
      make<qnn::ExpOp>(x),
      make<qnn::LogOp>(make<qnn::ExpOp>(x)),
      make<qnn::SqrtOp>(make<qnn::AbsOp>(x)),
      make<qnn::NegOp>(x),
      make<qnn::ReciprocalOp>(make<qnn::ClampOp>(x, APFloat(0.5f), APFloat(2.0f))),
      make<qnn::PowOp>(make<qnn::AbsOp>(x), constant({1}, f32()))};
  check(results);
}

TEST_P(PointwiseKernels, FloatsAndTheirBytes) {
  SmallVector<Value> results;
  for (int64_t extent : {3, 5, 37, 64}) {
    Value x = input({2, 3, extent}, f32());
    Value sum = add(x, input({extent}, f32())), real = dequantize(input({5, extent}, u8()));
    results.append({make<qnn::SigmoidOp>(sum), quantize(make<qnn::TanhOp>(sum)),
                    make<qnn::ReluOp>(sum), quantize(add(sum, constant({extent}, f32()))),
                    real, quantize(make<qnn::ExpOp>(real))});
  }
  check(results);
}

} // namespace
