//===- EmulateTest.h - runs GPU-level IR on buffers -------------*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_EMULATE_EMULATETEST_H
#define DYADIC_TEST_UNIT_EMULATE_EMULATETEST_H

#include "dyadic/Emulate/KernelEmulator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <random>

namespace dyadic {

class EmulateTest : public ::testing::Test {
protected:
  EmulateTest()
      : context(makeRegistry(), mlir::MLIRContext::Threading::DISABLED) {}

  /// Runs @m_run of `text`; false after a fault, whose message is in `errors`.
  bool run(llvm::StringRef text, std::vector<const void *> inputs,
           std::vector<void *> outputs, void *arena = nullptr) {
    errors.clear();
    mlir::ScopedDiagnosticHandler handler(&context,
                                          [&](mlir::Diagnostic &diagnostic) {
                                            errors += diagnostic.str() + "\n";
                                            return mlir::success();
                                          });
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return false;
    auto emulator = KernelEmulator::create(*module, "m_run");
    return mlir::succeeded(emulator) &&
           mlir::succeeded((*emulator)->run(inputs, outputs, arena));
  }

  /// A module whose @m_run launches the kernel @k(%x, %y) on `blocks` blocks.
  static std::string moduleWith(std::string kernel, std::string x,
                                std::string y, int blocks, int threads) {
    std::string arguments = "(%x : " + x + ", %y : " + y + ")";
    return "module attributes {gpu.container_module} {\n gpu.module @kernels "
           "{\n" +
           kernel + "\n }\n func.func @m_run" + arguments +
           " {\n  %c1 = arith.constant 1 : index\n  %blocks = arith.constant " +
           std::to_string(blocks) + " : index\n  %threads = arith.constant " +
           std::to_string(threads) +
           " : index\n  gpu.launch_func @kernels::@k blocks in (%blocks, %c1, "
           "%c1) "
           "threads in (%threads, %c1, %c1) args" +
           arguments + "\n  return\n }\n}\n";
  }

  template <typename T>
  std::vector<T> random(size_t count, int64_t low, int64_t high) {
    std::vector<T> values(count);
    std::uniform_int_distribution<int64_t> distribution(low, high);
    for (T &value : values)
      value = static_cast<T>(distribution(engine));
    return values;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string errors;
  std::mt19937 engine{7};

private:
  static mlir::DialectRegistry makeRegistry() {
    mlir::DialectRegistry registry;
    registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                    mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect,
                    mlir::NVVM::NVVMDialect, mlir::math::MathDialect,
                    mlir::memref::MemRefDialect, mlir::nvgpu::NVGPUDialect,
                    mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
    return registry;
  }
};

} // namespace dyadic

#endif
