//===- ARM.h - NEON, dotprod and i8mm ---------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_TARGET_ARM_ARM_H
#define DYADIC_LIB_TARGET_ARM_ARM_H

#include "dyadic/Target/KernelTarget.h"

namespace dyadic::arm {

/// How an accumulator register is used.
enum Form : unsigned {
  /// One pixel × four columns; activations by element: sdot, usdot, fmla.
  Elements,
  /// Two pixels × two columns: smmla, usmmla.
  Matrices,
  /// Four partial sums of one result, from exact 16-bit pairs: smull, smlal,
  /// sadalp.
  Pairs
};

class ARMTarget : public KernelTarget {
public:
  explicit ARMTarget(TargetInfo info)
      : KernelTarget(std::move(info)), hasDot(getInfo().level != "neon"),
        hasMatrix(getInfo().level == "i8mm") {}

  int64_t lanes() const override { return 4; }
  int64_t vectorRegisters() const override { return 32; }

  RegisterTile chooseTile(const ContractionShape &shape) const override;
  DepthwiseTile chooseDepthwise(const DepthwiseShape &shape) const override;

  /// Each form that takes groups of four or eight.
  bool decodesNibbles(OperandKind kind) const override {
    return hasDot && kind != OperandKind::F32;
  }
  Values beginTile(mlir::OpBuilder &b, mlir::Location loc,
                   const RegisterTile &tile, int64_t pixels,
                   llvm::ArrayRef<mlir::Value> biases) const override;
  Values step(mlir::OpBuilder &b, mlir::Location loc, const TileStep &step,
              mlir::ValueRange sums) const override;
  Values finishTile(mlir::OpBuilder &b, mlir::Location loc,
                    const RegisterTile &tile, int64_t pixels,
                    mlir::ValueRange sums) const override;
  mlir::Value multiplyAdd(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc, mlir::Value x,
                          mlir::Value w) const override;
  mlir::Value sumProducts(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc,
                          llvm::ArrayRef<mlir::Value> x,
                          llvm::ArrayRef<mlir::Value> w,
                          bool fullRangeWeights) const override;
  mlir::Value multiplyByFactor(mlir::OpBuilder &b, mlir::Location loc,
                               const FactorProduct &op) const override;
  mlir::Value lookup(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value table) const override;

  mlir::Value requantizeFused(mlir::OpBuilder &b, mlir::Location loc,
                         const FusedRequantize &op) const override;
  mlir::Value requantizeWide(mlir::OpBuilder &b, mlir::Location loc,
                         const WideRequantize &op) const override;

private:
  bool hasDot, hasMatrix;
};

} // namespace dyadic::arm

#endif
