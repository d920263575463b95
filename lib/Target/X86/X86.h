//===- X86.h - AVX2 and AVX512-VNNI -----------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_TARGET_X86_X86_H
#define DYADIC_LIB_TARGET_X86_X86_H

#include "dyadic/Target/KernelTarget.h"

namespace dyadic::x86 {

class X86Target : public KernelTarget {
public:
  using KernelTarget::KernelTarget;

  int64_t lanes() const override { return isAVX512() ? 16 : 8; }
  int64_t vectorRegisters() const override { return isAVX512() ? 32 : 16; }
  int64_t reductionGroup(OperandKind kind) const override;
  RegisterTile chooseTile(const ContractionShape &shape) const override;
  llvm::SmallVector<TileChoice>
  candidates(const ContractionShape &shape) const override;
  mlir::Value loadActivation(mlir::OpBuilder &b, mlir::Location loc,
                             OperandKind kind, mlir::Value memref,
                             mlir::Value index) const override;
  mlir::Value dot(mlir::OpBuilder &b, mlir::Location loc, OperandKind kind,
                  mlir::Value acc, mlir::Value activation,
                  mlir::Value weights) const override;
  mlir::Value multiplyAdd(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc, mlir::Value x,
                          mlir::Value w) const override;
  mlir::Value lookup(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value table) const override;
  int64_t packedRegisters() const override { return 4; }
  mlir::Value packBytes(mlir::OpBuilder &b, mlir::Location loc,
                        llvm::ArrayRef<mlir::Value> words, int64_t valid,
                        bool isUnsigned, LaneOrder order) const override;
  mlir::Value requantizeFused(mlir::OpBuilder &b, mlir::Location loc,
                         const FusedRequantize &op) const override;
  mlir::Value requantizeWide(mlir::OpBuilder &b, mlir::Location loc,
                         const WideRequantize &op) const override;

private:
  bool isAVX512() const { return getInfo().level == "avx512vnni"; }
  /// vpdpbusd takes unsigned activations only; signed ones are widened to 16
  /// bits and go through vpmaddwd.
  bool usesVNNI(OperandKind kind) const;
};

} // namespace dyadic::x86

#endif
