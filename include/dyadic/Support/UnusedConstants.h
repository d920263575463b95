//===- UnusedConstants.h - releasing what no module has -----------*- C++ -*-===//
//
// MLIR keeps an attribute as long as its context lives, and with it the bytes of
// each large constant that any pass ever made: a network whose weights are folded,
// equalized, quantized and packed would be in memory as many times.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_SUPPORT_UNUSEDCONSTANTS_H
#define DYADIC_SUPPORT_UNUSEDCONSTANTS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

#include <cstdint>

namespace dyadic {

/// Releases the bytes of large constants (ConstantData.h) that were made after it was
/// constructed, or that `owned` has, once no living module has them any more. Those of
/// other users of the context stay.
class UnusedConstants {
public:
  explicit UnusedConstants(mlir::MLIRContext *context, mlir::ModuleOp owned = nullptr);

  /// Releases what none of `alive` has; returns how many bytes. No module but these,
  /// and no compiled program that reads constants in place, may be used afterwards
  /// that has such constants. Not while a pass runs.
  int64_t release(llvm::ArrayRef<mlir::ModuleOp> alive) const;

private:
  mlir::MLIRContext *context;
  /// The names of the constants of others.
  llvm::StringSet<> foreign;
};

} // namespace dyadic

#endif
