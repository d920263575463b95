//===- DyadicModelsTest.cpp - the integer ops by hand ---------------------===//
#include "ReferenceTest.h"

#include <cmath>
#include <limits>
#include <random>

using namespace dyadic;

namespace {

using DyadicModels = ReferenceTest;

TEST_F(DyadicModels, Constant) {
  EXPECT_EQ(run<uint8_t>("", "tensor<3xui8>",
                         "%c = dyadic.constant dense<[1, 2, 255]> : "
                         "tensor<3xui8> : tensor<3xui8>\n"
                         "return %c : tensor<3xui8>",
                         {}),
            (Bytes{1, 2, 255}));
}

TEST_F(DyadicModels, QuantizeRoundsTiesToEvenClampsAndAnswersNaN) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(
      runOp<uint8_t>("%x: tensor<9xf32>",
                     "dyadic.quantize %x {inverse_scale = 2.0 : f32, "
                     "zero_point = 3 : i32}",
                     "(tensor<9xf32>)", "tensor<9xui8>",
                     {tensor<float>({9}, {0, .25, .75, -.75, 1000, -1000, inf,
                                          -inf, std::nanf("")})}),
      (Bytes{3, 3, 5, 1, 255, 0, 255, 0, 0}));
}

TEST_F(DyadicModels, QuantizeNaNIsTheLeastValue) {
  EXPECT_EQ(runOp<int8_t>("%x: tensor<2xf32>",
                          "dyadic.quantize %x {inverse_scale = 1.0 : f32, "
                          "zero_point = 7 : i32}",
                          "(tensor<2xf32>)", "tensor<2xi8>",
                          {tensor<float>({2}, {std::nanf(""), 0.5})}),
            (std::vector<int8_t>{-128, 7}));
}

TEST_F(DyadicModels, Dequantize) {
  EXPECT_EQ(runOp<float>("%x: tensor<3xui8>",
                         "dyadic.dequantize %x {scale = 0.5 : f32, "
                         "zero_point = 128 : i32}",
                         "(tensor<3xui8>)", "tensor<3xf32>",
                         {tensor<uint8_t>({3}, {0, 128, 255})}),
            (Floats{-64, 0, 63.5}));
}

TEST_F(DyadicModels, DequantizeAnAccumulator) {
  // 2^24 + 1 is no float: the conversion rounds to even.
  EXPECT_EQ(runOp<float>("%x: tensor<3xi32>",
                         "dyadic.dequantize %x {scale = 0.5 : f32, "
                         "zero_point = 0 : i32}",
                         "(tensor<3xi32>)", "tensor<3xf32>",
                         {tensor<int32_t>({3}, {-3, 7, (1 << 24) + 1})}),
            (Floats{-1.5, 3.5, float(1 << 23)}));
}

TEST_F(DyadicModels, BatchMatmul) {
  // (1−1, 2−1)·(…) for two matrices, the second operand shared.
  EXPECT_EQ(runOp<int32_t>(
                "%l: tensor<2x1x2xui8>, %r: tensor<2x3xi8>",
                "dyadic.batch_matmul %l, %r {lhs_zp = 1 : i32, rhs_zp = -2 : i32}",
                "(tensor<2x1x2xui8>, tensor<2x3xi8>)", "tensor<2x1x3xi32>",
                {tensor<uint8_t>({2, 1, 2}, {1, 2, 255, 0}),
                 tensor<int8_t>({2, 3}, {-128, 0, 127, 1, 2, 3})}),
            (Ints{3, 4, 5, -126 * 254 - 3, 2 * 254 - 4, 129 * 254 - 5}));
}

TEST_F(DyadicModels, BatchMatmulPermuted) {
  // Two heads of one column in rows [sequence, head, column]: scores and then
  // heads side by side again.
  EXPECT_EQ(runOp<int32_t>(
                "%l: tensor<3x2x1xui8>, %r: tensor<2x2x1xui8>",
                "dyadic.batch_matmul %l, %r {lhs_zp = 0 : i32, rhs_zp = 0 : i32, "
                "transpose_rhs = true, lhs_permutation = array<i64: 1, 0, 2>, "
                "rhs_permutation = array<i64: 1, 0, 2>, "
                "output_permutation = array<i64: 1, 0, 2>}",
                "(tensor<3x2x1xui8>, tensor<2x2x1xui8>)", "tensor<3x2x2xi32>",
                {tensor<uint8_t>({3, 2, 1}, {1, 2, 3, 4, 5, 6}),
                 tensor<uint8_t>({2, 2, 1}, {10, 100, 20, 200})}),
            (Ints{10, 20, 200, 400, 30, 60, 400, 800, 50, 100, 600, 1200}));
}

