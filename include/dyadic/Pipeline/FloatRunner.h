//===- FloatRunner.h - calibration by compiled code -------------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_FLOATRUNNER_H
#define DYADIC_PIPELINE_FLOATRUNNER_H

#include "dyadic/Dialect/Dyadic/DynamicShapes.h"
#include "dyadic/Calibrate/Calibrate.h"
#include "dyadic/Emit/JIT.h"

#include "mlir/IR/BuiltinOps.h"

namespace dyadic {

/// A float network compiled for this machine, which tells what each op of the level-1
/// module computes: between its kernels, as memory is used again behind them; behind a
/// run, with every tensor kept, where a length is open.
class FloatRunner {
public:
  /// Compiles a copy of `module`; the ops of `module` itself get an attribute
  /// `qnn.id` while that happens, no more.
  static mlir::FailureOr<std::unique_ptr<FloatRunner>>
  create(mlir::ModuleOp module);

  /// One batch: a Runner.
  mlir::LogicalResult operator()(llvm::ArrayRef<HostTensor> inputs,
                                 ObserveFn observe);

private:
  /// Where an op's result lies.
  struct Place {
    mlir::Value value; // of the level-1 module
    enum { Arena, Output, Input } where;
    int64_t offset; // in the arena, or the number of the output or input
    int64_t count;
    /// The kernel behind which it is there; -1 for all of them.
    int64_t kernel = -1;
  };

  FloatRunner() = default;
  mlir::LogicalResult locate(mlir::ModuleOp kernels,
                             llvm::ArrayRef<mlir::Value> values);

  /// Called by the code behind each kernel.
  static void passKernel(int64_t number);
  /// What lies at `place` is told to `observe`.
  void tell(const Place &place, llvm::ArrayRef<HostTensor> inputs, int64_t lengthIndex,
            ObserveFn observe);
  /// The elements of `place` at the length of this index, dense.
  llvm::ArrayRef<float> read(const Place &place, const float *base,
                             int64_t lengthIndex);

  std::unique_ptr<JITProgram> program;
  /// Of the level-1 function, where a length is open.
  std::optional<DynamicShapes> shapes;
  std::vector<float> dense;
  mlir::MLIRContext *context = nullptr;
  std::vector<Place> places;
  /// The places of each kernel, in order.
  std::vector<llvm::SmallVector<Place, 1>> behindKernels;
  /// While the code runs.
  llvm::function_ref<void(int64_t)> observeKernel;
  std::vector<HostTensor> outputs;
  std::unique_ptr<char, void (*)(void *)> arena{nullptr, free};
};

} // namespace dyadic

#endif
