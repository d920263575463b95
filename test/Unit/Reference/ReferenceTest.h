//===- ReferenceTest.h - IR text and values in, values out ------*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_REFERENCE_REFERENCETEST_H
#define DYADIC_TEST_UNIT_REFERENCE_REFERENCETEST_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

namespace dyadic {

/// A tensor of the element kind of T.
template <typename T>
HostTensor tensor(llvm::ArrayRef<int64_t> shape, std::vector<T> values) {
  HostTensor result(elementKindOf<T>(), shape);
  EXPECT_EQ(result.numElements(), static_cast<int64_t>(values.size()));
  llvm::copy(values, result.as<T>().begin());
  return result;
}

class ReferenceTest : public testing::Test {
protected:
  ReferenceTest() {
    mlir::DialectRegistry registry;
    registerReferenceModels(registry);
    context.appendDialectRegistry(registry);
    context.loadDialect<DyadicDialect, qnn::QNNDialect, mlir::func::FuncDialect,
                        mlir::arith::ArithDialect, mlir::quant::QuantDialect>();
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    return mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }

  /// Runs the one function in `text`.
  std::vector<HostTensor> runAll(llvm::StringRef text,
                                 llvm::ArrayRef<HostTensor> inputs) {
    auto module = parse(text);
    EXPECT_TRUE(module);
    if (!module)
      return {};
    auto results =
        interpret(*module->getOps<mlir::func::FuncOp>().begin(), inputs);
    EXPECT_TRUE(mlir::succeeded(results));
    if (mlir::failed(results))
      return {};
    return {results->begin(), results->end()};
  }

  /// Wraps `body`, which uses the parameters and ends in a return, in a
  /// function and returns the elements of its first result.
  template <typename T>
  std::vector<T> run(llvm::StringRef parameters, llvm::StringRef resultType,
                     llvm::StringRef body, llvm::ArrayRef<HostTensor> inputs) {
    std::string text =
        ("func.func @f(" + parameters + ") -> " + resultType + " {\n" + body +
         "\n}\n")
            .str();
    std::vector<HostTensor> results = runAll(text, inputs);
    if (results.empty())
      return {};
    EXPECT_EQ(results[0].kind, elementKindOf<T>());
    auto values = results[0].as<T>();
    return {values.begin(), values.end()};
  }

  /// The same for one op %y = `op` on %x (and %w, …).
  template <typename T>
  std::vector<T> runOp(llvm::StringRef parameters, llvm::StringRef op,
                       llvm::StringRef types, llvm::StringRef resultType,
                       llvm::ArrayRef<HostTensor> inputs) {
    std::string body = ("%y = " + op + " : " + types + " -> " + resultType +
                        "\nreturn %y : " + resultType)
                           .str();
    return run<T>(parameters, resultType, body, inputs);
  }

  mlir::MLIRContext context;
};

using Floats = std::vector<float>;
using Bytes = std::vector<uint8_t>;
using Ints = std::vector<int32_t>;

} // namespace dyadic

#endif
