//===- ShiftInputsTest.cpp ------------------------------------------------===//
#include "NetworkTest.h"

using namespace dyadic;
using namespace mlir;

namespace {
// A border on all sides, two groups, a stride; the second convolution has no bias.
const char *const kNetwork = R"mlir(
  func.func @main(%x: tensor<1x2x4x4xf32> {qnn.range = #qnn.range<-1.0, 1.0>, qnn.shift = 0.125 : f32}) -> (tensor<1x2x2x2xf32>, tensor<1x4x4x1xf32>) {
    %w = qnn.constant dense<[[[[1.0], [2.0], [-3.0]], [[0.5], [4.0], [1.0]]], [[[2.0], [-1.0], [5.0]], [[3.0], [0.25], [1.5]]]]> : tensor<2x2x3x1xf32> : tensor<2x2x3x1xf32>
    %b = qnn.constant dense<[1.0, -2.0]> : tensor<2xf32> : tensor<2xf32>
    %v = qnn.constant dense<[[[[0.5, 3.0]]]]> : tensor<1x1x1x2xf32> : tensor<1x1x1x2xf32>
    %t = qnn.transpose %x {permutation = array<i64: 0, 2, 3, 1>, qnn.range = [#qnn.range<-1.0, 1.0>]} : (tensor<1x2x4x4xf32>) -> tensor<1x4x4x2xf32>
    %0 = qnn.conv2d %t, %w, %b {groups = 2 : i64, pads = array<i64: 1, 1, 0, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x4x2xf32>, tensor<2x2x3x1xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
    %1 = qnn.conv2d %t, %v : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x4x4x1xf32>
    return %0, %1 : tensor<1x2x2x2xf32>, tensor<1x4x4x1xf32>
  }
)mlir";
} // namespace

class ShiftInputsTest : public NetworkTest {};

TEST_F(ShiftInputsTest, TheNetworkComputesWhatItDid) {
  load(kNetwork);
  HostTensor x(ElementKind::F32, {1, 2, 4, 4});
  for (auto [i, value] : llvm::enumerate(x.as<float>()))
    value = 0.0625f * i - 1; // sums are exact
  auto expected = interpret(func, {x});
  ASSERT_TRUE(succeeded(expected));
  EXPECT_EQ(shiftInputs(func), 1);
  EXPECT_TRUE(succeeded(verify(*module)));
  auto actual = interpret(func, {x});
  ASSERT_TRUE(succeeded(actual));
  for (auto [a, e] : llvm::zip_equal(*actual, *expected))
    EXPECT_TRUE(a.as<float>() == e.as<float>());
  EXPECT_EQ(shiftInputs(func), 0);
}
