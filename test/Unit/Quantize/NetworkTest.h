//===- NetworkTest.h - a network that is changed and run --------*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_QUANTIZE_NETWORKTEST_H
#define DYADIC_TEST_UNIT_QUANTIZE_NETWORKTEST_H

#include "dyadic/Calibrate/Calibrate.h"
#include "dyadic/Dialect/Coded/Coded.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Quantize/Recover.h"
#include "dyadic/Reference/Interpreter.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <random>

namespace dyadic {

/// A context with what networks consist of, and one network in it.
class NetworkTest : public ::testing::Test {
protected:
  NetworkTest() {
    mlir::DialectRegistry registry;
    registry.insert<coded::CodedDialect, qnn::QNNDialect, mlir::quant::QuantDialect,
                    mlir::func::FuncDialect>();
    registerReferenceModels(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef network) {
    return mlir::parseSourceString<mlir::ModuleOp>(network, &context);
  }

  void load(llvm::StringRef network) {
    module = parse(network);
    func = module->lookupSymbol<mlir::func::FuncOp>("main");
  }

  /// `count` samples of the network's only input, drawn by `draw(generator)`, each from its
  /// number.
  template <typename Draw>
  void makeSamples(int64_t count, llvm::ArrayRef<int64_t> shape, Draw draw) {
    for (int64_t i = 0; i < count; ++i) {
      std::mt19937 random(i);
      HostTensor tensor(ElementKind::F32, shape);
      for (float &x : tensor.as<float>())
        x = draw(random);
      samples.push_back({tensor});
    }
  }

  qnn::ConstantOp constant(int64_t number) {
    return *std::next(func.getOps<qnn::ConstantOp>().begin(), number);
  }
  static void setValues(qnn::ConstantOp op, llvm::ArrayRef<float> values) {
    op->setAttr("value", mlir::DenseElementsAttr::get(
                             mlir::cast<mlir::RankedTensorType>(op.getType()), values));
  }

  /// All samples' results, one after the other.
  std::vector<float> outputsOf(mlir::func::FuncOp network) {
    std::vector<float> all;
    for (const auto &sample : samples) {
      auto results = interpret(network, sample);
      for (const HostTensor &result : *results)
        llvm::append_range(all, result.as<float>());
    }
    return all;
  }
  std::vector<float> outputs() { return outputsOf(func); }

  /// Writes the ranges that the samples' values have.
  void calibrateOnSamples(const ObserverOptions &options = {}) {
    auto run = [&](llvm::ArrayRef<HostTensor> inputs, ObserveFn observe) -> mlir::LogicalResult {
      return interpret(func, inputs, [&](mlir::Value value, const HostTensor &tensor) {
        if (!mlir::isa<mlir::BlockArgument>(value))
          observe(value, tensor.as<float>());
      });
    };
    Stream stream(samples);
    EXPECT_TRUE(succeeded(calibrate(func, stream, run, options)));
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp func;
  SampleTensors samples;

private:
  struct Stream : SampleStream {
    explicit Stream(const SampleTensors &samples) : samples(samples) {}
    int64_t size() const override { return samples.size(); }
    llvm::Expected<llvm::SmallVector<HostTensor>> read(int64_t index) override {
      return samples[index];
    }
    const SampleTensors &samples;
  };
};

} // namespace dyadic

#endif
