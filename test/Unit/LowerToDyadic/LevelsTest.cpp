//===- LevelsTest.cpp - the same function at levels 1 to 4 ----------------===//
//
// Small networks with random weights are calibrated, quantized, lowered and
// fused, and the interpreter runs every level: 3 must be close to 1, and 4 must
// be 3 to the byte, in the function's results and in every tensor they share.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Fuse/Passes.h"
#include "dyadic/LowerToDyadic/Passes.h"
#include "dyadic/Quantize/Passes.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace dyadic;

namespace {

struct Network {
  const char *name;
  const char *text;
  double minDecibel;
};

std::ostream &operator<<(std::ostream &os, const Network &network) {
  return os << network.name;
}

const Network networks[] = {
    {"Residual", R"(
func.func @main(%x: tensor<1x9x8x3xf32>) -> tensor<1x9x8x16xf32> {
  %w1 = qnn.constant dense<1.0> : tensor<16x3x3x3xf32> : tensor<16x3x3x3xf32>
  %b = qnn.constant dense<1.0> : tensor<16xf32> : tensor<16xf32>
  %0 = qnn.conv2d %x, %w1, %b {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x9x8x3xf32>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<1x9x8x16xf32>
  %1 = qnn.relu %0 : (tensor<1x9x8x16xf32>) -> tensor<1x9x8x16xf32>
  %wd = qnn.constant dense<1.0> : tensor<16x3x3x1xf32> : tensor<16x3x3x1xf32>
  %2 = qnn.conv2d %1, %wd, %b {groups = 16, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x9x8x16xf32>, tensor<16x3x3x1xf32>, tensor<16xf32>) -> tensor<1x9x8x16xf32>
  %3 = qnn.hard_swish %2 : (tensor<1x9x8x16xf32>) -> tensor<1x9x8x16xf32>
  %w2 = qnn.constant dense<1.0> : tensor<16x1x1x16xf32> : tensor<16x1x1x16xf32>
  %4 = qnn.conv2d %3, %w2 : (tensor<1x9x8x16xf32>, tensor<16x1x1x16xf32>) -> tensor<1x9x8x16xf32>
  %5 = qnn.add %4, %1 : (tensor<1x9x8x16xf32>, tensor<1x9x8x16xf32>) -> tensor<1x9x8x16xf32>
  %6 = qnn.clamp %5 {min = 0.0 : f32, max = 6.0 : f32} : (tensor<1x9x8x16xf32>) -> tensor<1x9x8x16xf32>
  return %6 : tensor<1x9x8x16xf32>
})", 25},
    {"SqueezeAndExcite", R"(
func.func @main(%x: tensor<2x6x6x8xf32>) -> (tensor<2x10xf32>, tensor<2x6x6x8xf32>) {
  %0 = qnn.reduce_mean %x {axes = array<i64: 1, 2>} : (tensor<2x6x6x8xf32>) -> tensor<2x1x1x8xf32>
  %w1 = qnn.constant dense<1.0> : tensor<4x1x1x8xf32> : tensor<4x1x1x8xf32>
  %1 = qnn.conv2d %0, %w1 : (tensor<2x1x1x8xf32>, tensor<4x1x1x8xf32>) -> tensor<2x1x1x4xf32>
  %2 = qnn.relu %1 : (tensor<2x1x1x4xf32>) -> tensor<2x1x1x4xf32>
  %w2 = qnn.constant dense<1.0> : tensor<8x1x1x4xf32> : tensor<8x1x1x4xf32>
  %3 = qnn.conv2d %2, %w2 : (tensor<2x1x1x4xf32>, tensor<8x1x1x4xf32>) -> tensor<2x1x1x8xf32>
  %4 = qnn.sigmoid %3 : (tensor<2x1x1x8xf32>) -> tensor<2x1x1x8xf32>
  %5 = qnn.mul %x, %4 : (tensor<2x6x6x8xf32>, tensor<2x1x1x8xf32>) -> tensor<2x6x6x8xf32>
  %6 = qnn.avg_pool2d %5 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<2x6x6x8xf32>) -> tensor<2x3x3x8xf32>
  %7 = qnn.reshape %6 : (tensor<2x3x3x8xf32>) -> tensor<2x72xf32>
  %w3 = qnn.constant dense<1.0> : tensor<72x10xf32> : tensor<72x10xf32>
  %b3 = qnn.constant dense<1.0> : tensor<10xf32> : tensor<10xf32>
  %8 = qnn.matmul %7, %w3, %b3 : (tensor<2x72xf32>, tensor<72x10xf32>, tensor<10xf32>) -> tensor<2x10xf32>
  return %8, %5 : tensor<2x10xf32>, tensor<2x6x6x8xf32>
})", 25},
    {"Neck", R"(
func.func @main(%x: tensor<1x8x8x4xf32>) -> tensor<1x8x8x16xf32> {
  %w1 = qnn.constant dense<1.0> : tensor<8x3x3x4xf32> : tensor<8x3x3x4xf32>
  %0 = qnn.conv2d %x, %w1 {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x8x4xf32>, tensor<8x3x3x4xf32>) -> tensor<1x4x4x8xf32>
  %1 = qnn.resize %0 {rows = array<i64: 0, 0, 1, 1, 2, 2, 3, 3>, cols = array<i64: 0, 0, 1, 1, 2, 2, 3, 3>} : (tensor<1x4x4x8xf32>) -> tensor<1x8x8x8xf32>
  %2 = qnn.max_pool2d %x {kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
  %3 = qnn.leaky_relu %x {alpha = 0.1 : f32} : (tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
  %4 = qnn.concat %1, %2, %3 {axis = 3} : (tensor<1x8x8x8xf32>, tensor<1x8x8x4xf32>, tensor<1x8x8x4xf32>) -> tensor<1x8x8x16xf32>
  %c = qnn.constant dense<1.0> : tensor<16xf32> : tensor<16xf32>
  %5 = qnn.sub %4, %c : (tensor<1x8x8x16xf32>, tensor<16xf32>) -> tensor<1x8x8x16xf32>
  %w2 = qnn.constant dense<1.0> : tensor<16x1x1x16xf32> : tensor<16x1x1x16xf32>
  %6 = qnn.conv2d %5, %w2 : (tensor<1x8x8x16xf32>, tensor<16x1x1x16xf32>) -> tensor<1x8x8x16xf32>
  %7 = qnn.sigmoid %6 : (tensor<1x8x8x16xf32>) -> tensor<1x8x8x16xf32>
  return %7 : tensor<1x8x8x16xf32>
})", 25},
    {"Attention", R"(
func.func @main(%x: tensor<1x5x16xf32>) -> tensor<1x5x16xf32> {
  %g = qnn.constant dense<1.0> : tensor<16xf32> : tensor<16xf32>
  %0 = qnn.layer_norm %x, %g, %g {epsilon = 1.0e-5 : f32} : (tensor<1x5x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x5x16xf32>
  %w = qnn.constant dense<1.0> : tensor<16x32xf32> : tensor<16x32xf32>
  %1 = qnn.matmul %0, %w : (tensor<1x5x16xf32>, tensor<16x32xf32>) -> tensor<1x5x32xf32>
  %q = qnn.slice %1 {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 1, 5, 16>, strides = array<i64: 1, 1, 1>} : (tensor<1x5x32xf32>) -> tensor<1x5x16xf32>
  %k = qnn.slice %1 {offsets = array<i64: 0, 0, 16>, sizes = array<i64: 1, 5, 16>, strides = array<i64: 1, 1, 1>} : (tensor<1x5x32xf32>) -> tensor<1x5x16xf32>
  %kt = qnn.transpose %k {permutation = array<i64: 0, 2, 1>} : (tensor<1x5x16xf32>) -> tensor<1x16x5xf32>
  %2 = qnn.matmul %q, %kt : (tensor<1x5x16xf32>, tensor<1x16x5xf32>) -> tensor<1x5x5xf32>
  %s = qnn.constant dense<0.25> : tensor<f32> : tensor<f32>
  %3 = qnn.mul %2, %s : (tensor<1x5x5xf32>, tensor<f32>) -> tensor<1x5x5xf32>
  %4 = qnn.softmax %3 {axis = 2} : (tensor<1x5x5xf32>) -> tensor<1x5x5xf32>
  %5 = qnn.matmul %4, %q : (tensor<1x5x5xf32>, tensor<1x5x16xf32>) -> tensor<1x5x16xf32>
  %6 = qnn.add %5, %x : (tensor<1x5x16xf32>, tensor<1x5x16xf32>) -> tensor<1x5x16xf32>
  %w2 = qnn.constant dense<1.0> : tensor<16x16xf32> : tensor<16x16xf32>
  %7 = qnn.matmul %6, %w2 : (tensor<1x5x16xf32>, tensor<16x16xf32>) -> tensor<1x5x16xf32>
  %8 = qnn.add %7, %6 : (tensor<1x5x16xf32>, tensor<1x5x16xf32>) -> tensor<1x5x16xf32>
  return %8 : tensor<1x5x16xf32>
})", 25},
    {"OneTable", R"(
func.func @main(%x: tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32> {
  %w = qnn.constant dense<1.0> : tensor<8x1x1x8xf32> : tensor<8x1x1x8xf32>
  %0 = qnn.conv2d %x, %w : (tensor<1x4x4x8xf32>, tensor<8x1x1x8xf32>) -> tensor<1x4x4x8xf32>
  %1 = qnn.hard_swish %0 : (tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %s = qnn.constant dense<-0.9> : tensor<1xf32> : tensor<1xf32>
  %2 = qnn.mul %1, %s : (tensor<1x4x4x8xf32>, tensor<1xf32>) -> tensor<1x4x4x8xf32>
  %b = qnn.constant dense<0.3> : tensor<f32> : tensor<f32>
  %3 = qnn.sub %b, %2 : (tensor<f32>, tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %4 = qnn.conv2d %3, %w : (tensor<1x4x4x8xf32>, tensor<8x1x1x8xf32>) -> tensor<1x4x4x8xf32>
  return %4 : tensor<1x4x4x8xf32>
})", 30},
    {"FunctionOfArgument", R"(
func.func @main(%x: tensor<16xf32>) -> tensor<16xf32> {
  %b = qnn.constant dense<0.3> : tensor<f32> : tensor<f32>
  %0 = qnn.sub %b, %x : (tensor<f32>, tensor<16xf32>) -> tensor<16xf32>
  return %0 : tensor<16xf32>
})", 30},
    {"FloatPools", R"(
func.func @main(%x: tensor<1x7x7x4xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x7x7x4xf32>) {
  %0 = qnn.avg_pool2d %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x7x7x4xf32>) -> tensor<1x4x4x4xf32>
  %c = qnn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %1 = qnn.pow %0, %c : (tensor<1x4x4x4xf32>, tensor<f32>) -> tensor<1x4x4x4xf32>
  return %1, %x : tensor<1x4x4x4xf32>, tensor<1x7x7x4xf32>
})", 60},
};

class LevelsTest : public testing::TestWithParam<Network> {
protected:
  LevelsTest() {
    DialectRegistry registry;
    registry.insert<qnn::QNNDialect, DyadicDialect, func::FuncDialect,
                    quant::QuantDialect>();
    registerReferenceModels(registry);
    context.appendDialectRegistry(registry);
    module = parseSourceString<ModuleOp>(GetParam().text, &context);
  }

  func::FuncOp main() { return module->lookupSymbol<func::FuncOp>("main"); }

  HostTensor randomTensor(ArrayRef<int64_t> shape, double deviation) {
    HostTensor tensor(ElementKind::F32, shape);
    std::normal_distribution<float> normal(0, deviation);
    for (float &x : tensor.as<float>())
      x = normal(random);
    return tensor;
  }

  /// Every constant of more than one element gets random values.
  void randomizeConstants() {
    main().walk([&](qnn::ConstantOp op) {
      auto type = cast<RankedTensorType>(op.getOutput().getType());
      if (type.getNumElements() == 1)
        return;
      double fanIn = type.getRank() == 1 ? 1
                     : type.getRank() == 2
                         ? type.getDimSize(0)
                         : type.getNumElements() / type.getDimSize(0);
      op.setValueAttr(makeConstant(
          randomTensor(type.getShape(), std::sqrt(1 / fanIn)), &context));
    });
  }

  void makeInputs() {
    for (Type type : main().getArgumentTypes())
      inputs.push_back(
          randomTensor(cast<RankedTensorType>(type).getShape(), 1));
  }

  /// Runs the float function and writes down what it saw.
  std::vector<HostTensor> calibrate() {
    auto observe = [&](Value value, const HostTensor &tensor) {
      auto [lo, hi] = std::minmax_element(tensor.as<float>().begin(),
                                          tensor.as<float>().end());
      auto range = qnn::RangeAttr::get(&context, *lo, *hi);
      if (auto argument = dyn_cast<BlockArgument>(value))
        main().setArgAttr(argument.getArgNumber(), kRangeAttr, range);
      else if (!value.getDefiningOp<qnn::ConstantOp>())
        value.getDefiningOp()->setAttr(kRangeAttr,
                                       ArrayAttr::get(&context, range));
    };
    auto outputs = interpret(main(), inputs, observe);
    EXPECT_TRUE(succeeded(outputs));
    return {outputs->begin(), outputs->end()};
  }

  std::vector<HostTensor> run() {
    auto outputs = interpret(main(), inputs);
    EXPECT_TRUE(succeeded(outputs));
    return {outputs->begin(), outputs->end()};
  }

  void runPasses(llvm::function_ref<void(OpPassManager &)> build) {
    PassManager pm(&context);
    build(pm);
    ASSERT_TRUE(succeeded(pm.run(*module)));
    ASSERT_TRUE(succeeded(verify(*module)));
  }

  void quantize() {
    runPasses([](OpPassManager &pm) {
      pm.addNestedPass<func::FuncOp>(createQuantize());
      pm.addNestedPass<func::FuncOp>(createFoldActivations());
    });
  }
  void lower() {
    runPasses([](OpPassManager &pm) {
      pm.addNestedPass<func::FuncOp>(createLowerQNNToDyadic());
    });
  }
  void fuse(bool fuse) {
    runPasses([&](OpPassManager &pm) {
      pm.addNestedPass<func::FuncOp>(createMaterializePadding());
      pm.addNestedPass<func::FuncOp>(createFuseKernels({fuse}));
      pm.addPass(createPlanMemory());
    });
  }

  static double decibel(const HostTensor &expected, const HostTensor &actual) {
    double signal = 1e-30, noise = 1e-30;
    for (auto [e, a] : llvm::zip(expected.as<float>(), actual.as<float>())) {
      signal += double(e) * e;
      noise += (double(e) - a) * (double(e) - a);
    }
    return 10 * std::log10(signal / noise);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::vector<HostTensor> inputs;
  std::mt19937 random{42};
};

TEST_P(LevelsTest, Agree) {
  ASSERT_TRUE(module);
  randomizeConstants();
  makeInputs();
  auto real = calibrate();
  quantize();
  auto quantized = run();
  lower();
  auto integer = run();
  ASSERT_EQ(integer.size(), real.size());
  for (size_t i = 0; i < real.size(); ++i) {
    EXPECT_GE(decibel(real[i], quantized[i]), GetParam().minDecibel);
    EXPECT_GE(decibel(real[i], integer[i]), GetParam().minDecibel);
    EXPECT_GE(decibel(quantized[i], integer[i]), GetParam().minDecibel);
  }
  OwningOpRef<ModuleOp> level3 = module->clone();
  for (bool fused : {false, true}) {
    module = level3->clone();
    fuse(fused);
    auto kernels = run();
    for (size_t i = 0; i < real.size(); ++i)
      EXPECT_EQ(kernels[i].bytes, integer[i].bytes) << "fuse=" << fused;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Networks, LevelsTest, testing::ValuesIn(networks),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace
