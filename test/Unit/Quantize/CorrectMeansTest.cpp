//===- CorrectMeansTest.cpp -----------------------------------------------===//
#include "dyadic/Quantize/Recover.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

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

class CorrectMeansTest : public ::testing::Test {
protected:
  CorrectMeansTest() {
    DialectRegistry registry;
    registry.insert<qnn::QNNDialect, quant::QuantDialect, func::FuncDialect>();
    registerReferenceModels(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    realModule = parseSourceString<ModuleOp>(kReal, &context);
    quantizedModule = parseSourceString<ModuleOp>(kQuantized, &context);
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

  MLIRContext context;
  OwningOpRef<ModuleOp> realModule, quantizedModule;
  func::FuncOp real, quantized;
  SampleTensors samples;
};
} // namespace

TEST_F(CorrectMeansTest, TakesBackWhatEachProductIsOff) {
  auto expected = runOn(real, samples);
  ASSERT_TRUE(succeeded(expected));
  double before = *outputError(quantized, samples, *expected);
  ASSERT_TRUE(succeeded(correctMeans(quantized, real, samples)));
  // The input's rounding loses a quarter of each sample, which the first bias gives
  // back: sums that are rounded away again. So the second finds the mean 2.75 · 1.25
  // where 3 belongs.
  ASSERT_TRUE(bias(0) && bias(1));
  EXPECT_FLOAT_EQ(*bias(0), 0.25f);
  EXPECT_FLOAT_EQ(*bias(1), 3 - 2.75f * 1.25f);
  EXPECT_LT(*outputError(quantized, samples, *expected), before);
  EXPECT_TRUE(succeeded(verify(*quantizedModule)));
}

TEST_F(CorrectMeansTest, LeavesTypesAndOtherNetworksAlone) {
  auto product = *real.getOps<qnn::MatmulOp>().begin();
  product->getResult(0).replaceAllUsesWith(real.getArgument(0));
  product->erase();
  ASSERT_TRUE(succeeded(correctMeans(quantized, real, samples)));
  EXPECT_FALSE(bias(0) || bias(1));
  for (Operation &op : quantized.getOps())
    if (isa<qnn::AbsOp>(op)) {
      EXPECT_TRUE(isa<quant::UniformQuantizedType>(
          cast<RankedTensorType>(op.getResult(0).getType()).getElementType()));
    }
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
