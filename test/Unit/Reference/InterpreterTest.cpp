//===- InterpreterTest.cpp - running functions and refusing bad ones ------===//
#include "ReferenceTest.h"

#include "mlir/IR/BuiltinOps.h"

using namespace dyadic;

namespace {

class Interpreter : public ReferenceTest {
protected:
  /// The diagnostic of a run that must fail.
  std::string failureOf(llvm::StringRef text,
                        llvm::ArrayRef<HostTensor> inputs) {
    auto module = parse(text);
    EXPECT_TRUE(module);
    if (!module)
      return "";
    std::string message;
    mlir::ScopedDiagnosticHandler handler(
        &context, [&](mlir::Diagnostic &diagnostic) {
          message += diagnostic.str();
          return mlir::success();
        });
    auto results =
        interpret(*module->getOps<mlir::func::FuncOp>().begin(), inputs);
    EXPECT_TRUE(mlir::failed(results));
    return message;
  }
};

TEST_F(Interpreter, ReturnsArgumentsAndRepeatedValues) {
  auto results = runAll(R"(
    func.func @f(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
      %y = qnn.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      return %x, %y, %y : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    })",
                        {tensor<float>({2}, {1, 2})});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].get(1), 2);
  EXPECT_EQ(results[1].get(1), 4);
  EXPECT_EQ(results[2].get(1), 4);
}

TEST_F(Interpreter, ObservesArgumentsAndResults) {
  auto module = parse(R"(
    func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
      %c = arith.constant dense<3.0> : tensor<1xf32>
      %unused = qnn.neg %x : (tensor<1xf32>) -> tensor<1xf32>
      %y = qnn.mul %x, %c : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
      return %y : tensor<1xf32>
    })");
  std::vector<double> seen;
  auto results = interpret(
      *module->getOps<mlir::func::FuncOp>().begin(), tensor<float>({1}, {2}),
      [&](mlir::Value, const HostTensor &t) { seen.push_back(t.get(0)); });
  ASSERT_TRUE(mlir::succeeded(results));
  // The constant when it is first read.
  EXPECT_EQ(seen, (std::vector<double>{2, -2, 3, 6}));
}

TEST_F(Interpreter, Scalars) {
  EXPECT_EQ(runOp<float>("%x: tensor<f32>, %w: tensor<2xf32>",
                         "qnn.add %x, %w", "(tensor<f32>, tensor<2xf32>)",
                         "tensor<2xf32>",
                         {tensor<float>({}, {1}), tensor<float>({2}, {1, 2})}),
            (Floats{2, 3}));
}

TEST_F(Interpreter, RefusesInputsThatDoNotFit) {
  const char *text = "func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> "
                     "{ return %x : tensor<2xf32> }";
  EXPECT_NE(failureOf(text, {}).find("expected 1 inputs, but got 0"),
            std::string::npos);
  EXPECT_NE(failureOf(text, tensor<float>({3}, {1, 2, 3}))
                .find("expected input 0 of type 'tensor<2xf32>', but got "
                      "3xfloat32"),
            std::string::npos);
  EXPECT_NE(failureOf(text, tensor<int32_t>({2}, {1, 2})).find("2xint32"),
            std::string::npos);
}

TEST_F(Interpreter, RefusesOpsWithoutSemantics) {
  EXPECT_NE(failureOf(R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = arith.negf %x : tensor<2xf32>
      return %y : tensor<2xf32>
    })",
                      tensor<float>({2}, {1, 2}))
                .find("has no reference semantics"),
            std::string::npos);
}

TEST_F(Interpreter, RefusesOtherQuantizedTypes) {
  EXPECT_NE(failureOf(R"(
    !t = tensor<2x2x!quant.uniform<i8:f32:{0:1, 1:2}, {{1.0}, {2.0}}>>
    func.func @f(%x: tensor<2x2xf32>) -> !t {
      %y = quant.qcast %x : tensor<2x2xf32> to !t
      return %y : !t
    })",
                      tensor<float>({2, 2}, {1, 2, 3, 4}))
                .find("expected scales per tensor or per axis"),
            std::string::npos);
}

TEST_F(Interpreter, EmptyTensors) {
  auto results = runAll(R"(
    func.func @f(%x: tensor<0x2xf32>) -> tensor<0x2xf32> {
      %y = qnn.relu %x : (tensor<0x2xf32>) -> tensor<0x2xf32>
      return %y : tensor<0x2xf32>
    })",
                        {HostTensor(ElementKind::F32, {0, 2})});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].numElements(), 0);
}

} // namespace
