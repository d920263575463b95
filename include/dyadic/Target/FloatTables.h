//===- FloatTables.h - targets that look floats up --------------*- C++ -*-===//
#ifndef DYADIC_TARGET_FLOATTABLES_H
#define DYADIC_TARGET_FLOATTABLES_H

#include "mlir/IR/Builders.h"

namespace dyadic {

/// What a KernelTarget also is where an instruction permutes a register of floats.
class FloatTables {
public:
  virtual ~FloatTables() = default;
  /// How many floats a table has.
  virtual int64_t floatTableSize() const = 0;
  /// The lanes of `table`, a vector of floatTableSize() floats, that the lowest bits
  /// of each i32 lane of `numbers` say; higher bits may be anything.
  virtual mlir::Value lookUpFloats(mlir::OpBuilder &b, mlir::Location loc,
                                   mlir::Value table, mlir::Value numbers) const = 0;
};

} // namespace dyadic

#endif
