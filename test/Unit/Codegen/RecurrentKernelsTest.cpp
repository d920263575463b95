//===- RecurrentKernelsTest.cpp - LSTM and GRU ----------------------------===//
#include "KernelTest.h"

#include "dyadic/Support/ConstantData.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

namespace {
class RecurrentKernels : public KernelTest {
protected:
  struct Sizes {
    int64_t steps, batch, units;
  };

  Value weights(Shape shape) {
    HostTensor tensor(ElementKind::F32, shape);
    for (int64_t i = 0; i < tensor.numElements(); ++i)
      tensor.set(i, std::sin(i * 1.7) / std::sqrt(double(shape[0])));
    auto type = typed(shape, f32());
    return make<qnn::ConstantOp>(type, makeConstant(std::move(tensor), type));
  }

  DenseF32ArrayAttr scales(int64_t columns) {
    SmallVector<float> all;
    for (int64_t i = 0; i < columns; ++i)
      all.push_back(0.002f + 0.0001f * (i % 7));
    return b.getDenseF32ArrayAttr(all);
  }

  /// GPUs have no such kernel.
  bool isGPU() { return StringRef(GetParam()).starts_with("nvptx"); }
};

class LSTMKernels : public RecurrentKernels {
protected:
  Value lstm(const Sizes &s, Value recurrent, bool reverse, bool withCell,
             DenseF32ArrayAttr scales = {}) {
    return make<qnn::LSTMOp>(input({s.steps, s.batch, 4 * s.units}, f32()),
                             recurrent, input({s.batch, s.units}, f32()),
                             input({s.batch, s.units}, f32()), reverse, withCell,
                             scales);
  }

  Value integerLSTM(const Sizes &s, bool reverse, bool withCell) {
    return lstm(s, constant({s.units, 4 * s.units}, i8()), reverse, withCell,
                scales(4 * s.units));
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, LSTMKernels, kernelTargets());

TEST_P(LSTMKernels, Float) {
  SmallVector<Value> results;
  for (auto [sizes, reverse, withCell] :
       {std::tuple(Sizes{3, 1, 16}, false, false), {Sizes{2, 3, 33}, true, true},
        {Sizes{4, 2, 5}, false, true}, {Sizes{1, 1, 64}, true, false}})
    results.push_back(
        lstm(sizes, weights({sizes.units, 4 * sizes.units}), reverse, withCell));
  if (isGPU())
    return checkRefused(results, "code generation has no kernel for 'qnn.lstm'");
  check(results);
}

TEST_P(LSTMKernels, Integer) {
  SmallVector<Value> results;
  for (auto [sizes, reverse, withCell] :
       {std::tuple(Sizes{3, 1, 16}, false, true), {Sizes{2, 3, 33}, true, false},
        {Sizes{3, 2, 70}, false, false}, {Sizes{2, 1, 3}, true, true}})
    results.push_back(integerLSTM(sizes, reverse, withCell));
  if (isGPU())
    return checkRefused(results, "code generation has no kernel for 'qnn.lstm'");
  check(results);
}

/// What stands behind runs in the same kernel.
TEST_P(LSTMKernels, FusedBehind) {
  if (isGPU())
    GTEST_SKIP() << "GPUs have no such kernel";
  Value h = integerLSTM({3, 2, 20}, false, false);
  check({quantize(h), make<qnn::ReluOp>(integerLSTM({2, 1, 9}, true, true))});
}

class GRUKernels : public RecurrentKernels {
protected:
  Value gru(const Sizes &s, Value recurrent, bool reverse, bool linearBeforeReset,
            bool hasBias, DenseF32ArrayAttr scales = {}) {
    return make<qnn::GRUOp>(input({s.steps, s.batch, 3 * s.units}, f32()), recurrent,
                            input({s.batch, s.units}, f32()),
                            hasBias ? constant({s.units}, f32()) : Value(), reverse,
                            linearBeforeReset, scales);
  }

  Value integerGRU(const Sizes &s, bool reverse, bool linearBeforeReset, bool hasBias) {
    return gru(s, constant({s.units, 3 * s.units}, i8()), reverse, linearBeforeReset,
               hasBias, scales(3 * s.units));
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, GRUKernels, kernelTargets());

TEST_P(GRUKernels, Float) {
  SmallVector<Value> results;
  for (auto [sizes, reverse, linearBeforeReset, hasBias] :
       {std::tuple(Sizes{3, 1, 16}, false, true, true), {Sizes{2, 3, 33}, true, true, false},
        {Sizes{4, 2, 5}, false, false, false}, {Sizes{2, 1, 150}, true, false, false}})
    results.push_back(gru(sizes, weights({sizes.units, 3 * sizes.units}), reverse,
                          linearBeforeReset, hasBias));
  if (isGPU())
    return checkRefused(results, "code generation has no kernel for 'qnn.gru'");
  check(results);
}

TEST_P(GRUKernels, Integer) {
  SmallVector<Value> results;
  for (auto [sizes, reverse, linearBeforeReset, hasBias] :
       {std::tuple(Sizes{3, 1, 16}, false, true, true), {Sizes{2, 3, 33}, true, true, false},
        {Sizes{3, 2, 70}, false, false, false}, {Sizes{2, 1, 3}, true, false, false},
        {Sizes{2, 1, 150}, false, false, false}})
    results.push_back(integerGRU(sizes, reverse, linearBeforeReset, hasBias));
  if (isGPU())
    return checkRefused(results, "code generation has no kernel for 'qnn.gru'");
  check(results);
}

TEST_P(GRUKernels, FusedBehind) {
  if (isGPU())
    GTEST_SKIP() << "GPUs have no such kernel";
  check({quantize(integerGRU({3, 2, 20}, false, true, true)),
         make<qnn::ReluOp>(integerGRU({2, 1, 9}, true, false, false))});
}

} // namespace
