//===- GPURowKernelsTest.cpp - what a GPU's threads share -----------------===//
//
// Rows of every length class (a warp, 256 threads, 1024 threads that read again),
// sums that a block divides, accesses of 16 bytes. ReductionKernelsTest and the
// others have the small shapes.
//
//===----------------------------------------------------------------------===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class GPURowKernels : public KernelTest {
protected:
  Value softmax(Value x) {
    return make<qnn::SoftmaxOp>(x, shapeOf(x).size() - 1);
  }
  Value layerNorm(Value x, bool centered = true) {
    Value scale = constant({shapeOf(x).back()}, f32()),
          bias = constant({shapeOf(x).back()}, f32());
    return make<qnn::LayerNormOp>(x, scale, bias, APFloat(1e-5f), centered);
  }
  Value reduce(Value x, Shape axes) {
    if (elementType(x).isF32())
      return make<qnn::ReduceMeanOp>(x, axes);
    return requantize(make<dyadic::ReduceSumOp>(x, 5, axes, true), false, u8());
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, GPURowKernels,
                         testing::Values("nvptx/sm_75", "nvptx/sm_80"));

TEST_P(GPURowKernels, Softmax) {
  SmallVector<Value> results;
  for (int64_t extent : {1, 31, 32, 33, 127, 128, 132, 1000, 1024, 1025, 1028,
                         6625, 8192, 8193, 40004})
    results.push_back(softmax(input({3, extent}, f32())));
  results.push_back(quantize(softmax(input({5, 70}, f32()))));
  check(results);
}

TEST_P(GPURowKernels, SoftmaxOfOneRow) {
  check({softmax(input({1, 1000}, f32())), softmax(input({1, 9000}, f32()))});
}

TEST_P(GPURowKernels, LayerNorm) {
  SmallVector<Value> results;
  for (int64_t extent : {5, 96, 120, 1026, 1030, 33000})
    results.push_back(layerNorm(input({7, extent}, f32())));
  results.push_back(quantize(layerNorm(input({9, 50}, f32()))));
  for (int64_t extent : {96, 1030})
    results.push_back(layerNorm(input({7, extent}, f32()), /*centered=*/false));
  check(results);
}

TEST_P(GPURowKernels, SumsOverTheLastDimensions) {
  SmallVector<Value> results;
  for (Type type : {u8(), i8(), f32()})
    for (int64_t extent : {3, 64, 1030, 9001, 40000}) {
      results.push_back(reduce(input({5, extent}, type), {1}));
      results.push_back(reduce(input({2, 4, 3, extent / 3}, type), {1, 3}));
    }
  check(results);
}

TEST_P(GPURowKernels, SumsOverTheFirstDimensions) {
  SmallVector<Value> results;
  for (Type type : {u8(), i8(), f32()})
    for (int64_t channels : {1, 3, 16, 24, 130, 132, 260}) {
      results.push_back(reduce(input({2, 7, 5, channels}, type), {1, 2}));
      results.push_back(reduce(input({1, 60, 50, channels}, type), {1, 2}));
      results.push_back(reduce(input({40, 3, channels}, type), {0}));
    }
  check(results);
}

TEST_P(GPURowKernels, PerChannelBehindSums) {
  Value x = input({2, 30, 20, 36}, u8()), y = input({6, 80, 20}, u8());
  Value a = make<dyadic::ReduceSumOp>(x, 5, Shape{1, 2}, true);
  Value b = make<dyadic::ReduceSumOp>(y, 5, Shape{1}, false);
  check({requantize(a, true, u8()), requantize(b, true, u8())});
}

TEST_P(GPURowKernels, WideAccesses) {
  // A million bytes and more: 16 of them a thread, and what is left over.
  Value x = input({1 << 20}, u8()), y = input({(1 << 20) + 5}, u8());
  Value image = input({1, 132, 132, 64}, u8());
  check({lookup(x), lookup(y),
         make<dyadic::PadOp>(image, Shape{0, 1, 1, 0}, Shape{0, 1, 1, 0}, 3),
         requantize(make<dyadic::SliceOp>(image, Shape{0, 1, 0, 0},
                                          Shape{1, 130, 132, 64},
                                          Shape{1, 1, 1, 1}),
                    true, u8())});
}

TEST_P(GPURowKernels, PadsOfTheLastDimension) {
  SmallVector<Value> results;
  for (Type type : {u8(), i16(), f32()}) {
    Value x = input({3, 5, 7}, type);
    if (type.isF32())
      results.push_back(make<qnn::PadOp>(x, Shape{1, 0, 2}, Shape{0, 2, 3},
                                         APFloat(2.5f)));
    else
      results.push_back(
          make<dyadic::PadOp>(x, Shape{1, 0, 2}, Shape{0, 2, 3}, 9));
  }
  check(results);
}

} // namespace
