//===- NVPTX.h - NVIDIA GPUs ------------------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_TARGET_NVPTX_NVPTX_H
#define DYADIC_LIB_TARGET_NVPTX_NVPTX_H

#include "dyadic/Target/WarpTarget.h"

namespace dyadic::nvptx {

/// Kernels for sm_75 and newer. From sm_80 on there are copies past the
/// registers, and products of 32 bytes an instruction.
class NVPTXTarget : public WarpTarget {
public:
  explicit NVPTXTarget(TargetInfo info);

  //===--- Strategy --------------------------------------------------------===//

  /// A word of bytes: what one thread handles at once at least.
  int64_t lanes() const override { return 4; }
  int64_t vectorRegisters() const override { return 255; }
  RegisterTile chooseTile(const ContractionShape &shape) const override;
  ContractionForm chooseForm(const ContractionShape &shape,
                             int64_t groups) const override;
  BlockTile chooseBlockTile(const ContractionShape &shape,
                            int64_t groups) const override;
  bool hasAsyncCopies() const override { return version >= 80; }

  //===--- DotProduct ------------------------------------------------------===//

  mlir::Value multiplyAdd(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc, mlir::Value x,
                          mlir::Value w) const override;
  mlir::Value dotWords(mlir::OpBuilder &b, mlir::Location loc,
                       OperandKind kind, mlir::Value acc, mlir::Value x,
                       mlir::Value w) const override;
  llvm::SmallVector<mlir::Value>
  multiplyFragments(mlir::OpBuilder &b, mlir::Location loc, OperandKind kind,
                    mlir::ValueRange acc, mlir::ValueRange x,
                    mlir::ValueRange w) const override;

  //===--- Requantize ------------------------------------------------------===//

  mlir::Value lookup(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value table) const override;

private:
  /// 80 for sm_80.
  unsigned version;
};

} // namespace dyadic::nvptx

#endif
