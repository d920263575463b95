//===- QNNModelsTest.cpp - the network ops by hand ------------------------===//
#include "ReferenceTest.h"

#include <cmath>
#include <limits>

using namespace dyadic;

namespace {

class QNNModels : public ReferenceTest {
protected:
  Floats unary(const std::string &op, std::vector<float> x) {
    std::string type = "tensor<" + std::to_string(x.size()) + "xf32>";
    int64_t size = x.size();
    return runOp<float>("%x: " + type, op, "(" + type + ")", type,
                        {tensor<float>({size}, std::move(x))});
  }
  Floats binary(const std::string &op) {
    return runOp<float>("%x: tensor<2x2xf32>, %w: tensor<2xf32>",
                        "qnn." + op + " %x, %w",
                        "(tensor<2x2xf32>, tensor<2xf32>)", "tensor<2x2xf32>",
                        {tensor<float>({2, 2}, {1, 2, 3, 4}),
                         tensor<float>({2}, {2, 3})});
  }
};

void expectNear(const Floats &actual, const Floats &expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], 1e-5) << "element " << i;
}

TEST_F(QNNModels, Constant) {
  EXPECT_EQ(run<float>("", "tensor<2x2xf32>",
                       "%c = qnn.constant dense<1.5> : tensor<2x2xf32> : "
                       "tensor<2x2xf32>\nreturn %c : tensor<2x2xf32>",
                       {}),
            (Floats{1.5, 1.5, 1.5, 1.5}));
}

TEST_F(QNNModels, Conv2DPads) {
  // The sum of a 3x3 neighbourhood.
  EXPECT_EQ(runOp<float>("%x: tensor<1x2x2x1xf32>, %w: tensor<1x3x3x1xf32>",
                         "qnn.conv2d %x, %w {pads = array<i64: 1, 1, 1, 1>}",
                         "(tensor<1x2x2x1xf32>, tensor<1x3x3x1xf32>)",
                         "tensor<1x2x2x1xf32>",
                         {tensor<float>({1, 2, 2, 1}, {1, 2, 3, 4}),
                          tensor<float>({1, 3, 3, 1}, Floats(9, 1))}),
            (Floats{10, 10, 10, 10}));
  // Only above and to the left, with a bias, striding.
  EXPECT_EQ(runOp<float>("%x: tensor<1x2x2x1xf32>, %w: tensor<1x2x2x1xf32>, "
                         "%b: tensor<1xf32>",
                         "qnn.conv2d %x, %w, %b {pads = array<i64: 1, 1, 0, "
                         "0>, strides = array<i64: 1, 2>}",
                         "(tensor<1x2x2x1xf32>, tensor<1x2x2x1xf32>, "
                         "tensor<1xf32>)",
                         "tensor<1x2x1x1xf32>",
                         {tensor<float>({1, 2, 2, 1}, {1, 2, 3, 4}),
                          tensor<float>({1, 2, 2, 1}, {1, 10, 100, 1000}),
                          tensor<float>({1}, {.5})}),
            (Floats{1000.5, 3010.5}));
}

TEST_F(QNNModels, Conv2DLongSums) {
  // 37 channels: two blocks of lanes and a tail.
  EXPECT_EQ(runOp<float>("%x: tensor<1x1x1x37xf32>, %w: tensor<2x1x1x37xf32>",
                         "qnn.conv2d %x, %w",
                         "(tensor<1x1x1x37xf32>, tensor<2x1x1x37xf32>)",
                         "tensor<1x1x1x2xf32>",
                         {tensor<float>({1, 1, 1, 37}, Floats(37, 2)),
                          tensor<float>({2, 1, 1, 37}, Floats(74, 3))}),
            (Floats{222, 222}));
}

