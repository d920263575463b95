//===- X86.h - AVX2, AVX-VNNI, AVX512-VNNI -----------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_TARGET_X86_X86_H
#define DYADIC_LIB_TARGET_X86_X86_H

#include "dyadic/Target/KernelTarget.h"

namespace dyadic {
class VectorOps;
} // namespace dyadic

namespace dyadic::x86 {

/// How operands meet, in RegisterTile::form.
enum Form : unsigned {
  /// f32, or four bytes to vpdpbusd; without it, bytes are split into 16-bit lanes
  /// in registers.
  InPlace = 0,
  /// Activations are prepared as pairs of 16-bit integers; weights become such
  /// when they are loaded.
  Widened = 1,
  /// Weights of four bits, for a stream of them: the lower halves of bytes as w + 8
  /// and the upper ones as 16·w, in sums of their own, with nothing but an AND
  /// before each product. 8·Σx is one more sum.
  SplitNibbles = 8,
  /// Groups of few channels side by side.
  JoinedGroups = 9,
};

/// What a tile's activations may take on the stack in another form.
constexpr int64_t kMaxPrepared = 64 * 1024;

/// The bytes of `x` and `y` by turns, from the lower (or upper) half of each
/// 128 bits; `size` bytes at a time.
mlir::Value unpack(VectorOps &ops, mlir::Value x, mlir::Value y, bool upper,
                   int64_t size);

class X86Target : public KernelTarget {
public:
  explicit X86Target(TargetInfo info);

  int64_t lanes() const override { return isAVX512() ? 16 : 8; }
  int64_t vectorRegisters() const override { return isAVX512() ? 32 : 16; }
  int64_t packedColumns(const ContractionShape &shape) const override;
  int64_t reductionGroup(OperandKind kind) const override;
  RegisterTile chooseTile(const ContractionShape &shape) const override;
  llvm::SmallVector<TileChoice>
  candidates(const ContractionShape &shape) const override;
  mlir::Value prepare(mlir::OpBuilder &b, mlir::Location loc, OperandKind kind,
                      const RegisterTile &tile,
                      mlir::Value activations) const override;
  Values beginTile(mlir::OpBuilder &b, mlir::Location loc,
                   const RegisterTile &tile, int64_t pixels,
                   llvm::ArrayRef<mlir::Value> biases) const override;
  Values finishTile(mlir::OpBuilder &b, mlir::Location loc,
                    const RegisterTile &tile, int64_t pixels,
                    mlir::ValueRange sums) const override;
  Values step(mlir::OpBuilder &b, mlir::Location loc, const TileStep &step,
              mlir::ValueRange sums) const override;
  mlir::Value loadActivation(mlir::OpBuilder &b, mlir::Location loc,
                             OperandKind kind, mlir::Value memref,
                             mlir::Value index) const override;
  bool joinsGroups(OperandKind kind, int64_t groups,
                   int64_t length) const override;
  bool decodesNibbles(OperandKind kind) const override {
    return !isFloat(kind);
  }
  std::pair<mlir::Value, mlir::Value>
  decodeNibbles(mlir::OpBuilder &b, mlir::Location loc, mlir::Value packed,
                llvm::ArrayRef<int8_t> table, int64_t shift) const override;
  mlir::Value dot(mlir::OpBuilder &b, mlir::Location loc, OperandKind kind,
                  mlir::Value acc, mlir::Value activation,
                  mlir::Value weights) const override;
  int64_t narrowLanes() const override { return 8; }
  mlir::Value dotPairs(mlir::OpBuilder &b, mlir::Location loc, mlir::Value acc,
                       mlir::Value x, mlir::Value w) const override;
  mlir::Value multiplyAdd(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc, mlir::Value x,
                          mlir::Value w) const override;
  DepthwiseTile chooseDepthwise(const DepthwiseShape &shape) const override;
  Values interleave(mlir::OpBuilder &b, mlir::Location loc, OperandKind kind,
                    llvm::ArrayRef<mlir::Value> taps,
                    LaneOrder order) const override;
  mlir::Value dotInterleaved(mlir::OpBuilder &b, mlir::Location loc,
                             OperandKind kind, mlir::Value acc, mlir::Value x,
                             mlir::Value w) const override;
  Values weightedSum(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lhs,
                     mlir::Value rhs, int64_t lhsFactor, int64_t rhsFactor,
                     int64_t constant) const override;
  Values productOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lhs,
                   mlir::Value rhs, int64_t lhsZp, int64_t rhsZp) const override;
  bool permutesBytes() const override {
    return getInfo().level == "avx512vnni" && getInfo().has("avx512vbmi");
  }
  int64_t floatTableSize() const override { return lanes(); }
  mlir::Value lookUpFloats(mlir::OpBuilder &b, mlir::Location loc, mlir::Value table,
                           mlir::Value numbers) const override;
  mlir::Value powerOfTwo(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value x) const override;
  mlir::Value clampMagnitude(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value x, double bound) const override;
  mlir::Value multiplyByFactor(mlir::OpBuilder &b, mlir::Location loc,
                               const FactorProduct &op) const override;
  std::vector<char> arrangeTable(llvm::ArrayRef<char> table) const override;
  mlir::Value lookup(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value table) const override;
  int64_t packedRegisters() const override { return 4; }
  mlir::Value packBytes(mlir::OpBuilder &b, mlir::Location loc,
                        const BytePack &op) const override;
  bool roundsToWords() const override { return true; }
  mlir::Value roundToWords(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value x) const override;
  mlir::Value requantizeFused(mlir::OpBuilder &b, mlir::Location loc,
                         const FusedRequantize &op) const override;
  mlir::Value requantizeWide(mlir::OpBuilder &b, mlir::Location loc,
                         const WideRequantize &op) const override;

private:
  bool isAVX512() const { return lanesAreWide; }
  Values stepOfSplitNibbles(mlir::OpBuilder &b, mlir::Location loc,
                            const TileStep &step, mlir::ValueRange sums) const;
  Values stepOfJoinedGroups(mlir::OpBuilder &b, mlir::Location loc,
                            const TileStep &step, mlir::ValueRange sums) const;
  /// vpdpbusd, which takes unsigned activations only: signed ones are prepared,
  /// with 128 added.
  bool hasDot() const { return dot4; }
  bool streamsNibbles(const ContractionShape &shape) const;
  /// The candidate that transforms windows. WinogradStrategy.cpp
  TileChoice transformedWindows(const ContractionShape &shape) const;
  /// The forms for a shape, without a size.
  llvm::SmallVector<RegisterTile> forms(const ContractionShape &shape) const;
  mlir::Value dotBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value acc,
                       mlir::Value x, mlir::Value w) const;

  bool lanesAreWide, dot4;
};

} // namespace dyadic::x86

#endif
