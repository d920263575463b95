//===- CalibrateTest.cpp --------------------------------------------------===//
#include "dyadic/Calibrate/Calibrate.h"
#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace dyadic;
using namespace mlir;

namespace {
const char *const kRelu = R"mlir(
  func.func @main(%x: tensor<1x2xf32> {qnn.name = "x"}) -> tensor<1x2xf32> {
    %c = qnn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
    %0 = qnn.relu %x : (tensor<1x2xf32>) -> tensor<1x2xf32>
    %1 = qnn.add %0, %c : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    return %1 : tensor<1x2xf32>
  }
)mlir";

/// Samples out of a list; the one after the last is an error.
class Samples : public SampleStream {
public:
  Samples(std::vector<std::array<float, 2>> values, bool broken = false)
      : values(std::move(values)), broken(broken) {}
  int64_t size() const override { return values.size() + broken; }
  llvm::Expected<llvm::SmallVector<HostTensor>> read(int64_t index) override {
    if (index == (int64_t)values.size())
      return llvm::createStringError("the sample is bad");
    HostTensor tensor(ElementKind::F32, {1, 2});
    llvm::copy(values[index], tensor.as<float>().begin());
    return llvm::SmallVector<HostTensor>{tensor};
  }
  std::vector<std::array<float, 2>> values;
  bool broken;
};

class CalibrateTest : public ::testing::Test {
protected:
  CalibrateTest() : handler(&context, [this](Diagnostic &d) { messages += d.str() + "\n"; }) {
    context.loadDialect<qnn::QNNDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(kRelu, &context);
    func = module->lookupSymbol<func::FuncOp>("main");
    relu = *func.getOps<qnn::ReluOp>().begin();
    add = *func.getOps<qnn::AddOp>().begin();
  }

  /// Runs the two ops by hand.
  LogicalResult run(llvm::ArrayRef<HostTensor> inputs, ObserveFn observe) {
    auto x = inputs[0].as<float>();
    std::vector<float> r{std::max(x[0], 0.0f), std::max(x[1], 0.0f)};
    observe(relu, r);
    if (!forgetAdd)
      observe(add, {r[0] + 1, r[1] / (r[1] == 7 ? 0 : 1) + 1});
    return success();
  }
  LogicalResult calibrateOn(SampleStream &samples) {
    return calibrate(func, samples, [&](auto in, auto observe) { return run(in, observe); }, {});
  }
  qnn::RangeAttr rangeOf(Value value) {
    auto array = value.getDefiningOp()->getAttrOfType<ArrayAttr>("qnn.range");
    return array ? cast<qnn::RangeAttr>(array[0]) : qnn::RangeAttr();
  }

  MLIRContext context;
  std::string messages;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
  func::FuncOp func;
  Value relu, add;
  bool forgetAdd = false;
};

TEST_F(CalibrateTest, ReplacesRangesAlone) {
  Samples samples({{-1, 2}, {3, -4}});
  ASSERT_TRUE(succeeded(calibrateOn(samples)));
  auto ranges = writtenRanges(func);
  ASSERT_EQ(ranges.size(), 3u);
  EXPECT_EQ(ranges[1]->max, 3);
  ranges[1] = dyadic::Range{0, 2};
  ranges[2] = std::nullopt;
  auto before = rangeOf(add);
  replaceRanges(func, ranges);
  EXPECT_EQ(rangeOf(relu).getMax(), 2);
  EXPECT_EQ(rangeOf(add), before);
}

TEST_F(CalibrateTest, WritesTheRangeOfEveryTensor) {
  Samples samples({{-1, 2}, {3, -4}});
  ASSERT_TRUE(succeeded(calibrateOn(samples)));
  auto argument = func.getArgAttrOfType<qnn::RangeAttr>(0, "qnn.range");
  EXPECT_EQ(argument.getMin(), -4);
  EXPECT_EQ(argument.getMax(), 3);
  EXPECT_EQ(rangeOf(relu).getMin(), 0);
  EXPECT_EQ(rangeOf(relu).getMax(), 3);
  EXPECT_EQ(rangeOf(add).getMax(), 4);
  // Constants speak for themselves.
  EXPECT_FALSE((*func.getOps<qnn::ConstantOp>().begin())->hasAttr("qnn.range"));
  EXPECT_EQ(messages, "");
}

TEST_F(CalibrateTest, GivesNoRangeToWhatIsNotFinite) {
  Samples samples({{1, 2}, {1, 7}, {1, 2}});
  ASSERT_TRUE(succeeded(calibrateOn(samples)));
  EXPECT_TRUE(rangeOf(relu));
  EXPECT_FALSE(rangeOf(add));
  EXPECT_EQ(messages, "is NaN or infinite on calibration sample 1, so it has no range\n");
}

TEST_F(CalibrateTest, FailsOnABadSample) {
  Samples samples({{1, 2}}, /*broken=*/true);
  EXPECT_TRUE(failed(calibrateOn(samples)));
  EXPECT_EQ(messages, "the sample is bad\n");
  EXPECT_FALSE(rangeOf(relu));
}

TEST_F(CalibrateTest, FailsWhenTheRunnerForgetsAnOp) {
  Samples samples({{1, 2}});
  forgetAdd = true;
  EXPECT_TRUE(failed(calibrateOn(samples)));
  EXPECT_NE(messages.find("was not run during calibration"), std::string::npos);
}

TEST_F(CalibrateTest, NamesInputs) {
  auto specs = inputSpecs(func);
  ASSERT_EQ(specs.size(), 1u);
  EXPECT_EQ(specs[0].name, "x");
  EXPECT_EQ(specs[0].shape, (llvm::SmallVector<int64_t>{1, 2}));
}
} // namespace
