//===- CorrectMeansTest.cpp -----------------------------------------------===//
#include "NetworkTest.h"

#include "dyadic/Support/ConstantData.h"

using namespace dyadic;
using namespace mlir;

namespace {
const char *const kReal = R"mlir(
  func.func @main(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
    %w = qnn.constant dense<1.0> : tensor<1x1xf32> : tensor<1x1xf32>
    %0 = qnn.matmul %x, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
    %1 = qnn.abs %0 : (tensor<1x1xf32>) -> tensor<1x1xf32>
    %2 = qnn.relu %1 : (tensor<1x1xf32>) -> tensor<1x1xf32>
    %3 = qnn.matmul %2, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
    %4 = qnn.sigmoid %3 : (tensor<1x1xf32>) -> tensor<1x1xf32>
    return %4 : tensor<1x1xf32>
  }
)mlir";

// Steps of 1 lose the samples' quarters; the second product has a weight of 1.25.
const char *const kQuantized = R"mlir(
  !q = !quant.uniform<u8:f32, 1.0>
  !w = !quant.uniform<i8:f32:1, {1.0}>
  !v = !quant.uniform<i8:f32:1, {1.25}>
  func.func @main(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
    %w = qnn.constant dense<1> : tensor<1x1xi8> : tensor<1x1x!w>
    %v = qnn.constant dense<1> : tensor<1x1xi8> : tensor<1x1x!v>
    %q = quant.qcast %x : tensor<1x1xf32> to tensor<1x1x!q>
    %0 = qnn.matmul %q, %w : (tensor<1x1x!q>, tensor<1x1x!w>) -> tensor<1x1x!q>
    %1 = qnn.abs %0 : (tensor<1x1x!q>) -> tensor<1x1x!q>
    %2 = qnn.relu %1 : (tensor<1x1x!q>) -> tensor<1x1x!q>
    %3 = qnn.matmul %2, %v : (tensor<1x1x!q>, tensor<1x1x!v>) -> tensor<1x1x!quant.uniform<i16:f32, 0.001>>
    %4 = quant.dcast %3 : tensor<1x1x!quant.uniform<i16:f32, 0.001>> to tensor<1x1xf32>
    %5 = qnn.sigmoid %4 : (tensor<1x1xf32>) -> tensor<1x1xf32>
    return %5 : tensor<1x1xf32>
  }
)mlir";

class CorrectMeansTest : public NetworkTest {
protected:
  CorrectMeansTest() {
    realModule = parse(kReal);
    quantizedModule = parse(kQuantized);
    real = realModule->lookupSymbol<func::FuncOp>("main");
    quantized = quantizedModule->lookupSymbol<func::FuncOp>("main");
    for (float x : {1.25f, 2.25f, 3.25f, 5.25f}) {
      HostTensor tensor(ElementKind::F32, {1, 1});
      tensor.as<float>()[0] = x;
      samples.push_back({tensor});
    }
  }

  /// The bias of the i-th product, or none.
  std::optional<float> bias(int i) {
    auto op = *std::next(quantized.getOps<qnn::MatmulOp>().begin(), i);
    if (op->getNumOperands() < 3)
      return std::nullopt;
    return readConstant(op->getOperand(2))->as<float>()[0];
  }

  bool correct(MeansOver rows = MeansOver::Rows) {
    auto means = meansOf(real, samples);
    return succeeded(means) && succeeded(correctMeans(quantized, real, samples, *means, rows));
  }

  OwningOpRef<ModuleOp> realModule, quantizedModule;
  func::FuncOp real, quantized;
};
} // namespace

TEST_F(CorrectMeansTest, TakesBackWhatEachProductIsOff) {
  auto expected = runOn(real, samples);
  ASSERT_TRUE(succeeded(expected));
  auto squares = [&] {
    DecidingTensors found = *runOn(quantized, samples);
    double sum = 0;
    for (auto [mine, right] : llvm::zip_equal(found, *expected))
      sum += (mine[0][0] - right[0][0]) * (mine[0][0] - right[0][0]);
    return sum;
  };
  double before = squares();
  ASSERT_TRUE(correct());
  // The input's rounding loses a quarter of each sample, which the first bias gives
  // back: sums that are rounded away again. So the second finds the mean 2.75 · 1.25
  // where 3 belongs.
  ASSERT_TRUE(bias(0) && bias(1));
  EXPECT_FLOAT_EQ(*bias(0), 0.25f);
  EXPECT_FLOAT_EQ(*bias(1), 3 - 2.75f * 1.25f);
  EXPECT_LT(squares(), before);
  EXPECT_TRUE(succeeded(verify(*quantizedModule)));
}

