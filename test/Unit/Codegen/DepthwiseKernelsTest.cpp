//===- DepthwiseKernelsTest.cpp - one filter a channel --------------------===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class DepthwiseKernels : public KernelTest {
protected:
  struct Filter {
    int64_t rows, columns;
    SmallVector<int64_t> strides{1, 1}, dilations{1, 1};
  };
  Value filtered(Value x, const Filter &filter) {
    int64_t channels = shapeOf(x)[3];
    return make<dyadic::Conv2DOp>(
        x, constant({channels, filter.rows, filter.columns, 1}, i8()),
        constant({channels}, b.getI32Type()), filter.strides, filter.dilations,
        channels, DenseI8ArrayAttr());
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, DepthwiseKernels, kernelTargets());

TEST_P(DepthwiseKernels, Channels) {
  SmallVector<Value> results;
  for (int64_t channels : {1, 3, 15, 17, 24, 33, 48, 96, 136}) {
    Value x = input({1, 4, 7, channels}, u8());
    results.push_back(requantize(filtered(x, {3, 3})));
  }
  check(results);
}

TEST_P(DepthwiseKernels, Filters) {
  SmallVector<Value> results;
  for (const Filter &filter :
       {Filter{1, 1}, {1, 2}, {1, 5}, {5, 1}, {2, 2}, {4, 4}, {5, 5}, {6, 3},
        {3, 6}, {7, 7}, {5, 5, {2, 2}}, {3, 3, {1, 2}}, {3, 3, {2, 1}},
        {3, 5, {3, 3}}, {3, 3, {1, 1}, {2, 2}}, {5, 3, {2, 1}, {1, 3}}}) {
    Value x = input({1, 9, 15, 20}, u8());
    results.push_back(requantize(filtered(x, filter)));
  }
  check(results);
}

TEST_P(DepthwiseKernels, Widths) {
  SmallVector<Value> results;
  for (int64_t width : {3, 4, 5, 6, 7, 8, 11, 22}) {
    Value x = input({2, 4, width, 40}, u8());
    results.push_back(requantize(filtered(x, {3, 3})));
    results.push_back(requantize(filtered(x, {2, 3, {2, 2}})));
  }
  check(results);
}

TEST_P(DepthwiseKernels, WhatComesBehind) {
  Value x = input({1, 5, 6, 72}, u8());
  Value same = requantize(filtered(x, {1, 1}));
  Value signedSums = filtered(input({1, 6, 7, 50}, i8()), {3, 3});
  Value narrow = make<RequantizeOp>(
      typed({1, 3, 4, 72}, u8()), filtered(x, {3, 3}),
      SmallVector<int32_t>{12345678}, SmallVector<int32_t>{34}, 0, 100, 20, 180,
      Rounding::NearestEven);
  check({lookup(same), requantize(add(same, x), false, u8()), narrow,
         requantize(signedSums, true, i8()),
         requantize(filtered(x, {3, 3}), false, i16()),
         requantize(filtered(x, {5, 5}), true, u8(), Rounding::HalfUp),
         filtered(x, {3, 2}),
         dequantize(requantize(filtered(x, {3, 3}), false, u8()))});
}

TEST_P(DepthwiseKernels, FullRangeWeights) {
  leastWeight = -128;
  SmallVector<Value> results;
  for (Type type : {u8(), i8()})
    results.push_back(
        requantize(filtered(input({1, 8, 9, 35}, type), {5, 5}), true, type));
  check(results);
}

} // namespace