TEST_F(QNNModels, MatmulBroadcastsBatches) {
  EXPECT_EQ(runOp<float>("%x: tensor<2x1x2xf32>, %w: tensor<1x2x2xf32>",
                         "qnn.matmul %x, %w",
                         "(tensor<2x1x2xf32>, tensor<1x2x2xf32>)",
                         "tensor<2x1x2xf32>",
                         {tensor<float>({2, 1, 2}, {1, 2, 3, 4}),
                          tensor<float>({1, 2, 2}, {1, 10, 100, 1000})}),
            (Floats{201, 2010, 403, 4030}));
  EXPECT_EQ(runOp<float>("%x: tensor<1x2xf32>, %w: tensor<2x2x2xf32>, %b: "
                         "tensor<2xf32>",
                         "qnn.matmul %x, %w, %b",
                         "(tensor<1x2xf32>, tensor<2x2x2xf32>, tensor<2xf32>)",
                         "tensor<2x1x2xf32>",
                         {tensor<float>({1, 2}, {1, 2}),
                          tensor<float>({2, 2, 2}, {1, 0, 0, 1, 0, 1, 1, 0}),
                          tensor<float>({2}, {10, 20})}),
            (Floats{11, 22, 12, 21}));
}

TEST_F(QNNModels, Unary) {
  expectNear(unary("qnn.relu %x", {-1, 2}), {0, 2});
  expectNear(unary("qnn.clamp %x {min = 0.0 : f32, max = 6.0 : f32}",
                   {-1, 2, 7}),
             {0, 2, 6});
  expectNear(unary("qnn.leaky_relu %x {alpha = 0.25 : f32}", {-4, 4}), {-1, 4});
  expectNear(unary("qnn.sigmoid %x", {0, -200, 2}), {.5, 0, .880797f});
  expectNear(unary("qnn.tanh %x", {0, 1}), {0, .761594f});
  expectNear(unary("qnn.hard_sigmoid %x {alpha = 0.25 : f32, beta = 0.5 : f32}",
                   {-9, 1, 9}),
             {0, .75, 1});
  expectNear(unary("qnn.hard_swish %x", {-4, 3, 1}), {0, 3, 4.f / 6});
  expectNear(unary("qnn.swish %x", {2}), {1.761594f});
  expectNear(unary("qnn.gelu %x", {1, -1}), {.841345f, -.158655f});
  expectNear(unary("qnn.erf %x", {.5}), {.520500f});
  expectNear(unary("qnn.exp %x", {1}), {2.718282f});
  expectNear(unary("qnn.log %x", {2}), {.693147f});
  expectNear(unary("qnn.sqrt %x", {2}), {1.414214f});
  expectNear(unary("qnn.abs %x", {-2, 2}), {2, 2});
  expectNear(unary("qnn.neg %x", {-2, 2}), {2, -2});
  expectNear(unary("qnn.reciprocal %x", {4}), {.25});
}

TEST_F(QNNModels, Binary) {
  EXPECT_EQ(binary("add"), (Floats{3, 5, 5, 7}));
  EXPECT_EQ(binary("sub"), (Floats{-1, -1, 1, 1}));
  EXPECT_EQ(binary("mul"), (Floats{2, 6, 6, 12}));
  EXPECT_EQ(binary("div"), (Floats{.5f, 2 / 3.f, 1.5f, 4 / 3.f}));
  EXPECT_EQ(binary("maximum"), (Floats{2, 3, 3, 4}));
  EXPECT_EQ(binary("minimum"), (Floats{1, 2, 2, 3}));
  EXPECT_EQ(binary("pow"), (Floats{1, 8, 9, 64}));
}

TEST_F(QNNModels, BroadcastsBothWays) {
  EXPECT_EQ(runOp<float>("%x: tensor<2x1xf32>, %w: tensor<1x1x2xf32>",
                         "qnn.sub %x, %w",
                         "(tensor<2x1xf32>, tensor<1x1x2xf32>)",
                         "tensor<1x2x2xf32>",
                         {tensor<float>({2, 1}, {10, 20}),
                          tensor<float>({1, 1, 2}, {1, 2})}),
            (Floats{9, 8, 19, 18}));
}

TEST_F(QNNModels, MaxPool2DNeverTakesTheBorder) {
  EXPECT_EQ(runOp<float>("%x: tensor<1x1x3x1xf32>",
                         "qnn.max_pool2d %x {kernel = array<i64: 3, 3>, pads = "
                         "array<i64: 1, 1, 1, 1>}",
                         "(tensor<1x1x3x1xf32>)", "tensor<1x1x3x1xf32>",
                         {tensor<float>({1, 1, 3, 1}, {-3, -2, -4})}),
            (Floats{-2, -2, -2}));
}

