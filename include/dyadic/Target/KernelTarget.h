//===- KernelTarget.h - what a target tells the kernel emitters -*- C++ -*-===//
//
// The one interface between the target-neutral loops of Codegen and a target:
// how large a register tile is, how operands are loaded for a dot product, and
// which instruction computes it. A new target implements it; Scalar is the
// worked example.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TARGET_KERNELTARGET_H
#define DYADIC_TARGET_KERNELTARGET_H

#include "dyadic/Target/TargetInfo.h"

#include "mlir/IR/Builders.h"

#include <memory>

namespace dyadic {

/// The element types of a contraction's operands.
enum class OperandKind { F32, U8, I8 };

/// A contraction as loops: `rows` rows of `pixels` results, each with
/// `channels` columns and a sum over `depth` products.
struct ContractionShape {
  OperandKind operand;
  int64_t rows;
  int64_t pixels;
  int64_t channels;
  int64_t depth;
};

/// `pixels` × `vectors` accumulators that stay in registers for a whole sum.
struct RegisterTile {
  int64_t pixels;
  int64_t vectors;
  /// Weight panels outermost: each is read once, activations once per panel.
  /// Otherwise the other way round.
  bool panelsOutermost;
};

class KernelTarget {
public:
  explicit KernelTarget(TargetInfo info) : info(std::move(info)) {}
  virtual ~KernelTarget() = default;
  const TargetInfo &getInfo() const { return info; }
  /// 32-bit lanes of an accumulator register; 1 for plain loops.
  virtual int64_t lanes() const = 0;
  /// Architectural registers that a register tile may use.
  virtual int64_t vectorRegisters() const = 0;

  /// How many consecutive products of one sum an instruction takes: weights are
  /// packed [depth / group][column][group].
  virtual int64_t reductionGroup(OperandKind kind) const = 0;

  virtual RegisterTile chooseTile(const ContractionShape &shape) const = 0;

  /// Loads `group` activations at `index` and repeats them in every lane, in
  /// the form that `dot` takes.
  virtual mlir::Value loadActivation(mlir::OpBuilder &b, mlir::Location loc,
                                     OperandKind kind, mlir::Value memref,
                                     mlir::Value index) const = 0;
  /// Loads lanes() columns of packed weights at `index`.
  virtual mlir::Value loadWeights(mlir::OpBuilder &b, mlir::Location loc,
                                  OperandKind kind, mlir::Value memref,
                                  mlir::Value index) const = 0;
  /// acc[lane] + Σ_group activation · weights[lane]
  virtual mlir::Value dot(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc,
                          mlir::Value activation, mlir::Value weights) const = 0;

  /// acc + x · w, lane by lane, where the i32 lanes of x hold an 8-bit
  /// activation and those of w an 8-bit weight; or f32 lanes.
  virtual mlir::Value multiplyAdd(mlir::OpBuilder &b, mlir::Location loc,
                                  OperandKind kind, mlir::Value acc,
                                  mlir::Value x, mlir::Value w) const = 0;

  /// table[x] for a vector of bytes and 256 bytes at `table`; null when the
  /// target has no instruction for it and a loop must do.
  virtual mlir::Value lookup(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value x, mlir::Value table) const {
    return {};
  }

private:
  TargetInfo info;
};

namespace scalar {
/// The kernels that every CPU target has as its weakest level.
std::unique_ptr<KernelTarget> createKernels(const TargetInfo &info);
} // namespace scalar

} // namespace dyadic

#endif
