//===- ContractionKernelsTest.cpp -----------------------------------------===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class ContractionKernels : public KernelTest {};

INSTANTIATE_TEST_SUITE_P(Targets, ContractionKernels,
                         kernelTargets());

TEST_P(ContractionKernels, OneByOne) {
  SmallVector<Value> results;
  for (auto [channels, outputs] :
       {std::pair(3, 16), {16, 7}, {40, 72}, {64, 64}, {7, 1}, {1, 40}})
    results.push_back(requantize(
        conv(input({2, 5, 6, channels}, u8()), {outputs, /*kernel=*/1})));
  results.push_back(requantize(conv(input({2, 7, 5, 16}, u8()), {24, 1, 2})));
  check(results);
}

TEST_P(ContractionKernels, ThreeByThree) {
  SmallVector<Value> results;
  for (auto [channels, outputs, stride] :
       {std::tuple(3, 16, 2), {1, 7, 1}, {16, 40, 1}, {7, 72, 2}})
    results.push_back(requantize(
        conv(input({2, 9, 8, channels}, u8()), {outputs, 3, stride})));
  check(results);
}

TEST_P(ContractionKernels, FirstLayers) {
  // Few channels, whose rows may be interleaved; rows that end amid a vector.
  SmallVector<Value> results;
  for (auto [width, channels, kernel, stride] :
       {std::tuple(37, 3, 3, 2), {40, 3, 3, 1}, {41, 3, 7, 2}, {30, 3, 5, 1},
        {64, 1, 5, 2}, {23, 6, 3, 1}, {29, 5, 3, 3}}) {
    results.push_back(requantize(
        conv(input({2, 9, width, channels}, u8()), {40, kernel, stride})));
    results.push_back(requantize(
        conv(input({1, 8, width, channels}, i8()), {8, kernel, stride}), true, i8()));
  }
  check(results);
}

TEST_P(ContractionKernels, DilationAndGroups) {
  Value x = input({1, 11, 10, 16}, u8());
  check({requantize(conv(x, {16, 3, 1, /*dilation=*/2})),
         requantize(conv(x, {24, 3, 1, 1, /*groups=*/2})),
         requantize(conv(x, {32, 3, 2, 2, /*groups=*/4})),
         requantize(conv(x, {40, 1, 1, 1, /*groups=*/8})),
         requantize(conv(x, {32, 3, 1, 1, /*groups=*/16}))});
}

TEST_P(ContractionKernels, SignedActivations) {
  Value x = input({1, 6, 7, 20}, i8());
  check({requantize(conv(x, {24, 3}), true, i8()),
         requantize(depthwise(x, 3, 1), true, i8()),
         requantize(matmul(input({3, 50}, i8()), 10), false, i8()),
         requantize(matmul(input({1, 77}, i8()), 100), false, i8()),
         requantize(conv(x, {5, 1}), true, i16())});
}

TEST_P(ContractionKernels, Depthwise) {
  SmallVector<Value> results;
  for (auto [channels, kernel, stride] :
       {std::tuple(16, 3, 1), {40, 3, 2}, {72, 5, 1}, {7, 5, 2}, {3, 3, 1}, {64, 7, 1}})
    results.push_back(requantize(
        depthwise(input({2, 11, 10, channels}, u8()), kernel, stride)));
  Value one = input({1, 7, 7, 1}, u8());
  results.push_back(requantize(depthwise(one, 3, 1)));
  results.push_back(
      requantize(conv(input({1, 9, 9, 16}, u8()), {16, 3, 1, 2, 16})));
  check(results);
}

TEST_P(ContractionKernels, Matmul) {
  check({requantize(matmul(input({1, 512}, u8()), 100)),
         requantize(matmul(input({7, 33}, u8()), 65)),
         requantize(matmul(input({2, 3, 5, 8}, u8()), 16), false, u8()),
         requantize(matmul(input({1, 1}, u8()), 1))});
}