TEST_F(QNNModels, AvgPool2DCountsTheBorderOnlyIfTold) {
  auto pool = [&](const std::string &flag) {
    return runOp<float>("%x: tensor<1x1x2x1xf32>",
                        "qnn.avg_pool2d %x {kernel = array<i64: 1, 2>, pads = "
                        "array<i64: 0, 1, 0, 1>" + flag + "}",
                        "(tensor<1x1x2x1xf32>)", "tensor<1x1x3x1xf32>",
                        {tensor<float>({1, 1, 2, 1}, {2, 4})});
  };
  EXPECT_EQ(pool(""), (Floats{2, 3, 4}));
  EXPECT_EQ(pool(", count_include_pad = true"), (Floats{1, 3, 2}));
}

TEST_F(QNNModels, ReduceMean) {
  HostTensor x = tensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(runOp<float>("%x: tensor<1x2x2x2xf32>",
                         "qnn.reduce_mean %x {axes = array<i64: 1, 2>}",
                         "(tensor<1x2x2x2xf32>)", "tensor<1x1x1x2xf32>", {x}),
            (Floats{4, 5}));
  EXPECT_EQ(runOp<float>("%x: tensor<1x2x2x2xf32>",
                         "qnn.reduce_mean %x {axes = array<i64: 3>, keep_dims "
                         "= false}",
                         "(tensor<1x2x2x2xf32>)", "tensor<1x2x2xf32>", {x}),
            (Floats{1.5, 3.5, 5.5, 7.5}));
}

TEST_F(QNNModels, Softmax) {
  // Along the first dimension; large inputs don't overflow.
  expectNear(runOp<float>("%x: tensor<2x2xf32>", "qnn.softmax %x {axis = 0 : i64}",
                          "(tensor<2x2xf32>)", "tensor<2x2xf32>",
                          {tensor<float>({2, 2}, {1000, 0, 1000, std::log(3.f)})}),
             {.5, .25, .5, .75});
}

TEST_F(QNNModels, LayerNorm) {
  expectNear(runOp<float>("%x: tensor<2x2xf32>, %w: tensor<2xf32>, %b: "
                          "tensor<2xf32>",
                          "qnn.layer_norm %x, %w, %b {epsilon = 0.0 : f32}",
                          "(tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>)",
                          "tensor<2x2xf32>",
                          {tensor<float>({2, 2}, {1, 3, -5, 5}),
                           tensor<float>({2}, {1, 10}),
                           tensor<float>({2}, {0, .5})}),
             {-1, 10.5, -1, 10.5});
}

TEST_F(QNNModels, RMSNorm) {
  expectNear(runOp<float>("%x: tensor<2x2xf32>, %w: tensor<2xf32>, %b: "
                          "tensor<2xf32>",
                          "qnn.layer_norm %x, %w, %b {centered = false, epsilon = 0.5 : f32}",
                          "(tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>)",
                          "tensor<2x2xf32>",
                          {tensor<float>({2, 2}, {1, 2, -3, 0}),
                           tensor<float>({2}, {1, 10}),
                           tensor<float>({2}, {0, .5})}),
             {1 / std::sqrt(3.f), 20 / std::sqrt(3.f) + .5f, -3 / std::sqrt(5.f), .5});
}

//===----------------------------------------------------------------------===//
// Recurrence
//===----------------------------------------------------------------------===//

