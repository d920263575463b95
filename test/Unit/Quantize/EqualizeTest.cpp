//===- EqualizeTest.cpp ---------------------------------------------------===//
#include "NetworkTest.h"

#include "dyadic/Dialect/QNN/ChannelAttrs.h"
#include "dyadic/Quantize/Passes.h"

using namespace dyadic;
using namespace mlir;

namespace {
/// A product, a padded depthwise filter, one more product beside which its input
/// passes, and what reads the sum. Relus and pools between them.
const char *const kNetwork = R"mlir(
  func.func @main(%x: tensor<1x4x4x3xf32> {qnn.name = "x"}) -> tensor<1x2xf32> {
    %w0 = qnn.constant dense<0.5> : tensor<8x1x1x3xf32> : tensor<8x1x1x3xf32>
    %b0 = qnn.constant dense<0.25> : tensor<8xf32> : tensor<8xf32>
    %w1 = qnn.constant dense<0.5> : tensor<8x3x3x1xf32> : tensor<8x3x3x1xf32>
    %w2 = qnn.constant dense<0.5> : tensor<8x1x1x8xf32> : tensor<8x1x1x8xf32>
    %w3 = qnn.constant dense<0.5> : tensor<8x2xf32> : tensor<8x2xf32>
    %0 = qnn.conv2d %x, %w0, %b0 : (tensor<1x4x4x3xf32>, tensor<8x1x1x3xf32>, tensor<8xf32>) -> tensor<1x4x4x8xf32>
    %1 = qnn.relu %0 : (tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
    %2 = qnn.conv2d %1, %w1 {groups = 8 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x4x8xf32>, tensor<8x3x3x1xf32>) -> tensor<1x4x4x8xf32>
    %3 = qnn.max_pool2d %2 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32>
    %4 = qnn.conv2d %3, %w2 : (tensor<1x2x2x8xf32>, tensor<8x1x1x8xf32>) -> tensor<1x2x2x8xf32>
    %5 = qnn.add %3, %4 : (tensor<1x2x2x8xf32>, tensor<1x2x2x8xf32>) -> tensor<1x2x2x8xf32>
    %6 = qnn.reduce_mean %5 {axes = array<i64: 1, 2>, keep_dims = false} : (tensor<1x2x2x8xf32>) -> tensor<1x8xf32>
    %7 = qnn.matmul %6, %w3 : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
    return %7 : tensor<1x2xf32>
  }
)mlir";

/// A gated hard swish of a product, beside it a second product, both read by a third
/// through a concatenation, and the first by a depthwise filter, too.
const char *const kSwish = R"mlir(
  func.func @main(%x: tensor<1x4x4x3xf32> {qnn.name = "x"}) -> (tensor<1x4x4x2xf32>, tensor<1x4x4x8xf32>) {
    %w0 = qnn.constant dense<0.5> : tensor<8x1x1x3xf32> : tensor<8x1x1x3xf32>
    %w1 = qnn.constant dense<0.5> : tensor<8x1x1x3xf32> : tensor<8x1x1x3xf32>
    %w2 = qnn.constant dense<0.5> : tensor<8x3x3x1xf32> : tensor<8x3x3x1xf32>
    %w3 = qnn.constant dense<0.5> : tensor<2x1x1x16xf32> : tensor<2x1x1x16xf32>
    %gate = qnn.reduce_mean %x {axes = array<i64: 3>} : (tensor<1x4x4x3xf32>) -> tensor<1x4x4x1xf32>
    %0 = qnn.conv2d %x, %w0 : (tensor<1x4x4x3xf32>, tensor<8x1x1x3xf32>) -> tensor<1x4x4x8xf32>
    %1 = qnn.hard_swish %0 : (tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
    %2 = qnn.mul %1, %gate : (tensor<1x4x4x8xf32>, tensor<1x4x4x1xf32>) -> tensor<1x4x4x8xf32>
    %3 = qnn.conv2d %x, %w1 : (tensor<1x4x4x3xf32>, tensor<8x1x1x3xf32>) -> tensor<1x4x4x8xf32>
    %4 = qnn.concat %3, %2 {axis = 3} : (tensor<1x4x4x8xf32>, tensor<1x4x4x8xf32>) -> tensor<1x4x4x16xf32>
    %5 = qnn.conv2d %4, %w3 : (tensor<1x4x4x16xf32>, tensor<2x1x1x16xf32>) -> tensor<1x4x4x2xf32>
    %6 = qnn.conv2d %2, %w2 {groups = 8 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x4x8xf32>, tensor<8x3x3x1xf32>) -> tensor<1x4x4x8xf32>
    return %5, %6 : tensor<1x4x4x2xf32>, tensor<1x4x4x8xf32>
  }
)mlir";

class EqualizeTest : public NetworkTest {
protected:
  EqualizeTest() {
    makeSamples(4, {1, 4, 4, 3},
                [](auto &random) { return std::normal_distribution<float>()(random); });
    loadDrawn(kNetwork);
  }

  /// With random weights.
  void loadDrawn(const char *network) {
    load(network);
    std::mt19937 random(7);
    for (auto op : func.getOps<qnn::ConstantOp>()) {
      SmallVector<float> values(cast<RankedTensorType>(op.getType()).getNumElements());
      for (float &x : values)
        x = std::normal_distribution<float>()(random);
      setValues(op, values);
    }
  }

