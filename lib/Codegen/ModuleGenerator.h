//===- ModuleGenerator.h - a planned module as functions --------*- C++ -*-===//
//
// The part of level 4 to level 5 that no machine differs in: which kernels are
// one function, where tensors and weights lie, what `@<model>_run` calls. A
// subclass says how a kernel function is written and called.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_MODULEGENERATOR_H
#define DYADIC_LIB_CODEGEN_MODULEGENERATOR_H

#include "KernelBuilder.h"

#include "dyadic/Dialect/QNN/Control.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringMap.h"

namespace dyadic::codegen {

/// A kernel's function, and its part of the weights.
struct WrittenKernel {
  mlir::FunctionOpInterface function;
  int64_t constantsOffset, constantsSize, weightsOffset, weightsSize, threads,
      scratchSize;
  bool usesLength;

  explicit WrittenKernel(KernelBuilder &builder)
      : function(builder.getFunction()),
        constantsOffset(builder.constantsOffset()),
        constantsSize(builder.constantsSize()),
        weightsOffset(builder.weightsOffset()),
        weightsSize(builder.weightsSize()), threads(builder.threads()),
        scratchSize(builder.scratchSize()), usesLength(builder.usesLength()) {}
};

class ModuleGenerator {
public:
  ModuleGenerator(mlir::ModuleOp module, mlir::func::FuncOp main,
                  llvm::StringRef modelName);
  virtual ~ModuleGenerator() = default;

  /// The function `@main` of a planned module, or an error.
  static mlir::FailureOr<mlir::func::FuncOp> findMain(mlir::ModuleOp module);

  /// Replaces `main`; fails with located errors, for ops without an emitter
  /// with all of them.
  mlir::LogicalResult generate();

protected:
  virtual bool hasEmitter(mlir::Operation *anchor) const = 0;
  /// Whether kernels can run at a length that varies.
  virtual bool takesLengths() const { return false; }
  /// Whether kernels find tensors that are strided or `in_place`.
  virtual bool readsViews() const { return false; }
  /// Whether what decides at run time can be generated.
  virtual bool hasControl() const { return false; }
  /// Writes the function of `kernel`.
  virtual mlir::FailureOr<WrittenKernel>
  write(KernelOp kernel, llvm::StringRef name, WeightBlob &blob) = 0;
  /// `threads` of them call a function that is written for more than one.
  virtual void call(mlir::OpBuilder &b, mlir::Location loc,
                    mlir::FunctionOpInterface function,
                    mlir::ValueRange operands, int64_t threads) = 0;

  mlir::ModuleOp module;
  mlir::func::FuncOp main;
  std::string modelName;
  /// At the module's end.
  mlir::OpBuilder b;
  mlir::Location loc;
  /// Where a length is open.
  std::optional<DynamicShapes> shapes;

private:
  mlir::LogicalResult checkSupported();
  mlir::LogicalResult startRun();
  mlir::LogicalResult generateBlock(mlir::Block &block);
  mlir::LogicalResult generateOp(mlir::Operation &op);
  mlir::FunctionOpInterface shareFunction(mlir::FunctionOpInterface function);
  mlir::LogicalResult generateKernel(KernelOp kernel);
  // In Control.cpp.
  mlir::LogicalResult generateIf(qnn::IfOp op);
  mlir::LogicalResult generateLoop(qnn::LoopOp op);
  mlir::FailureOr<mlir::Value> generateIteration(qnn::LoopOp op,
                                                 mlir::Value iteration);
  mlir::LogicalResult bindResults(mlir::Operation *op,
                                  std::optional<llvm::ArrayRef<int64_t>> offsets);
  mlir::Value arenaView(mlir::RankedTensorType type, mlir::Value offset);
  mlir::Value loadNumber(mlir::Value tensor);
  mlir::Value isNotZero(mlir::Value tensor);
  mlir::LogicalResult copy(mlir::Value from, mlir::Value to);
  mlir::LogicalResult callKernel(KernelOp kernel, WrittenKernel written);
  mlir::Value constantIndex(int64_t value);
  mlir::Value memory(mlir::Value tensor);
  mlir::Value constantsView(int64_t offset, int64_t size);
  std::string weightsName() const { return modelName + "_weights"; }
  void reserveWeights();
  void defineWeights();
  mlir::Value scratchView(int64_t size);
  void extendArena();

  // DynamicLengths.cpp: what an open length asks for between the kernels.
  mlir::LogicalResult inferLengths();
  bool dividesByLength(mlir::Operation *anchor) const;
  void startLength(mlir::Value length);
  mlir::Value extentOf(mlir::Value tensor, int64_t dim);
  mlir::Value stage(mlir::Value tensor);
  void copyDense(mlir::Value tensor, mlir::Value dense, mlir::Value memory,
                 bool toDense);
  void fill(mlir::Value tensor, int64_t dim, mlir::Value from, mlir::Value to,
            mlir::Attribute value);
  void settleOperands(KernelOp kernel);
  void settleBorder(KernelOp kernel);
  mlir::func::FuncOp share(mlir::func::FuncOp function);
  std::string uniqueName(llvm::StringRef what);

  mlir::Value lengthIndex;
  /// Results that vary, and the caller's memory for them.
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> stagedResults;

  mlir::func::FuncOp run;
  mlir::OpBuilder runBuilder{b};
  mlir::Value arena;
  llvm::DenseMap<mlir::Value, mlir::Value> memrefs, resultMemory;
  llvm::StringMap<mlir::FunctionOpInterface> functions;
  std::vector<mlir::memref::GetGlobalOp> globals;
  WeightBlob blob;
  /// What kernels use while they run lies behind the planned tensors.
  int64_t plannedBytes = 0, scratchBytes = 0;
  int kernelCount = 0;
};

} // namespace dyadic::codegen

#endif