class GRUModel : public QNNModels {
protected:
  /// Two steps of one unit from the state 0.5: weights 1, -1 and 2, gates as given.
  std::vector<float> run(const std::string &attributes, float bias, bool reverse = false) {
    std::string operands = bias ? "%p, %w, %h, %b" : "%p, %w, %h",
                types = "(tensor<2x1x3xf32>, tensor<1x3xf32>, tensor<1x1xf32>";
    std::vector<float> projection{.1f, .2f, .3f, -.4f, .5f, -.6f};
    if (reverse)
      std::rotate(projection.begin(), projection.begin() + 3, projection.end());
    std::vector<HostTensor> inputs{
        tensor<float>({2, 1, 3}, projection), tensor<float>({1, 3}, {1, -1, 2}),
        tensor<float>({1, 1}, {.5f})};
    std::string arguments =
        "%p: tensor<2x1x3xf32>, %w: tensor<1x3xf32>, %h: tensor<1x1xf32>";
    if (bias) {
      inputs.push_back(tensor<float>({1}, {bias}));
      arguments += ", %b: tensor<1xf32>";
      types += ", tensor<1xf32>";
    }
    return runOp<float>(arguments, "qnn.gru " + operands + " {" + attributes + "}",
                        types + ")", "tensor<2x1x1xf32>", inputs);
  }

  /// The same, one number after the other.
  static std::vector<float> expected(bool linearBeforeReset, double bias) {
    auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
    double h = .5;
    std::vector<float> all;
    for (auto [pz, pr, pg] : {std::tuple(.1, .2, .3), std::tuple(-.4, .5, -.6)}) {
      double z = sigmoid(pz + h), r = sigmoid(pr - h);
      double g = std::tanh(linearBeforeReset ? pg + r * (2 * h + bias) : pg + 2 * (r * h));
      h = (1 - z) * g + z * h;
      all.push_back(static_cast<float>(h));
    }
    return all;
  }
};

TEST_F(GRUModel, ResetBeforeProduct) { expectNear(run("", 0), expected(false, 0)); }

TEST_F(GRUModel, ResetBehindProduct) {
  expectNear(run("linear_before_reset = true", 0), expected(true, 0));
  expectNear(run("linear_before_reset = true", .7f), expected(true, .7));
}

TEST_F(GRUModel, Reverse) {
  std::vector<float> backwards = expected(true, .7);
  std::reverse(backwards.begin(), backwards.end());
  expectNear(run("linear_before_reset = true, reverse = true", .7f, true), backwards);
}

//===----------------------------------------------------------------------===//
// Quantized tensors
//===----------------------------------------------------------------------===//

TEST_F(QNNModels, CastsRoundTrip) {
  const char *body = R"(
    %q = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<u8:f32, 0.5:10>>
    %y = quant.dcast %q : tensor<4x!quant.uniform<u8:f32, 0.5:10>> to tensor<4xf32>
    return %y : tensor<4xf32>)";
  EXPECT_EQ(run<float>("%x: tensor<4xf32>", "tensor<4xf32>", body,
                       {tensor<float>({4}, {0.25, 0.75, -100, 1000})}),
            (Floats{0, 1, -5, 122.5}));
}

TEST_F(QNNModels, QuantizedConvolutionIsRoundedToItsType) {
  const char *body = R"(
    %w = qnn.constant dense<[[[[2]]], [[[-4]]]]> : tensor<2x1x1x1xi8>
      : tensor<2x1x1x1x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25}>>
    %b = qnn.constant dense<[4, 0]> : tensor<2xi32>
      : tensor<2x!quant.uniform<i32:f32:0, {0.25, 0.125}>>
    %y = qnn.conv2d %x, %w, %b
      : (tensor<1x1x2x1x!quant.uniform<u8:f32, 0.5:1>>,
         tensor<2x1x1x1x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25}>>,
         tensor<2x!quant.uniform<i32:f32:0, {0.25, 0.125}>>)
      -> tensor<1x1x2x2x!quant.uniform<u8:f32, 1.0:128>>
    return %y : tensor<1x1x2x2x!quant.uniform<u8:f32, 1.0:128>>)";
  // x = 1.5, 2.5; filters 1 and −1; bias 1 and 0: 2.5, −1.5, 3.5, −2.5.
  EXPECT_EQ(run<uint8_t>("%x: tensor<1x1x2x1x!quant.uniform<u8:f32, 0.5:1>>",
                         "tensor<1x1x2x2x!quant.uniform<u8:f32, 1.0:128>>",
                         body, {tensor<uint8_t>({1, 1, 2, 1}, {4, 6})}),
            (Bytes{130, 126, 132, 126}));
}