TEST_F(DyadicModels, Conv2D) {
  // 1x2x3x1, filters of 1x2: sums of neighbours and differences.
  EXPECT_EQ(runOp<int32_t>(
                "%x: tensor<1x2x3x1xui8>, %w: tensor<2x1x2x1xi8>, %b: tensor<2xi32>",
                "dyadic.conv2d %x, %w, %b",
                "(tensor<1x2x3x1xui8>, tensor<2x1x2x1xi8>, tensor<2xi32>)",
                "tensor<1x2x2x2xi32>",
                {tensor<uint8_t>({1, 2, 3, 1}, {1, 2, 3, 4, 5, 255}),
                 tensor<int8_t>({2, 1, 2, 1}, {1, 1, -127, 127}),
                 tensor<int32_t>({2}, {10, -1})}),
            (Ints{13, 126, 15, 126, 19, 126, 270, 31749}));
}

TEST_F(DyadicModels, Conv2DDepthwiseStridedDilated) {
  // Two channels, each with its own pair of weights, two columns apart.
  EXPECT_EQ(runOp<int32_t>(
                "%x: tensor<1x1x5x2xui8>, %w: tensor<2x1x2x1xi8>, %b: tensor<2xi32>",
                "dyadic.conv2d %x, %w, %b {groups = 2 : i64, strides = "
                "array<i64: 1, 2>, dilations = array<i64: 1, 2>}",
                "(tensor<1x1x5x2xui8>, tensor<2x1x2x1xi8>, tensor<2xi32>)",
                "tensor<1x1x2x2xi32>",
                {tensor<uint8_t>({1, 1, 5, 2}, {1, 10, 2, 20, 3, 30, 4, 40, 5, 50}),
                 tensor<int8_t>({2, 1, 2, 1}, {1, 100, -1, 1}),
                 tensor<int32_t>({2}, {0, 7})}),
            (Ints{301, 27, 503, 27}));
}

/// The formula of Spec §4, index by index.
int64_t convAt(const HostTensor &x, const HostTensor &w, const HostTensor &b,
               int64_t y0, int64_t x0, int64_t o, int64_t groups) {
  int64_t width = x.shape[2], channels = x.shape[3];
  int64_t kh = w.shape[1], kw = w.shape[2], depth = w.shape[3];
  int64_t group = o * groups / w.shape[0];
  int64_t sum = b.get(o);
  for (int64_t i = 0; i < kh; ++i)
    for (int64_t j = 0; j < kw; ++j)
      for (int64_t c = 0; c < depth; ++c)
        sum += static_cast<int64_t>(
            x.get(((y0 + i) * width + x0 + j) * channels + group * depth + c) *
            w.get(((o * kh + i) * kw + j) * depth + c));
  return sum;
}

TEST_F(DyadicModels, Conv2DAgainstTheFormula) {
  std::mt19937 random(1);
  for (int64_t groups : {1, 2, 4}) {
    HostTensor x(ElementKind::U8, {1, 7, 21, 4}),
        w(ElementKind::I8, {8, 3, 2, 4 / groups}), b(ElementKind::I32, {8});
    for (int64_t i = 0; i < x.numElements(); ++i)
      x.set(i, random() % 256);
    for (int64_t i = 0; i < w.numElements(); ++i)
      w.set(i, static_cast<int>(random() % 255) - 127);
    for (int64_t i = 0; i < 8; ++i)
      b.set(i, static_cast<int>(random() % 20000) - 10000);
    std::string depth = std::to_string(4 / groups);
    std::string filterType = "tensor<8x3x2x" + depth + "xi8>";
    Ints out = runOp<int32_t>(
        "%x: tensor<1x7x21x4xui8>, %w: " + filterType + ", %b: tensor<8xi32>",
        "dyadic.conv2d %x, %w, %b {groups = " + std::to_string(groups) +
            " : i64}",
        "(tensor<1x7x21x4xui8>, " + filterType + ", tensor<8xi32>)",
        "tensor<1x5x20x8xi32>", {x, w, b});
    ASSERT_EQ(out.size(), 5u * 20 * 8);
    for (int64_t i = 0; i < 5 * 20 * 8; ++i)
      ASSERT_EQ(out[i], convAt(x, w, b, i / 160, i / 8 % 20, i % 8, groups));
  }
}

TEST_F(DyadicModels, Matmul) {
  EXPECT_EQ(runOp<int32_t>(
                "%x: tensor<2x1x3xui8>, %w: tensor<3x2xi8>, %b: tensor<2xi32>",
                "dyadic.matmul %x, %w, %b",
                "(tensor<2x1x3xui8>, tensor<3x2xi8>, tensor<2xi32>)",
                "tensor<2x1x2xi32>",
                {tensor<uint8_t>({2, 1, 3}, {1, 2, 3, 255, 0, 1}),
                 tensor<int8_t>({3, 2}, {1, -1, 2, -2, 3, -128}),
                 tensor<int32_t>({2}, {100, 0})}),
            (Ints{114, -389, 358, -383}));
}

