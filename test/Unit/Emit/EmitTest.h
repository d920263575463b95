//===- EmitTest.h - level-5 text in, a running program out ------*- C++ -*-===//
#ifndef DYADIC_TEST_UNIT_EMIT_EMITTEST_H
#define DYADIC_TEST_UNIT_EMIT_EMITTEST_H

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Emit/JIT.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

namespace dyadic {

class EmitTest : public testing::Test {
protected:
  EmitTest() {
    context.loadDialect<DyadicDialect, mlir::func::FuncDialect,
                        mlir::arith::ArithDialect, mlir::math::MathDialect,
                        mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                        mlir::linalg::LinalgDialect,
                        mlir::vector::VectorDialect, mlir::LLVM::LLVMDialect>();
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module;
  }

  EmitOptions host() {
    EmitOptions options;
    options.target =
        *resolveTarget("native", mlir::UnknownLoc::get(&context));
    return options;
  }

  std::unique_ptr<JITProgram> load(mlir::ModuleOp module, ProgramInfo info) {
    auto program = JITProgram::create(module, std::move(info), host());
    EXPECT_TRUE(mlir::succeeded(program));
    return mlir::succeeded(program) ? std::move(*program) : nullptr;
  }

  static TensorInfo f32(llvm::StringRef name, int64_t size) {
    TensorInfo info;
    info.name = name;
    info.shape = {size};
    return info;
  }

  mlir::MLIRContext context;
};

} // namespace dyadic

#endif