TEST_F(CorrectMeansTest, LeavesTypesAndOtherNetworksAlone) {
  auto product = *real.getOps<qnn::MatmulOp>().begin();
  product->getResult(0).replaceAllUsesWith(real.getArgument(0));
  product->erase();
  ASSERT_TRUE(correct());
  EXPECT_FALSE(bias(0) || bias(1));
  for (Operation &op : quantized.getOps())
    if (isa<qnn::AbsOp>(op)) {
      EXPECT_TRUE(isa<quant::UniformQuantizedType>(
          cast<RankedTensorType>(op.getResult(0).getType()).getElementType()));
    }
}

TEST_F(CorrectMeansTest, ReturnsWhatTheNetworkGivesThen) {
  auto found = correctMeans(quantized, real, samples, *meansOf(real, samples));
  ASSERT_TRUE(succeeded(found));
  EXPECT_EQ(outputError(*found, *runOn(quantized, samples)), 0);
  EXPECT_EQ(*outputError(quantized, samples, *runOn(real, samples)),
            outputError(*found, *runOn(real, samples)));
}

TEST_F(CorrectMeansTest, MeasuresInFrontOfASigmoid) {
  // 2 · 1.25 where 2.25 belongs.
  SampleTensors one{samples[1]};
  EXPECT_NEAR(*outputError(quantized, one, *runOn(real, one)), 0.0625 / (2.25 * 2.25), 1e-6);
  EXPECT_EQ(*outputError(real, one, *runOn(real, one)), 0);
  // Beyond 8 a sigmoid is 1: 8 · 1.25 is as good as 8.
  SampleTensors large{samples[1]};
  large[0][0].as<float>()[0] = 8;
  EXPECT_EQ(*outputError(quantized, large, *runOn(real, large)), 0);
}