TEST_F(DyadicModels, AddBroadcastsAndSubtracts) {
  EXPECT_EQ(runOp<int32_t>(
                "%x: tensor<2x2xui8>, %w: tensor<1x2xui8>",
                "dyadic.add %x, %w {lhs_zp = 1 : i32, rhs_zp = 128 : i32, "
                "lhs_multiplier = 32768 : i32, rhs_multiplier = -3 : i32}",
                "(tensor<2x2xui8>, tensor<1x2xui8>)", "tensor<2x2xi32>",
                {tensor<uint8_t>({2, 2}, {0, 1, 2, 255}),
                 tensor<uint8_t>({1, 2}, {128, 255})}),
            (Ints{-32768, -381, 32768, 254 * 32768 - 381}));
}

TEST_F(DyadicModels, Mul) {
  EXPECT_EQ(runOp<int32_t>("%x: tensor<3xui8>, %w: tensor<1xi8>",
                           "dyadic.mul %x, %w {lhs_zp = 255 : i32, rhs_zp = "
                           "-28 : i32}",
                           "(tensor<3xui8>, tensor<1xi8>)", "tensor<3xi32>",
                           {tensor<uint8_t>({3}, {0, 254, 255}),
                            tensor<int8_t>({1}, {-128})}),
            (Ints{25500, 100, 0}));
}

TEST_F(DyadicModels, SumPool2D) {
  EXPECT_EQ(runOp<int32_t>("%x: tensor<1x2x4x1xui8>",
                           "dyadic.sum_pool2d %x {input_zp = 1 : i32, kernel = "
                           "array<i64: 2, 2>, strides = array<i64: 2, 2>}",
                           "(tensor<1x2x4x1xui8>)", "tensor<1x1x2x1xi32>",
                           {tensor<uint8_t>({1, 2, 4, 1},
                                            {1, 2, 3, 4, 5, 6, 7, 255})}),
            (Ints{10, 265}));
}

TEST_F(DyadicModels, ReduceSum) {
  HostTensor x = tensor<uint8_t>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(runOp<int32_t>("%x: tensor<1x2x2x2xui8>",
                           "dyadic.reduce_sum %x {input_zp = 1 : i32, axes = "
                           "array<i64: 1, 2>}",
                           "(tensor<1x2x2x2xui8>)", "tensor<1x1x1x2xi32>", {x}),
            (Ints{12, 16}));
  EXPECT_EQ(runOp<int32_t>("%x: tensor<1x2x2x2xui8>",
                           "dyadic.reduce_sum %x {input_zp = 0 : i32, axes = "
                           "array<i64: 0, 3>, keep_dims = false}",
                           "(tensor<1x2x2x2xui8>)", "tensor<2x2xi32>", {x}),
            (Ints{3, 7, 11, 15}));
}

/// The eight halves around zero under each rounding.
TEST_F(DyadicModels, RequantizeRounds) {
  auto halves = [&](const std::string &rounding) {
    return runOp<int8_t>(
        "%x: tensor<8xi32>",
        "dyadic.requantize %x {multiplier = array<i32: 1073741824>, shift = "
        "array<i32: 31>, output_zp = 0 : i32, clamp_min = -128 : i32, "
        "clamp_max = 127 : i32, rounding = #dyadic.rounding<" +
            rounding + ">}",
        "(tensor<8xi32>)", "tensor<8xi8>",
        {tensor<int32_t>({8}, {-5, -3, -2, -1, 1, 2, 3, 5})});
  };
  using I8 = std::vector<int8_t>;
  EXPECT_EQ(halves("nearest_even"), (I8{-2, -2, -1, 0, 0, 1, 2, 2}));
  EXPECT_EQ(halves("half_up"), (I8{-2, -1, -1, 0, 1, 1, 2, 3}));
  EXPECT_EQ(halves("double_round"), (I8{-2, -1, -1, 0, 1, 1, 2, 3}));
}

TEST_F(DyadicModels, RequantizeRoundsTwice) {
  // 2^30 · 2^−32: the second rounding is by one bit, away from zero.
  auto quarters = [&](const std::string &rounding) {
    return runOp<int8_t>(
        "%x: tensor<6xi32>",
        "dyadic.requantize %x {multiplier = array<i32: 1073741824>, shift = "
        "array<i32: 32>, output_zp = 0 : i32, clamp_min = -128 : i32, "
        "clamp_max = 127 : i32, rounding = #dyadic.rounding<" +
            rounding + ">}",
        "(tensor<6xi32>)", "tensor<6xi8>",
        {tensor<int32_t>({6}, {-6, -2, -1, 1, 2, 5})});
  };
  using I8 = std::vector<int8_t>;
  EXPECT_EQ(quarters("nearest_even"), (I8{-2, 0, 0, 0, 0, 1}));
  EXPECT_EQ(quarters("half_up"), (I8{-1, 0, 0, 0, 1, 1}));
  EXPECT_EQ(quarters("double_round"), (I8{-2, -1, 0, 1, 1, 2}));
}

