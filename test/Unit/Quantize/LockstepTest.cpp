//===- LockstepTest.cpp - tensors that are kept and computed anew ---------===//
#include "Lockstep.h"

#include "NetworkTest.h"

using namespace dyadic;
using namespace mlir;

namespace {
// Two readers of %1, and a constant in front of its readers.
const char *const kNetwork = R"mlir(
  func.func @main(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    %c = qnn.constant dense<0.5> : tensor<8xf32> : tensor<8xf32>
    %0 = qnn.mul %x, %c : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
    %1 = qnn.relu %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
    %2 = qnn.neg %1 : (tensor<2x8xf32>) -> tensor<2x8xf32>
    %3 = qnn.add %1, %2 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    %4 = qnn.add %3, %c : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
    %5 = qnn.abs %4 : (tensor<2x8xf32>) -> tensor<2x8xf32>
    return %5 : tensor<2x8xf32>
  }
)mlir";

class LockstepTest : public NetworkTest {
protected:
  LockstepTest() {
    load(kNetwork);
    makeSamples(5, {2, 8}, [](auto &random) { return std::normal_distribution<float>()(random); });
  }

  /// What the last op reads, of all samples.
  std::vector<float> inputsOfLast(Lockstep &network) {
    Operation *op = &func.getBody().front().front();
    Operation *last = func.getBody().front().getTerminator()->getOperand(0).getDefiningOp();
    EXPECT_TRUE(succeeded(network.advanceTo(op, last)));
    EXPECT_EQ(op, last);
    std::vector<float> all;
    size_t next = 0;
    auto visit = [&](size_t sample, const HostTensor &tensor) {
      EXPECT_EQ(next++, sample);
      llvm::append_range(all, tensor.as<float>());
    };
    EXPECT_TRUE(succeeded(network.forEachSample(last->getOperand(0), visit)));
    EXPECT_EQ(samples.size(), next);
    return all;
  }

  /// The same by the interpreter.
  std::vector<float> expected() {
    std::vector<float> all;
    Value wanted =
        func.getBody().front().getTerminator()->getOperand(0).getDefiningOp()->getOperand(0);
    for (const auto &sample : samples)
      EXPECT_TRUE(succeeded(interpret(func, sample, [&](Value value, const HostTensor &tensor) {
        if (value == wanted)
          llvm::append_range(all, tensor.as<float>());
      })));
    return all;
  }
};
} // namespace

TEST_F(LockstepTest, KeepsTensors) {
  Lockstep network(func, samples);
  EXPECT_EQ(expected(), inputsOfLast(network));
}

TEST_F(LockstepTest, ComputesLargeTensorsAnew) {
  Lockstep network(func, samples, /*mostBytes=*/0);
  EXPECT_EQ(expected(), inputsOfLast(network));
}

TEST_F(LockstepTest, KeepsWhatEndsALongRow) {
  std::string body, last = "x";
  for (int i = 0; i < 40; ++i) {
    std::string next = "v" + std::to_string(i);
    body += "%" + next + " = qnn.add %" + last + ", %" + last +
            " : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>\n";
    last = next;
  }
  load("func.func @main(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {\n" + body + "return %" + last +
       " : tensor<2x8xf32>\n}");
  Lockstep network(func, samples, /*mostBytes=*/0);
  EXPECT_EQ(expected(), inputsOfLast(network));
}

TEST_F(LockstepTest, EvaluatesOneOp) {
  Lockstep network(func, samples);
  Operation *multiply = *func.getOps<qnn::MulOp>().begin();
  auto results = network.evaluate(multiply);
  ASSERT_TRUE(succeeded(results));
  for (auto [inputs, outputs] : llvm::zip_equal(samples, *results))
    for (auto [x, y] : llvm::zip_equal(inputs[0].as<float>(), outputs[0].as<float>()))
      EXPECT_EQ(0.5f * x, y);
}
