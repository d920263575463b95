//===- JoinedChains.h - functions that will be one table --------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_JOINEDCHAINS_H
#define DYADIC_LIB_QUANTIZE_JOINEDCHAINS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"

namespace dyadic {

/// While it lives, the tensors between functions of one element, one behind the
/// other, are f32 in a network of level 2: the lowering makes one table of them,
/// in which nothing is rounded, and so the interpreter doesn't, either.
class JoinedChains {
public:
  explicit JoinedChains(mlir::func::FuncOp func);
  ~JoinedChains();
  JoinedChains(const JoinedChains &) = delete;
  JoinedChains &operator=(const JoinedChains &) = delete;

private:
  llvm::SmallVector<std::pair<mlir::Value, mlir::Type>> types;
};

} // namespace dyadic

#endif