TEST_P(ContractionKernels, TailsOfDepth) {
  SmallVector<Value> results;
  for (int64_t depth : {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 24, 31, 47})
    results.push_back(
        requantize(matmul(input({1 + depth % 6, depth}, u8()), 13 + depth)));
  check(results);
}

TEST_P(ContractionKernels, LowestWeights) {
  // −128 · −128 is the one product that two of don't fit 16 bits.
  leastWeight = -128;
  SmallVector<Value> results;
  for (Type type : {u8(), i8()}) {
    Value x = input({1, 6, 7, 40}, type);
    results.append({requantize(conv(x, {24, 3}), true, type),
                    requantize(conv(x, {7, 1}), true, type),
                    requantize(depthwise(x, 3, 1), true, type),
                    requantize(matmul(input({5, 70}, type), 9), false, type)});
  }
  check(results);
}

TEST_P(ContractionKernels, Extremes) {
  // Sums that need all 32 bits, and too wide for a float requantization.
  Value x = input({1, 3, 3, 64}, u8());
  Value wide = requantize(conv(x, {72, 3}), false, i16());
  Value halfUp = requantize(conv(x, {72, 1}), true, u8(), Rounding::HalfUp);
  check({wide, halfUp});
}

TEST_P(ContractionKernels, FusedBehind) {
  Value x = input({2, 7, 9, 16}, u8());
  Value residual = input({2, 7, 9, 40}, u8());
  Value gate = input({2, 1, 1, 40}, u8());
  Value activated = lookup(requantize(conv(x, {40, 1})));
  Value sum = requantize(add(activated, residual), false, u8());
  Value gated = make<dyadic::MulOp>(requantize(conv(x, {40, 1})), gate, 3, 128);
  Value row = constant({40}, i8());
  Value shifted = requantize(
      make<dyadic::AddOp>(requantize(conv(x, {40, 1})), row, 3, 0, 900, 20000),
      false, u8());
  check({sum, requantize(gated, false, u8()), shifted,
         dequantize(requantize(depthwise(x, 3, 1)))});
}

TEST_P(ContractionKernels, Float) {
  Value x = input({2, 7, 8, 16}, f32());
  Value y = input({2, 5, 17}, f32()), z = input({2, 17, 19}, f32());
  Value bias = input({19}, f32());
  SmallVector<Value> results{
      conv(x, {24, 1}),
      conv(x, {7, 3, 2}),
      make<qnn::ReluOp>(conv(x, {8, 3, 1, 2, 2})),
      depthwise(x, 5, 2),
      matmul(y, 33),
      make<qnn::MatmulOp>(y, z, Value()),
      add(make<qnn::MatmulOp>(y, z, bias), bias),
      make<qnn::MatmulOp>(y, input({17, 3}, f32()), Value()),
      quantize(conv(x, {40, 1}))};
  check(results);
}

TEST_P(ContractionKernels, FloatsAndTheirBytes) {
  Value x = input({2, 5, 17}, f32()), y = input({2, 7, 9, 16}, u8()),
        z = input({2, 7, 9, 40}, f32());
  SmallVector<Value> results;
  for (Value floats : {matmul(x, 33), conv(input({2, 7, 8, 16}, f32()), {7, 3, 2}),
                       depthwise(input({2, 7, 8, 16}, f32()), 3, 1),
                       add(dequantize(requantize(conv(y, {40, 1}))), z)})
    results.append({quantize(floats), make<qnn::SigmoidOp>(floats), make<qnn::TanhOp>(floats)});
  check(results);
}

TEST_P(ContractionKernels, RefusePadding) {
  SmallVector<int64_t> strides{1, 1}, pads{1, 1, 1, 1};
  Value y = make<qnn::Conv2DOp>(input({1, 4, 4, 3}, f32()),
                                constant({4, 3, 3, 3}, f32()), Value(), strides,
                                pads);
  checkRefused(y, "--dyadic-materialize-padding");
}

} // namespace
