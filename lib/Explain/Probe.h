//===- Probe.h - a compiled network that shows its inside -------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_PROBE_H
#define DYADIC_LIB_EXPLAIN_PROBE_H

#include "dyadic/Emit/JIT.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace dyadic {

/// Makes `main` return f32 values of its body behind what it returns already, a
/// quantized one dequantized.
class Results {
public:
  explicit Results(mlir::func::FuncOp main) : main(main) {}
  /// The number of the result that `value` is.
  size_t add(mlir::Value value);
  /// The same for what a softmax makes result `i` of; `i` if none does.
  /// Probabilities near 0 and 1 don't show errors that the next sample's would.
  size_t addScores(size_t i);
  /// Changes the function; nothing may be added any more.
  void finish();

private:
  mlir::func::FuncOp main;
  llvm::DenseMap<mlir::Value, size_t> numbers;
  llvm::SmallVector<mlir::Value> added;
};

/// The numbers of the results of `main` that are f32.
llvm::SmallVector<size_t> floatResults(mlir::func::FuncOp main);

/// A network at level 1, or at level 2 if `isQuantized`, as code of this process.
class Probe {
public:
  /// Compiles `module`, in place. The context must outlive the probe.
  static mlir::FailureOr<std::unique_ptr<Probe>>
  create(mlir::OwningOpRef<mlir::ModuleOp> module, bool isQuantized,
         llvm::StringRef rounding = "");

  void run(llvm::ArrayRef<const void *> inputs);
  /// A result of the last run.
  const HostTensor &result(size_t i) const { return results[i]; }
  llvm::ArrayRef<float> floats(size_t i) const { return results[i].as<float>(); }
  const ProgramInfo &info() const { return program->info(); }

private:
  Probe() = default;
  mlir::OwningOpRef<mlir::ModuleOp> module; // has the weights
  std::unique_ptr<JITProgram> program;
  std::unique_ptr<char, void (*)(void *)> arena{nullptr, free};
  std::vector<HostTensor> results;
};

} // namespace dyadic

#endif
