//===- AMX.h - tiles of AMX beside AVX512-VNNI ------------------*- C++ -*-===//
#ifndef DYADIC_LIB_TARGET_X86_AMX_H
#define DYADIC_LIB_TARGET_X86_AMX_H

#include "X86.h"

namespace dyadic::x86 {

/// The form of a tile whose other operand stays in the first cache.
constexpr unsigned kStreams = 2;

/// Eight registers of up to 16 rows of 64 bytes, and their product. What it
/// doesn't pay for, X86Target computes.
class AMXTarget : public X86Target {
public:
  using X86Target::X86Target;

  llvm::SmallVector<TileChoice>
  candidates(const ContractionShape &shape) const override;
  Values beginMatrices(mlir::OpBuilder &b, mlir::Location loc,
                       const RegisterTile &tile, int64_t vectors,
                       mlir::Value biases, mlir::Value index) const override;
  Values step(mlir::OpBuilder &b, mlir::Location loc, const TileStep &step,
              mlir::ValueRange sums) const override;
  mlir::Value storeMatrices(mlir::OpBuilder &b, mlir::Location loc,
                            const RegisterTile &tile, int64_t vectors,
                            mlir::ValueRange sums) const override;
};

} // namespace dyadic::x86

#endif