TEST_F(QNNModels, ConcatRescalesItsInputs) {
  const char *body = R"(
    %y = qnn.concat %x, %w {axis = 0 : i64}
      : (tensor<1x!quant.uniform<u8:f32, 1.0>>, tensor<1x!quant.uniform<u8:f32, 2.0:100>>)
      -> tensor<2x!quant.uniform<u8:f32, 0.5:50>>
    return %y : tensor<2x!quant.uniform<u8:f32, 0.5:50>>)";
  EXPECT_EQ(run<uint8_t>("%x: tensor<1x!quant.uniform<u8:f32, 1.0>>, %w: "
                         "tensor<1x!quant.uniform<u8:f32, 2.0:100>>",
                         "tensor<2x!quant.uniform<u8:f32, 0.5:50>>", body,
                         {tensor<uint8_t>({1}, {3}), tensor<uint8_t>({1}, {90})}),
            (Bytes{56, 10}));
}

TEST_F(QNNModels, GatherWrapsAndClampsItsIndices) {
  // Columns 0, 2 (−1), 2 (7), 0 (−9) of two rows.
  EXPECT_EQ(runOp<float>("%x: tensor<2x3xf32>, %w: tensor<2x2xi64>",
                         "qnn.gather %x, %w {axis = 1 : i64}",
                         "(tensor<2x3xf32>, tensor<2x2xi64>)",
                         "tensor<2x2x2xf32>",
                         {tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6}),
                          tensor<int64_t>({2, 2}, {0, -1, 7, INT64_MIN})}),
            (Floats{1, 3, 3, 1, 4, 6, 6, 4}));
  // Slices of bytes at indices of a byte.
  EXPECT_EQ(runOp<uint8_t>("%x: tensor<3x2x!quant.uniform<u8:f32, 0.5>>, %w: "
                           "tensor<2xui8>",
                           "qnn.gather %x, %w {axis = 0 : i64}",
                           "(tensor<3x2x!quant.uniform<u8:f32, 0.5>>, "
                           "tensor<2xui8>)",
                           "tensor<2x2x!quant.uniform<u8:f32, 0.5>>",
                           {tensor<uint8_t>({3, 2}, {1, 2, 3, 4, 5, 6}),
                            tensor<uint8_t>({2}, {200, 1})}),
            (Bytes{5, 6, 3, 4}));
}

TEST_F(QNNModels, CastRoundsOnce) {
  // 2^54 + 2^30 + 1 is nearer to the greater float; as a double it would be a tie.
  int64_t large = (int64_t{1} << 54) + (int64_t{1} << 30) + 1;
  EXPECT_EQ(runOp<float>("%x: tensor<2xi64>", "qnn.cast %x", "(tensor<2xi64>)",
                         "tensor<2xf32>", {tensor<int64_t>({2}, {-3, large})}),
            (Floats{-3, std::ldexp(1.0f, 54) + std::ldexp(1.0f, 31)}));
  HostTensor mask(ElementKind::Bool, {3});
  mask.bytes = {0, 1, 2};
  EXPECT_EQ(runOp<float>("%x: tensor<3xi1>", "qnn.cast %x", "(tensor<3xi1>)",
                         "tensor<3xf32>", {mask}),
            (Floats{0, 1, 1}));
}

TEST_F(QNNModels, ComparesAndSelects) {
  EXPECT_EQ(binary("less"), (Floats{1, 1, 0, 0}));
  EXPECT_EQ(binary("equal"), (Floats{0, 0, 0, 0}));
  EXPECT_EQ(runOp<float>("%x: tensor<2x1xf32>, %w: tensor<2xf32>",
                         "qnn.select %x, %w, %x",
                         "(tensor<2x1xf32>, tensor<2xf32>, tensor<2x1xf32>)",
                         "tensor<2x2xf32>",
                         {tensor<float>({2, 1}, {0, -2}),
                          tensor<float>({2}, {5, 6})}),
            (Floats{0, 0, 5, 6}));
}

} // namespace