TEST_F(DyadicModels, RequantizePerChannelClampsAroundTheZeroPoint) {
  EXPECT_EQ(runOp<uint8_t>(
                "%x: tensor<2x2xi32>",
                "dyadic.requantize %x {multiplier = array<i32: 8388608, "
                "12582912>, shift = array<i32: 23, 24>, output_zp = 10 : i32, "
                "clamp_min = 10 : i32, clamp_max = 200 : i32}",
                "(tensor<2x2xi32>)", "tensor<2x2xui8>",
                {tensor<int32_t>({2, 2}, {5, 10, -5, 2147483647})}),
            (Bytes{15, 18, 10, 200}));
}

TEST_F(DyadicModels, RequantizeFromStorageIsARescale) {
  EXPECT_EQ(runOp<uint8_t>(
                "%x: tensor<3xui8>",
                "dyadic.requantize %x {multiplier = array<i32: 8388608>, shift "
                "= array<i32: 24>, input_zp = 100 : i32, output_zp = 5 : i32, "
                "clamp_min = 0 : i32, clamp_max = 255 : i32}",
                "(tensor<3xui8>)", "tensor<3xui8>",
                {tensor<uint8_t>({3}, {100, 103, 0})}),
            (Bytes{5, 7, 0}));
}

TEST_F(DyadicModels, LookupStartsAtTheLeastValue) {
  std::string entries;
  for (int i = 0; i < 256; ++i)
    entries += (i ? ", " : "") + std::to_string(255 - i);
  std::string table = "dense<[" + entries + "]> : tensor<256xui8>";
  EXPECT_EQ(runOp<uint8_t>("%x: tensor<3xui8>", "dyadic.lookup %x, " + table,
                           "(tensor<3xui8>)", "tensor<3xui8>",
                           {tensor<uint8_t>({3}, {0, 1, 255})}),
            (Bytes{255, 254, 0}));
  EXPECT_EQ(runOp<uint8_t>("%x: tensor<3xi8>", "dyadic.lookup %x, " + table,
                           "(tensor<3xi8>)", "tensor<3xui8>",
                           {tensor<int8_t>({3}, {-128, 0, 127})}),
            (Bytes{255, 127, 0}));
}

TEST_F(DyadicModels, Clamp) {
  EXPECT_EQ(runOp<int8_t>("%x: tensor<3xi8>",
                          "dyadic.clamp %x {min = -3 : i32, max = 4 : i32}",
                          "(tensor<3xi8>)", "tensor<3xi8>",
                          {tensor<int8_t>({3}, {-128, 0, 127})}),
            (std::vector<int8_t>{-3, 0, 4}));
}

TEST_F(DyadicModels, MaxPool2D) {
  EXPECT_EQ(runOp<int8_t>("%x: tensor<1x2x3x1xi8>",
                          "dyadic.max_pool2d %x {kernel = array<i64: 2, 2>}",
                          "(tensor<1x2x3x1xi8>)", "tensor<1x1x2x1xi8>",
                          {tensor<int8_t>({1, 2, 3, 1},
                                          {-5, -7, -9, -8, -6, -128})}),
            (std::vector<int8_t>{-5, -6}));
}

TEST_F(DyadicModels, Kernel) {
  const char *body = R"(
    %y = dyadic.kernel(%x) : (tensor<1x2xui8>) -> tensor<1x2xui8> {
    ^bb0(%a: tensor<1x2xui8>):
      %w = dyadic.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> : tensor<2x2xi8>
      %b = dyadic.constant dense<[0, 1]> : tensor<2xi32> : tensor<2xi32>
      %acc = dyadic.matmul %a, %w, %b
        : (tensor<1x2xui8>, tensor<2x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
      %q = dyadic.requantize %acc {multiplier = array<i32: 8388608>, shift = array<i32: 24>,
          output_zp = 0 : i32, clamp_min = 0 : i32, clamp_max = 255 : i32}
        : (tensor<1x2xi32>) -> tensor<1x2xui8>
      dyadic.yield %q : tensor<1x2xui8>
    }
    return %y : tensor<1x2xui8>)";
  // (10 + 60, 20 + 80 + 1) / 2
  EXPECT_EQ(run<uint8_t>("%x: tensor<1x2xui8>", "tensor<1x2xui8>", body,
                         {tensor<uint8_t>({1, 2}, {10, 20})}),
            (Bytes{35, 50}));
}

} // namespace
