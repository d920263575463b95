//===- ReductionKernelsTest.cpp - sums, means, normalizations -------------===//
#include "KernelTest.h"

#include "dyadic/Support/ConstantData.h"

using namespace dyadic;
using namespace mlir;

namespace {

class ReductionKernels : public KernelTest {
protected:
  /// Every set of axes of a tensor of rank 4.
  SmallVector<SmallVector<int64_t>> axisSets() {
    SmallVector<SmallVector<int64_t>> sets;
    for (int bits = 1; bits < 16; ++bits) {
      sets.emplace_back();
      for (int64_t i = 0; i < 4; ++i)
        if (bits >> i & 1)
          sets.back().push_back(i);
    }
    return sets;
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, ReductionKernels,
                         kernelTargets());

TEST_P(ReductionKernels, SumOverAllSetsOfAxes) {
  SmallVector<Value> results;
  for (const SmallVector<int64_t> &axes : axisSets())
    for (bool keep : {true, false}) {
      if (axes.size() == 4 && !keep)
        continue;
      Value x = input({2, 3, 5, 19}, u8());
      results.push_back(requantize(make<ReduceSumOp>(x, 100, axes, keep),
                                   false, u8()));
    }
  check(results);
}

TEST_P(ReductionKernels, GlobalPools) {
  SmallVector<Value> results;
  SmallVector<int64_t> axes{1, 2};
  for (int64_t channels : {1, 3, 8, 16, 24, 40, 64, 72, 200}) {
    results.push_back(requantize(make<ReduceSumOp>(
        input({2, 7, 7, channels}, u8()), 3, axes, false)));
    results.push_back(requantize(
        make<ReduceSumOp>(input({1, 5, 3, channels}, i8()), 3, axes, true)));
  }
  check(results);
}

TEST_P(ReductionKernels, MeanOverAllSetsOfAxes) {
  SmallVector<Value> results;
  for (const SmallVector<int64_t> &axes : axisSets())
    results.push_back(
        make<qnn::ReduceMeanOp>(input({2, 3, 5, 19}, f32()), axes));
  check(results);
}

TEST_P(ReductionKernels, MeanWithFusedOps) {
  SmallVector<int64_t> last{3}, middle{1, 2}, lastTwo{2, 3};
  Value x = input({2, 6, 5, 20}, f32()), y = input({2, 6, 5, 1}, f32());
  check({add(make<qnn::ReduceMeanOp>(x, last), constant({6, 1, 1}, f32())),
         quantize(add(make<qnn::ReduceMeanOp>(x, middle), constant({20}, f32()))),
         add(make<qnn::ReduceMeanOp>(x, lastTwo, false), constant({6}, f32())),
         add(make<qnn::ReduceMeanOp>(y, last), constant({5, 1}, f32()))});
}

TEST_P(ReductionKernels, LongMeans) {
  SmallVector<int64_t> first{0}, last{1};
  check({make<qnn::ReduceMeanOp>(input({20011, 3}, f32()), first),
         make<qnn::ReduceMeanOp>(input({3, 20011}, f32()), last)});
}

TEST_P(ReductionKernels, Softmax) {
  SmallVector<Value> results;
  for (int64_t extent : {1, 3, 16, 49, 197, 1000})
    results.push_back(make<qnn::SoftmaxOp>(input({3, extent}, f32()), 1));
  Value x = input({2, 9, 5, 21}, f32());
  for (int64_t axis : {0, 1, 2, 3}) {
    results.push_back(make<qnn::SoftmaxOp>(x, axis));
    results.push_back(quantize(make<qnn::SoftmaxOp>(x, axis)));
    results.push_back(
        add(make<qnn::SoftmaxOp>(x, axis), constant({21}, f32())));
  }
  check(results);
}

/// Rows of which all or some elements are masked, by as much as models do.
TEST_P(ReductionKernels, SoftmaxOfMaskedRows) {
  HostTensor mask(ElementKind::F32, {10, 24});
  for (int64_t i = 0; i < mask.numElements(); ++i) {
    constexpr float masks[] = {-3.4e38f, -1e30f, -1e10f, -10000, 3e38f};
    int64_t row = i / 24;
    bool isMasked = row < 5 || i % 2;
    mask.as<float>()[i] = isMasked ? masks[row % 5] : 0;
  }
  auto type = typed(mask.shape, f32());
  Value x = input({10, 24}, f32());
  x = add(x, make<qnn::ConstantOp>(type, makeConstant(std::move(mask), type)));
  Value softmax = make<qnn::SoftmaxOp>(x, 1);
  check({softmax, quantize(softmax), make<qnn::SoftmaxOp>(x, 0)});
}

TEST_P(ReductionKernels, LayerNorm) {
  SmallVector<Value> results;
  for (int64_t extent : {1, 7, 16, 72, 768}) {
    Value x = input({2, 5, extent}, f32());
    auto norm = [&](bool centered = true) {
      return make<qnn::LayerNormOp>(x, constant({extent}, f32()),
                                    constant({extent}, f32()), APFloat(1e-5f), centered);
    };
    results.push_back(norm());
    results.push_back(norm(/*centered=*/false));
    results.push_back(make<qnn::ReluOp>(add(norm(), x)));
    results.push_back(quantize(norm()));
    results.push_back(quantize(norm(/*centered=*/false)));
  }
  check(results);
}

// Two whole groups of rows, one and a part of one, a part of one.
TEST_P(ReductionKernels, RowsSideBySide) {
  SmallVector<Value> results;
  for (auto [rows, extent] : {std::pair<int64_t, int64_t>{16, 40}, {11, 40}, {21, 9}, {6, 72}}) {
    Value x = input({rows, extent}, f32());
    Value softmax = make<qnn::SoftmaxOp>(x, 1);
    Value norm = make<qnn::LayerNormOp>(x, constant({extent}, f32()),
                                        constant({extent}, f32()), APFloat(1e-5f), true);
    results.append({softmax, quantize(softmax), norm, quantize(norm)});
  }
  check(results);
}

// One kernel with two or three results, or one whose bytes are of products with constants.
TEST_P(ReductionKernels, FloatsAndTheirBytes) {
  SmallVector<Value> results;
  auto times = [&](Value x, Value factor) { return make<qnn::MulOp>(x, factor); };
  for (auto shape : {std::pair<int64_t, int64_t>{19, 40}, {16, 129}, {3, 7}, {5, 1}}) {
    int64_t extent = shape.second;
    Value x = input({shape.first, extent}, f32());
    for (bool centered : {true, false}) {
      auto norm = [&] {
        return make<qnn::LayerNormOp>(x, constant({extent}, f32()), constant({extent}, f32()),
                                      APFloat(1e-5f), centered);
      };
      Value two = norm(), three = norm();
      results.append({make<qnn::ReluOp>(add(two, x)),
                      quantize(times(two, constant({extent}, f32()))), add(x, three),
                      quantize(three), quantize(times(constant({1}, f32()), three)),
                      quantize(times(times(norm(), constant({extent}, f32())),
                                     constant({1, 1}, f32())))});
    }
    Value softmax = make<qnn::SoftmaxOp>(x, 1);
    results.append({add(softmax, x), quantize(softmax),
                    quantize(times(make<qnn::SoftmaxOp>(x, 1), constant({extent}, f32())))});
  }
  check(results);
}

} // namespace