namespace {
/// Rows of one channel through a product by 1, as reals and in steps of 1.
class RowsTest : public CorrectMeansTest {
protected:
  void load(const std::string &mask, std::vector<float> rows) {
    auto shape = "1x" + std::to_string(rows.size());
    auto text = [&](std::string body) {
      std::string all = "!q = !quant.uniform<u8:f32, 1.0>\n"
                        "!w = !quant.uniform<i8:f32:1, {1.0}>\n"
                        "!s = !quant.uniform<i16:f32, 0.01>\n"
                        "func.func @main(%x: tensor<Rx1xf32>, %m: tensor<Rxi64> {qnn.name = \"" +
                        mask + "\"}) -> tensor<Rx1xf32> {\n" + body + "}";
      for (size_t at; (at = all.find("<R")) != std::string::npos;)
        all.replace(at + 1, 1, shape);
      return all;
    };
    realModule = parse(text(R"(
      %w = qnn.constant dense<1.0> : tensor<1x1xf32> : tensor<1x1xf32>
      %0 = qnn.matmul %x, %w : (tensor<Rx1xf32>, tensor<1x1xf32>) -> tensor<Rx1xf32>
      return %0 : tensor<Rx1xf32>)"));
    quantizedModule = parse(text(R"(
      %w = qnn.constant dense<1> : tensor<1x1xi8> : tensor<1x1x!w>
      %q = quant.qcast %x : tensor<Rx1xf32> to tensor<Rx1x!q>
      %0 = qnn.matmul %q, %w : (tensor<Rx1x!q>, tensor<1x1x!w>) -> tensor<Rx1x!s>
      %1 = quant.dcast %0 : tensor<Rx1x!s> to tensor<Rx1xf32>
      return %1 : tensor<Rx1xf32>)"));
    ASSERT_TRUE(realModule && quantizedModule);
    real = realModule->lookupSymbol<func::FuncOp>("main");
    quantized = quantizedModule->lookupSymbol<func::FuncOp>("main");
    int64_t count = rows.size();
    HostTensor x(ElementKind::F32, {1, count, 1}), m(ElementKind::I64, {1, count});
    llvm::copy(rows, x.as<float>().begin());
    for (int64_t i = 0; i < count; ++i)
      m.set(i, i == 0);
    samples = {{x, m}};
  }
};
} // namespace

TEST_F(RowsTest, LeavesOutWhatAMaskDoes) {
  load("attention_mask", {1.25f, 2.4f});
  auto expected = runOn(real, samples);
  ASSERT_TRUE(succeeded(expected));
  EXPECT_NEAR(*outputError(quantized, samples, *expected), 0.0625 / (1.25 * 1.25), 1e-6);
  ASSERT_TRUE(correct());
  EXPECT_NEAR(*bias(0), 0.25, 1e-6);
  EXPECT_NEAR(*outputError(quantized, samples, *expected), 0, 1e-6);
}

TEST_F(RowsTest, TakesNoOtherInputForAMask) {
  for (const char *name : {"padding_mask", "segments"}) {
    load(name, {1.25f, 2.4f});
    ASSERT_TRUE(correct());
    EXPECT_NEAR(*bias(0), (0.25 + 0.4) / 2, 1e-6) << name;
  }
  // Nor one that is more than 0 or 1.
  load("attention_mask", {1.25f, 2.4f});
  samples[0][1].set(1, 2);
  ASSERT_TRUE(correct());
  EXPECT_NEAR(*bias(0), (0.25 + 0.4) / 2, 1e-6);
}

TEST_F(RowsTest, LetsLargeRowsCountLess) {
  // Two rows lose a quarter, the third one, many times as large, gains one.
  load("x", {1.25f, 3.25f, 100.75f});
  ASSERT_TRUE(correct());
  EXPECT_NEAR(*bias(0), 0.25 / 3, 1e-5);
  load("x", {1.25f, 3.25f, 100.75f});
  ASSERT_TRUE(correct(MeansOver::EvenRows));
  EXPECT_NEAR(*bias(0), 0.25, 1e-3);
}

TEST_F(RowsTest, TellsWhetherRowsAreUneven) {
  // 4 of 7 count, and 4 of 9.25.
  load("x", {1, 1, 1, 2});
  EXPECT_FALSE(meansOf(real, samples)->areRowsUneven());
  load("x", {1, 1, 1, 2.5f});
  EXPECT_TRUE(meansOf(real, samples)->areRowsUneven());
}

TEST_F(RowsTest, JudgesByTheTypicalSample) {
  // Relative errors of 1/25 and 1/81.
  load("x", {1.25f});
  auto other = samples[0];
  other[0].as<float>()[0] = 4.5f;
  samples.push_back(other);
  EXPECT_NEAR(*outputError(quantized, samples, *runOn(real, samples)),
              std::pow((1 / 5. + 1 / 9.) / 2, 2), 1e-6);
}

TEST_F(CorrectMeansTest, CorrectsManyLargeSamplesAsItDoesOne) {
  // Reals of 80 MiB, which aren't kept for all samples, and of 4.
  const char *real = R"mlir(
    func.func @main(%x: tensor<1048576x1xf32>) -> tensor<1048576x1xf32> {
      %w = qnn.constant dense<1.0> : tensor<1x1xf32> : tensor<1x1xf32>
      %0 = qnn.matmul %x, %w : (tensor<1048576x1xf32>, tensor<1x1xf32>) -> tensor<1048576x1xf32>
      return %0 : tensor<1048576x1xf32>
    }
  )mlir";
  const char *quantized = R"mlir(
    !q = !quant.uniform<u8:f32, 1.0>
    !w = !quant.uniform<i8:f32:1, {1.25}>
    func.func @main(%x: tensor<1048576x1xf32>) -> tensor<1048576x1xf32> {
      %w = qnn.constant dense<1> : tensor<1x1xi8> : tensor<1x1x!w>
      %q = quant.qcast %x : tensor<1048576x1xf32> to tensor<1048576x1x!q>
      %0 = qnn.matmul %q, %w : (tensor<1048576x1x!q>, tensor<1x1x!w>) -> tensor<1048576x1x!q>
      %1 = quant.dcast %0 : tensor<1048576x1x!q> to tensor<1048576x1xf32>
      return %1 : tensor<1048576x1xf32>
    }
  )mlir";
  HostTensor sample(ElementKind::F32, {1 << 20, 1});
  for (auto [i, x] : llvm::enumerate(sample.as<float>()))
    x = static_cast<float>(i % 100);
  auto realModule = parse(real);
  auto realMain = realModule->lookupSymbol<func::FuncOp>("main");
  std::vector<float> biases;
  SmallVector<double, 0> results[2];
  for (size_t count : {1, 20}) {
    SampleTensors many(count, {sample});
    auto module = parse(quantized);
    auto main = module->lookupSymbol<func::FuncOp>("main");
    auto made = correctMeans(main, realMain, many, *meansOf(realMain, many));
    ASSERT_TRUE(succeeded(made));
    for (const auto &ofSample : *made) {
      results[count > 1] = ofSample[0];
      EXPECT_EQ(results[0], results[count > 1]);
    }
    auto op = *main.getOps<qnn::MatmulOp>().begin();
    ASSERT_EQ(3u, op->getNumOperands());
    biases.push_back(readConstant(op->getOperand(2))->as<float>()[0]);
  }
  EXPECT_NEAR(-0.25f * 49.5f, biases[0], 1e-3f);
  EXPECT_FLOAT_EQ(biases[0], biases[1]);
}