  /// Multiplies elements of the i-th constant: factor(index).
  template <typename Fn> void scale(int i, Fn factor) {
    qnn::ConstantOp op = constant(i);
    auto old = cast<DenseElementsAttr>(op->getAttr("value")).getValues<float>();
    SmallVector<float> values(old.begin(), old.end());
    for (auto [k, x] : llvm::enumerate(values))
      x *= factor(k);
    setValues(op, values);
  }

  /// Factors may be any numbers: f32 rounds them.
  void expectOutputs(ArrayRef<float> expected) {
    float most = 0;
    for (float y : expected)
      most = std::max(most, std::abs(y));
    for (auto [actual, y] : llvm::zip_equal(outputs(), expected))
      EXPECT_NEAR(actual, y, 1e-5f * most);
  }

  void equalize() {
    ObserverOptions options;
    options.kind = ObserverOptions::Kind::MinMax;
    calibrateOnSamples(options);
    PassManager manager(&context);
    manager.addNestedPass<func::FuncOp>(createEqualize());
    ASSERT_TRUE(succeeded(manager.run(*module)));
  }

  /// The largest channel's magnitude over the smallest's, as calibration would see them.
  double spread(Operation *op) {
    auto bounds = op->getAttrOfType<DenseF32ArrayAttr>(kChannelRangesAttr);
    double least = INFINITY, most = 0;
    for (int64_t c = 0; c < bounds.size(); c += 2) {
      double magnitude = std::max(std::abs(bounds[c]), std::abs(bounds[c + 1]));
      least = std::min(least, magnitude);
      most = std::max(most, magnitude);
    }
    return most / least;
  }
};
} // namespace

TEST_F(EqualizeTest, UndoesFactors) {
  std::vector<float> expected = outputs();
  auto factor = [](int64_t c) { return std::exp2(float(3 * c % 13) - 6); };
  scale(0, [&](int64_t i) { return factor(i / 3); });
  scale(1, [&](int64_t i) { return factor(i); });
  scale(2, [&](int64_t i) { return factor(i / 9 + 1) / factor(i / 9); });
  scale(3, [&](int64_t i) { return factor(i / 8 + 1) / factor(i % 8 + 1); });
  scale(4, [&](int64_t i) { return 1 / factor(i / 2 + 1); });
  EXPECT_EQ(outputs(), expected);
  equalize();
  expectOutputs(expected);
  Operation *relu = *func.getOps<qnn::ReluOp>().begin();
  Operation *pool = *func.getOps<qnn::MaxPool2DOp>().begin();
  Operation *sum = *func.getOps<qnn::AddOp>().begin();
  // Before they were about 2¹² apart.
  for (Operation *op : {relu, pool, sum})
    EXPECT_LT(spread(op), 32);
}

TEST_F(EqualizeTest, PredictsWhatCalibrationThenSees) {
  scale(0, [](int64_t i) { return i / 3 == 2 ? 64.0f : 1.0f; });
  scale(1, [](int64_t i) { return i == 2 ? 64.0f : 1.0f; });
  scale(2, [](int64_t i) { return i / 9 == 2 ? 1 / 64.0f : 1.0f; });
  equalize();
  Operation *relu = *func.getOps<qnn::ReluOp>().begin();
  auto bounds = relu->getAttrOfType<DenseF32ArrayAttr>(kChannelRangesAttr);
  auto powers = relu->getAttrOfType<DenseF32ArrayAttr>(kChannelPowersAttr);
  auto range = cast<qnn::RangeAttr>(relu->getAttrOfType<ArrayAttr>("qnn.range")[0]);
  std::vector<float> least(8, INFINITY), most(8, -INFINITY), squares(8, 0);
  for (const auto &sample : samples)
    (void)interpret(func, sample, [&](Value value, const HostTensor &tensor) {
      if (value.getDefiningOp() != relu)
        return;
      for (int64_t k = 0; k < tensor.numElements(); ++k) {
        auto x = static_cast<float>(tensor.get(k));
        least[k % 8] = std::min(least[k % 8], x);
        most[k % 8] = std::max(most[k % 8], x);
        squares[k % 8] += x * x / (16 * samples.size());
      }
    });
  for (int64_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(bounds[2 * c], least[c], 1e-5f * most[c]);
    EXPECT_NEAR(bounds[2 * c + 1], most[c], 1e-5f * most[c]);
    EXPECT_NEAR(powers[c], squares[c], 1e-4 * squares[c]);
  }
  double highest = *llvm::max_element(most);
  EXPECT_NEAR(range.getMax(), highest, 1e-5 * highest);
}

TEST_F(EqualizeTest, DividesBehindFunctionsThroughGatesAndConcatenations) {
  loadDrawn(kSwish);
  // Large where the weights of the first product are, linear in its sums.
  auto factor = [](int64_t c) { return std::exp2(float(3 * c % 10)); };
  scale(0, [&](int64_t i) { return factor(i / 3); });
  scale(1, [&](int64_t i) { return factor(9 - i / 3); });
  std::vector<float> expected = outputs();
  equalize();
  expectOutputs(expected);
  auto products = llvm::to_vector(func.getOps<qnn::MulOp>());
  ASSERT_EQ(products.size(), 2u);
  qnn::MulOp behind = products[0], gated = products[1];
  EXPECT_TRUE(behind.getLhs().getDefiningOp<qnn::HardSwishOp>());
  EXPECT_EQ(gated.getLhs(), behind.getOutput());
  // Before they were about 2¹⁰ apart.
  Operation *concat = *func.getOps<qnn::ConcatOp>().begin();
  for (Operation *op : {behind.getOperation(), gated.getOperation(), concat})
    EXPECT_LT(spread(op), 64);
}
