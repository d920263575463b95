//===- ActivationWidths.h - which activations have 16 bits ------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_ACTIVATIONWIDTHS_H
#define DYADIC_LIB_QUANTIZE_ACTIVATIONWIDTHS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

#include <string>

namespace dyadic {

/// Which of a function's tensors get 16 bits instead of 8.
class ActivationWidths {
public:
  ActivationWidths() = default;

  /// By `choices`, each a width, int8 or int16, or pattern=width for the results of the
  /// ops whose names match, and such inputs; the last that matches decides. A relu
  /// or clamp has the width of the op that it is folded into. Reports all choices that
  /// don't parse or that match nothing.
  static mlir::FailureOr<ActivationWidths> create(mlir::func::FuncOp func,
                                                  llvm::ArrayRef<std::string> choices);

  void widen(mlir::Value value) { wide.insert(value); }
  bool isWide(mlir::Value value) const { return wide.contains(value); }

private:
  llvm::DenseSet<mlir::Value> wide;
};

} // namespace dyadic

#endif
