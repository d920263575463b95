//===- DynamicKernelsTest.cpp - scales that are found at run time ---------===//
#include "KernelTest.h"

#include "dyadic/Dialect/Dyadic/Dynamic.h"

using namespace dyadic;
using namespace mlir;

namespace {

class DynamicKernels : public KernelTest {
protected:
  DynamicQuantizeOp quantizeGroups(Value x, int64_t outer) {
    return DynamicQuantizeOp::create(b, b.getUnknownLoc(), x, outer);
  }

  /// The sums of a contraction of `x` as reals, with weights' sums that are as
  /// good as true ones.
  Value scaled(Value sums, DynamicQuantizeOp x, bool hasBias = true) {
    SmallVector<int32_t> weightSums;
    SmallVector<float> scales, bias;
    for (int64_t i = 0; i < shapeOf(sums).back(); ++i) {
      weightSums.push_back(i * 37 % 401 - 200);
      scales.push_back(0.001f * (1 + i % 5));
      bias.push_back(0.25f * (i % 9) - 1);
    }
    return make<ScaleSumsOp>(sums, x.getScale(), x.getZeroPoint(),
                             b.getDenseI32ArrayAttr(weightSums),
                             b.getDenseF32ArrayAttr(scales),
                             hasBias ? b.getDenseF32ArrayAttr(bias)
                                     : DenseF32ArrayAttr());
  }
  Value product(DynamicQuantizeOp x, int64_t outputs, bool hasBias = true) {
    return scaled(matmul(x.getOutput(), outputs), x, hasBias);
  }

  /// GPUs have no such kernel.
  bool isRefused(ValueRange results) {
    if (!StringRef(GetParam()).starts_with("nvptx"))
      return false;
    checkRefused(results, "code generation has no kernel for 'dyadic.dynamic_quantize'");
    return true;
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, DynamicKernels, kernelTargets());

/// Groups of every length that the loops tell apart.
TEST_P(DynamicKernels, Quantize) {
  SmallVector<Value> results;
  for (int64_t extent : {1, 2, 3, 7, 16, 31, 64, 65, 130, 384, 1000})
    llvm::append_range(results, quantizeGroups(input({3, extent}, f32()), 1)->getResults());
  for (int64_t outer : {0, 1, 2, 3})
    llvm::append_range(results,
                       quantizeGroups(input({2, 3, 21}, f32()), outer)->getResults());
  if (!isRefused(results))
    check(results);
}

TEST_P(DynamicKernels, Products) {
  SmallVector<Value> results;
  for (int64_t outputs : {1, 5, 16, 33, 100})
    results.push_back(product(quantizeGroups(input({7, 40 + outputs}, f32()), 1), outputs));
  results.push_back(product(quantizeGroups(input({2, 9, 50}, f32()), 2), 70, false));
  results.push_back(product(quantizeGroups(input({2, 9, 50}, f32()), 1), 70));
  // Three share what is quantized once.
  DynamicQuantizeOp shared = quantizeGroups(input({1, 20, 96}, f32()), 2);
  for (int64_t outputs : {96, 96, 40})
    results.push_back(product(shared, outputs));
  if (!isRefused(results))
    check(results);
}

TEST_P(DynamicKernels, FusedBehind) {
  Value x = input({12, 30}, f32()), y = input({12, 30}, f32());
  Value sum = product(quantizeGroups(x, 1), 30);
  SmallVector<Value> results{make<qnn::AddOp>(make<qnn::ReluOp>(sum), y)};
  if (!isRefused(results))
    check(results);
}

TEST_P(DynamicKernels, Convolutions) {
  SmallVector<Value> results;
  auto add = [&](const Conv &form, int64_t outer) {
    DynamicQuantizeOp x = quantizeGroups(input({2, 6, 7, 12}, f32()), outer);
    results.push_back(scaled(conv(x.getOutput(), form), x));
  };
  add({20, 1}, 3);
  add({20, 1}, 1);
  add({24, 3, 2}, 1);
  add({12, 3, 1, 1, 12}, 1);
  add({24, 3, 1, 1, 4}, 0);
  if (!isRefused(results))
    check(results);
}

} // namespace
