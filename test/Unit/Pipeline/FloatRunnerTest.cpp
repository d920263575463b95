//===- FloatRunnerTest.cpp - calibration's runner against the interpreter -===//
#include "dyadic/Pipeline/FloatRunner.h"

#include "dyadic/InitAll.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace dyadic;
using namespace mlir;

namespace {
/// Runs `text` both ways on one input; every op's result must be reported once
/// and agree.
void compare(const char *text) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  auto func = module->lookupSymbol<func::FuncOp>("main");
  llvm::SmallVector<HostTensor> inputs;
  for (Type type : func.getArgumentTypes()) {
    HostTensor input(ElementKind::F32, cast<RankedTensorType>(type).getShape());
    for (int64_t i = 0; i < input.numElements(); ++i)
      input.set(i, double(i * 37 % 41) / 20 - 1);
    inputs.push_back(std::move(input));
  }
  llvm::DenseMap<Value, HostTensor> expected;
  ASSERT_TRUE(succeeded(interpret(func, inputs, [&](Value value, const HostTensor &tensor) {
    Operation *op = value.getDefiningOp();
    if (op && !op->hasTrait<OpTrait::ConstantLike>())
      expected[value] = tensor;
  })));

  auto runner = FloatRunner::create(*module);
  ASSERT_TRUE(succeeded(runner));
  module->walk([](Operation *op) { EXPECT_FALSE(op->hasAttr("qnn.id")); });
  for (int run = 0; run < 2; ++run) {
    llvm::DenseMap<Value, int> seen;
    ASSERT_TRUE(succeeded((**runner)(inputs, [&](Value value, llvm::ArrayRef<float> got) {
      ++seen[value];
      ASSERT_TRUE(expected.contains(value));
      auto want = expected[value].as<float>();
      ASSERT_EQ(want.size(), got.size());
      for (size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(want[i], got[i], 1e-5) << "element " << i;
    })));
    EXPECT_EQ(seen.size(), expected.size());
    for (auto [value, count] : seen)
      EXPECT_EQ(count, 1);
  }
}

TEST(FloatRunnerTest, SeesEveryOpOfANetwork) {
  compare(R"mlir(
    func.func @main(%x: tensor<1x3x4x4xf32> {qnn.name = "x"}) -> (tensor<1x8xf32> {qnn.name = "y"}) {
      %w = qnn.constant dense<0.25> : tensor<8x3x3x3xf32> : tensor<8x3x3x3xf32>
      %b = qnn.constant dense<-1.0> : tensor<8xf32> : tensor<8xf32>
      %0 = qnn.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x3x4x4xf32>) -> tensor<1x4x4x3xf32>
      %1 = qnn.conv2d %0, %w, %b {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x4x3xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>) -> tensor<1x4x4x8xf32>
      %2 = qnn.relu %1 : (tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
      %3 = qnn.max_pool2d %2 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32>
      %4 = qnn.reduce_mean %3 {axes = array<i64: 1, 2>} : (tensor<1x2x2x8xf32>) -> tensor<1x1x1x8xf32>
      %5 = qnn.reshape %4 : (tensor<1x1x1x8xf32>) -> tensor<1x8xf32>
      return %5 : tensor<1x8xf32>
    }
  )mlir");
}

TEST(FloatRunnerTest, SeesResultsThatAreReturnedAndRead) {
  compare(R"mlir(
    func.func @main(%x: tensor<1x6xf32> {qnn.name = "x"}) -> (tensor<1x6xf32> {qnn.name = "a"}, tensor<1x6xf32> {qnn.name = "b"}, tensor<2x3xf32> {qnn.name = "c"}) {
      %0 = qnn.relu %x : (tensor<1x6xf32>) -> tensor<1x6xf32>
      %1 = qnn.add %0, %x : (tensor<1x6xf32>, tensor<1x6xf32>) -> tensor<1x6xf32>
      %2 = qnn.reshape %x : (tensor<1x6xf32>) -> tensor<2x3xf32>
      return %0, %1, %2 : tensor<1x6xf32>, tensor<1x6xf32>, tensor<2x3xf32>
    }
  )mlir");
}
} // namespace
