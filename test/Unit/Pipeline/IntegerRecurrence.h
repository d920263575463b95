//===- IntegerRecurrence.h - recurrent ops as text, lowered and run -*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_PIPELINE_INTEGERRECURRENCE_H
#define DYADIC_TEST_UNIT_PIPELINE_INTEGERRECURRENCE_H

#include "../../../lib/LowerToDyadic/GateTables.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/InitAll.h"
#include "dyadic/LowerToDyadic/Passes.h"
#include "dyadic/Reference/Interpreter.h"
#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace dyadic::test {

inline int64_t halfUp(int64_t x, int64_t bits) {
  return (x + (int64_t(1) << (bits - 1))) >> bits;
}
inline int64_t saturated(int64_t x) {
  return std::min<int64_t>(std::max<int64_t>(x, -32768), 32767);
}

/// The shift of the gates' factors: `steps` are those of a gate's argument in 1.
inline int64_t shiftOf(llvm::ArrayRef<float> scales, int64_t units, double projectionScale,
                       llvm::ArrayRef<double> steps) {
  double largest = 0;
  for (double gate : steps)
    largest = std::max(largest, projectionScale * gate);
  for (auto [j, scale] : llvm::enumerate(scales))
    largest = std::max(largest, double(scale) / 127 * steps[j / units]);
  return std::min<int64_t>(30, 30 - std::ilogb(largest));
}

/// `count` numbers in [−most, most], as T.
template <typename T> std::vector<T> numbers(std::mt19937 &random, int64_t count, double most) {
  std::uniform_real_distribution<double> value(-most, most);
  std::vector<T> all(count);
  for (T &x : all)
    x = static_cast<T>(value(random));
  return all;
}

inline std::string typeText(std::initializer_list<int64_t> shape, const char *element) {
  std::string text = "tensor<";
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text + element + ">";
}

/// qnn.constant of weights with so many rows.
inline std::string weightsText(const std::vector<int8_t> &weights, int64_t rows) {
  int64_t columns = weights.size() / rows;
  std::string type = typeText({rows, columns}, "i8"), text = "%w = qnn.constant dense<[";
  for (int64_t k = 0; k < rows; ++k) {
    text += k ? ",[" : "[";
    for (int64_t j = 0; j < columns; ++j)
      text += (j ? "," : "") + std::to_string(weights[k * columns + j]);
    text += "]";
  }
  return text + "]> : " + type + " : " + type + "\n";
}

inline std::string listText(const std::vector<float> &values) {
  std::string all;
  for (float x : values) {
    char text[32];
    snprintf(text, sizeof text, "%.9e", x);
    all += (all.empty() ? "" : ",") + std::string(text);
  }
  return all;
}

/// What @main of `text` makes of `inputs`, all results as floats, when `pass` has lowered
/// every `OpTy`.
template <typename OpTy>
std::vector<float> runLowered(const std::string &text, std::unique_ptr<mlir::Pass> pass,
                              const std::vector<HostTensor> &inputs) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  EXPECT_TRUE(module) << text;
  mlir::PassManager pm(&context);
  pm.addNestedPass<mlir::func::FuncOp>(std::move(pass));
  EXPECT_TRUE(succeeded(pm.run(*module)));
  EXPECT_FALSE(module->walk([](OpTy) { return mlir::WalkResult::interrupt(); }).wasInterrupted());
  auto outputs = interpret(module->lookupSymbol<mlir::func::FuncOp>("main"), inputs);
  EXPECT_TRUE(succeeded(outputs));
  std::vector<float> all;
  for (const HostTensor &output : *outputs)
    all.insert(all.end(), output.as<float>().begin(), output.as<float>().end());
  return all;
}

template <typename T>
HostTensor hostTensor(llvm::ArrayRef<int64_t> shape, const std::vector<T> &values) {
  HostTensor tensor(elementKindOf<T>(), shape);
  llvm::copy(values, tensor.as<T>().begin());
  return tensor;
}

} // namespace dyadic::test

#endif
