//===- PoolingKernelsTest.cpp ---------------------------------------------===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class PoolingKernels : public KernelTest {
protected:
  Value averagePool(Value x, int64_t kernel, int64_t stride,
                    ArrayRef<int64_t> pads, bool countAll) {
    SmallVector<int64_t> kernels(2, kernel), strides(2, stride);
    return make<qnn::AvgPool2DOp>(x, kernels, strides, pads, countAll);
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, PoolingKernels,
                         kernelTargets());

TEST_P(PoolingKernels, Maximum) {
  SmallVector<Value> results;
  SmallVector<int64_t> strides{2, 1};
  for (Type type : {u8(), i8(), i16(), f32()})
    for (int64_t channels : {1, 3, 16, 40, 64, 72})
      for (SmallVector<int64_t> kernel : {SmallVector<int64_t>{2, 3}, {7, 7}}) {
        if (kernel[0] == 7 && channels != 40)
          continue;
        Value x = input({2, 9, 8, channels}, type);
        results.push_back(makeFor<dyadic::MaxPool2DOp, qnn::MaxPool2DOp>(
            x, x, kernel, strides));
      }
  check(results);
}

TEST_P(PoolingKernels, MaximumWithFusedOps) {
  SmallVector<int64_t> kernel{3, 3}, strides{2, 2};
  Value x = input({2, 7, 7, 24}, u8()), y = input({2, 3, 3, 24}, u8());
  auto pool = [&] { return make<dyadic::MaxPool2DOp>(x, kernel, strides); };
  check({lookup(pool()), requantize(pool()),
         requantize(add(pool(), y), false, u8())});
}

TEST_P(PoolingKernels, Sum) {
  SmallVector<Value> results;
  for (auto [kernel, stride] : {std::pair(2, 2), {3, 1}, {7, 1}})
    for (int64_t channels : {1, 3, 40, 64}) {
      SmallVector<int64_t> kernels(2, kernel), strides(2, stride);
      Value x = input({2, 9, 8, channels}, u8());
      results.push_back(requantize(
          make<dyadic::SumPool2DOp>(x, 117, kernels, strides), false, u8()));
    }
  check(results);
}

TEST_P(PoolingKernels, Mean) {
  SmallVector<Value> results;
  SmallVector<int64_t> none(4, 0), pads{1, 2, 1, 0};
  for (int64_t channels : {1, 7, 40}) {
    Value x = input({2, 9, 8, channels}, f32());
    results.push_back(averagePool(x, 3, 2, none, false));
    results.push_back(averagePool(x, 3, 1, pads, false));
    results.push_back(quantize(averagePool(x, 3, 2, pads, true)));
    results.append({results.front(), quantize(results.front())}); // one kernel
  }
  check(results);
}

TEST_P(PoolingKernels, RefusePadding) {
  SmallVector<int64_t> kernel{3, 3}, strides{1, 1}, pads{1, 1, 1, 1};
  checkRefused(make<qnn::MaxPool2DOp>(input({1, 4, 4, 3}, f32()), kernel,
                                      strides, pads),
               "--dyadic-materialize-padding");
}

} // namespace
