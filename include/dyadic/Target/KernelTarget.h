//===- KernelTarget.h - what a CPU target tells the emitters ----*- C++ -*-===//
//
// The one interface between the target-neutral loops of Codegen and a CPU
// target. A contraction is computed tile by tile: `beginTile` makes the
// accumulators from the biases, `step` adds some products to each of them,
// `finishTile` gives back vectors of columns. What an accumulator register
// holds in between is the target's own: one pixel × lanes() columns on x86, two
// pixels × two columns with smmla, partial sums of one result with sadalp.
// docs/Targets.md walks through the portable target.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TARGET_KERNELTARGET_H
#define DYADIC_TARGET_KERNELTARGET_H

#include "dyadic/Target/Strategy.h"
#include "dyadic/Target/TargetInfo.h"

#include "mlir/IR/Builders.h"

#include <memory>

namespace dyadic {

/// One step of a tile: what it reads.
struct TileStep {
  OperandKind operand;
  const RegisterTile &tile;
  int64_t vectors; // of this panel; the last one may have fewer
  int64_t depth;   // products of each sum
  mlir::Value activations, weights; // memrefs
  /// The index of each pixel's first activation; where the tile has `tileRows`,
  /// of every so many-th one, and the distance from one to the next.
  llvm::ArrayRef<mlir::Value> pixels;
  mlir::Value weight;                 // index of the first weight
  /// Some weight is −128.
  bool fullRangeWeights;
  /// What the values of weights of four bits mean; empty for wider ones. A byte
  /// then holds the weights of two groups of `tile.group` positions, those of
  /// the first one low.
  llvm::ArrayRef<int8_t> nibbles = {};
  int64_t pixelStride = 0;
  /// As in ContractionShape: the activations of each group are `depth` apart.
  int64_t joinedGroups = 1;
  /// Weights lie in panels of so many columns (KernelTarget::packedColumns), each
  /// `packedPanel` elements behind the one before; 0: all vectors' side by side.
  int64_t packedColumns = 0, packedPanel = 0;

  /// Where the weights of a vector that begins with `column` are, from `weight` on.
  int64_t weightsOf(int64_t column) const {
    if (!packedColumns)
      return column * tile.group;
    return column / packedColumns * packedPanel +
           column % packedColumns * tile.group;
  }
};

/// A depthwise convolution: one filter a channel.
struct DepthwiseShape {
  OperandKind operand;
  int64_t columns; // of the result
  int64_t channels;
  int64_t kernelRows, kernelColumns;
};

/// Where the lanes of registers of i32 lie among the bytes they become.
enum class LaneOrder {
  /// Register after register.
  Natural,
  /// Lane 4L + i of register r is byte 16L + 4r + i of four registers' worth:
  /// what interleaving and packing inside parts of 128 bits leave.
  Interleaved
};

/// Neighbouring pixels × channels whose sums stay in registers.
struct DepthwiseTile {
  int64_t pixels;
  int64_t channels;
  int64_t activationOffset = 0; // as in RegisterTile
  /// How many taps one product takes (`dotInterleaved`), 2 or 4; 1 for
  /// `sumProducts`. More than one takes whole registers of channels, four in
  /// interleaved order.
  int64_t taps = 1;
  LaneOrder order = LaneOrder::Natural;
};

/// zeroPoint + round(x · scale), clamped, where one fused multiply-add is
/// proved to round right. `x` is a vector of i32, `scale` of f32.
struct FusedRequantize {
  mlir::Value x, scale;
  int64_t zeroPoint, low, high;
  /// Sums must be clamped before their bits are read.
  bool clampFirst;
  /// No x · scale is halfway between two integers: what is rounded may have the zero
  /// point in it, odd or even.
  bool neverTies = false;
};

/// Rounded sums as bytes, those of one register side by side behind another's.
struct BytePack {
  /// At most packedRegisters() vectors of lanes() f32, kMagic + an integer, or of what
  /// `roundToWords` made.
  llvm::ArrayRef<mlir::Value> sums;
  /// How many lanes of each count.
  int64_t valid;
  /// Is added to the integers, which are then saturated.
  int64_t zeroPoint;
  /// Whether all are 16-bit integers by then.
  bool fitHalves;
  bool isUnsigned;
  LaneOrder order;
};

/// zeroPoint + ((x·multiplier + addend + (parity & x·multiplier >> shift)) >>
/// shift), clamped, exactly. `x` and `multiplier` are vectors of i32, the
/// others of i64.
struct WideRequantize {
  mlir::Value x, multiplier, shift, addend, parity;
  int64_t zeroPoint, low, high;
};

/// zeroPoint + ((x − inputZp) · multiplier · factor · 2^−kFactorShift rounded half
/// up), saturated to a byte. `x` is a vector of 4·lanes() bytes, `factor` one of as
/// many i16; |x − inputZp| · multiplier is less than 2^14.
struct FactorProduct {
  mlir::Value x, factor;
  int64_t inputZp, multiplier, zeroPoint;
  bool isUnsigned, resultIsUnsigned;
};

class KernelTarget {
public:
  explicit KernelTarget(TargetInfo info) : info(std::move(info)) {}
  virtual ~KernelTarget();
  const TargetInfo &getInfo() const { return info; }
  /// 32-bit lanes of a vector register; 1 for plain loops.
  virtual int64_t lanes() const = 0;
  /// Architectural registers that a register tile may use.
  virtual int64_t vectorRegisters() const = 0;

  //===--- Strategy: which tiles -------------------------------------------===//

  virtual RegisterTile chooseTile(const ContractionShape &shape) const = 0;
  /// The ways to compute a contraction that may be worth measuring, the best by
  /// the target's cost model first; by default that of chooseTile alone.
  virtual llvm::SmallVector<TileChoice>
  candidates(const ContractionShape &shape) const;
  /// What Codegen takes: a measured choice (TargetInfo::tuned) that is among the
  /// candidates, else the first of them. `strategy`, if not null, is told.
  RegisterTile tileFor(const ContractionShape &shape,
                       KernelStrategy *strategy = nullptr) const;
  virtual DepthwiseTile chooseDepthwise(const DepthwiseShape &shape) const;

  //===--- Dot product: what a tile computes -------------------------------===//

  using Values = llvm::SmallVector<mlir::Value>;

  /// A vector of activations in the form that tiles with `preparedBytes` read:
  /// integers of that size.
  virtual mlir::Value prepare(mlir::OpBuilder &b, mlir::Location loc,
                              OperandKind kind, const RegisterTile &tile,
                              mlir::Value activations) const {
    return activations;
  }

  /// The accumulators of `pixels` pixels, each with the biases of the panel's
  /// vectors. By default the one of pixel p and vector v is number
  /// v · pixels + p.
  virtual Values beginTile(mlir::OpBuilder &b, mlir::Location loc,
                           const RegisterTile &tile, int64_t pixels,
                           llvm::ArrayRef<mlir::Value> biases) const;
  /// The accumulators with one step's products added. By default a target that
  /// broadcasts activations implements the four functions below, whose tiles
  /// have depth = group.
  virtual Values step(mlir::OpBuilder &b, mlir::Location loc,
                      const TileStep &step, mlir::ValueRange sums) const;
  /// From accumulators to vectors of lanes() results, in the order of
  /// beginTile's default.
  virtual Values finishTile(mlir::OpBuilder &b, mlir::Location loc,
                            const RegisterTile &tile, int64_t pixels,
                            mlir::ValueRange sums) const;

  /// The same where a tile has `tileRows`: accumulators of which each row is the
  /// biases of a vector, found at `index` of `biases`, and at the end the memory
  /// [pixel][vector][lane] that the results were written to.
  virtual Values beginMatrices(mlir::OpBuilder &b, mlir::Location loc,
                               const RegisterTile &tile, int64_t vectors,
                               mlir::Value biases, mlir::Value index) const {
    return {};
  }
  virtual mlir::Value storeMatrices(mlir::OpBuilder &b, mlir::Location loc,
                                    const RegisterTile &tile, int64_t vectors,
                                    mlir::ValueRange sums) const {
    return {};
  }

  /// How many columns of weights are packed side by side: the same for all levels
  /// of a machine, so that variants for several of them share the weights. A tile
  /// begins with a whole panel, or lies in one. 0: as many as the tile has.
  virtual int64_t packedColumns(const ContractionShape &shape) const {
    return 0;
  }
  /// How many consecutive products of one sum an instruction takes.
  virtual int64_t reductionGroup(OperandKind kind) const { return 1; }
  /// Loads `group` activations at `index` and repeats them in every lane, in
  /// the form that `dot` takes.
  virtual mlir::Value loadActivation(mlir::OpBuilder &b, mlir::Location loc,
                                     OperandKind kind, mlir::Value memref,
                                     mlir::Value index) const;
  /// Loads lanes() columns of packed weights at `index`.
  virtual mlir::Value loadWeights(mlir::OpBuilder &b, mlir::Location loc,
                                  OperandKind kind, mlir::Value memref,
                                  mlir::Value index) const;
  /// Whether `groups` groups of a convolution, with sums over segments of
  /// `length` activations, are computed side by side in one register.
  virtual bool joinsGroups(OperandKind kind, int64_t groups,
                           int64_t length) const {
    return false;
  }
  /// Whether steps take weights of four bits; Codegen makes bytes of them
  /// otherwise.
  virtual bool decodesNibbles(OperandKind kind) const { return false; }
  /// The entries of `table` that the lower and the upper halves of `packed`
  /// bytes mean, times 2^`shift` as the target's own tile has it.
  virtual std::pair<mlir::Value, mlir::Value>
  decodeNibbles(mlir::OpBuilder &b, mlir::Location loc, mlir::Value packed,
                llvm::ArrayRef<int8_t> table, int64_t shift) const {
    return {};
  }
  /// acc[lane] + Σ_group activation · weights[lane]
  virtual mlir::Value dot(mlir::OpBuilder &b, mlir::Location loc,
                          OperandKind kind, mlir::Value acc,
                          mlir::Value activation, mlir::Value weights) const;

  /// The 32-bit lanes of narrower registers, which may cost less; lanes() where there
  /// are none.
  virtual int64_t narrowLanes() const { return lanes(); }
  /// acc + x[2i] · w[2i] + x[2i + 1] · w[2i + 1] in lane i, modulo 2^32: registers of i16
  /// and of as many bits of i32. Only of targets whose tiles have `windowTiles`.
  virtual mlir::Value dotPairs(mlir::OpBuilder &b, mlir::Location loc,
                               mlir::Value acc, mlir::Value x,
                               mlir::Value w) const {
    return {};
  }

  /// acc + x · w, lane by lane, where the i32 lanes of x hold an 8-bit
  /// activation and those of w an 8-bit weight; or f32 lanes.
  virtual mlir::Value multiplyAdd(mlir::OpBuilder &b, mlir::Location loc,
                                  OperandKind kind, mlir::Value acc,
                                  mlir::Value x, mlir::Value w) const = 0;
  /// acc + Σ x[i] · w[i], lane by lane: vectors of bytes (or floats) as they
  /// are in memory, `acc` of i32 (or floats). By default one multiplyAdd after
  /// the other.
  virtual mlir::Value sumProducts(mlir::OpBuilder &b, mlir::Location loc,
                                  OperandKind kind, mlir::Value acc,
                                  llvm::ArrayRef<mlir::Value> x,
                                  llvm::ArrayRef<mlir::Value> w,
                                  bool fullRangeWeights) const;

  /// The byte of a lane of a register, in interleaved order.
  static int64_t interleavedChannel(int64_t reg, int64_t lane) {
    return 16 * (lane / 4) + 4 * reg + lane % 4;
  }
  /// The taps of a depthwise tile, a vector of bytes of each, side by side in
  /// lanes of 32 bits, in the form that `dotInterleaved` takes: a register for
  /// each lanes() of the bytes.
  virtual Values interleave(mlir::OpBuilder &b, mlir::Location loc,
                            OperandKind kind, llvm::ArrayRef<mlir::Value> taps,
                            LaneOrder order) const {
    return {};
  }
  /// acc[lane] + Σ x · w over the taps in a lane; `w` is bytes as in memory,
  /// a tap's sign-extended to fill its part of the lane.
  virtual mlir::Value dotInterleaved(mlir::OpBuilder &b, mlir::Location loc,
                                     OperandKind kind, mlir::Value acc,
                                     mlir::Value x, mlir::Value w) const {
    return {};
  }

  /// lhs·lhsFactor + rhs·rhsFactor + constant for vectors of 4·lanes() unsigned
  /// bytes and factors of less than 2^15: four registers of i32 in interleaved
  /// order. Empty where plain products are as good.
  virtual Values weightedSum(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value lhs, mlir::Value rhs,
                             int64_t lhsFactor, int64_t rhsFactor,
                             int64_t constant) const {
    return {};
  }

  /// (lhs − lhsZp) · (rhs − rhsZp) of such vectors, in the same way. What depends
  /// on `rhs` alone is computed apart, for loops over the other one.
  virtual Values productOf(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value lhs, mlir::Value rhs, int64_t lhsZp,
                           int64_t rhsZp) const {
    return {};
  }

  /// Bytes from bytes in 16-bit lanes. What depends on the factors alone is
  /// computed apart. Null where products in lanes of 32 bits must do.
  virtual mlir::Value multiplyByFactor(mlir::OpBuilder &b, mlir::Location loc,
                                       const FactorProduct &op) const {
    return {};
  }

  /// A table of 256 bytes in the form that `lookup` reads.
  virtual std::vector<char> arrangeTable(llvm::ArrayRef<char> table) const {
    return table.vec();
  }
  /// table[x] for a vector of bytes and 256 arranged bytes at `table`; null when
  /// the target has no instruction for it and a loop must do.
  virtual mlir::Value lookup(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value x, mlir::Value table) const {
    return {};
  }

  /// How many floats an instruction looks up in; 0 where none does.
  virtual int64_t floatTableSize() const { return 0; }
  /// The lanes of `table`, a vector of floatTableSize() floats, that the lowest bits
  /// of each i32 lane of `numbers` say; higher bits may be anything.
  virtual mlir::Value lookUpFloats(mlir::OpBuilder &b, mlir::Location loc,
                                   mlir::Value table, mlir::Value numbers) const {
    return {};
  }

  /// Whether an instruction takes any bytes of two registers of 64.
  virtual bool permutesBytes() const { return false; }
  /// 2^x of the f32 lanes of `x`, of any number, relatively within 1.5e-7. 0 where it is
  /// too small for a float, and for −∞; NaN stays. Null where no instruction scales by
  /// powers of two.
  virtual mlir::Value powerOfTwo(mlir::OpBuilder &b, mlir::Location loc,
                                 mlir::Value x) const {
    return {};
  }

  /// f32 lanes clamped to ±`bound`. Null where that takes two instructions.
  virtual mlir::Value clampMagnitude(mlir::OpBuilder &b, mlir::Location loc,
                                     mlir::Value x, double bound) const {
    return {};
  }

  //===--- Requantize: how sums become bytes -------------------------------===//

  /// Whether a fused multiply-add of f32 is an instruction.
  virtual bool fusesMultiplyAdd() const { return lanes() > 1; }
  /// Both give vectors of i32.
  virtual mlir::Value requantizeFused(mlir::OpBuilder &b, mlir::Location loc,
                                 const FusedRequantize &op) const;
  virtual mlir::Value requantizeWide(mlir::OpBuilder &b, mlir::Location loc,
                                 const WideRequantize &op) const;

  /// How many registers of i32 become one of bytes by saturation, which then is
  /// the clamp; 1 where bytes are better made register by register.
  virtual int64_t packedRegisters() const { return 1; }
  virtual mlir::Value packBytes(mlir::OpBuilder &b, mlir::Location loc,
                                const BytePack &op) const {
    return {};
  }
  /// Whether an instruction makes of each of lanes() f32 the nearest i32, ties to even, and
  /// the lowest of what is no number or beyond.
  virtual bool roundsToWords() const { return false; }
  virtual mlir::Value roundToWords(mlir::OpBuilder &b, mlir::Location loc,
                                   mlir::Value x) const {
    return {};
  }

private:
  Values stepOfNibbles(mlir::OpBuilder &b, mlir::Location loc,
                       const TileStep &step, mlir::ValueRange sums) const;

  TargetInfo info;
};

/// The `pixels` × `vectors` tile of the fewest cycles for a shape, as `cycles`
/// counts those of all steps of one tile (none for tiles that don't fit the
/// registers), and the order of the loops that reads memory least.
TileChoice searchTiles(const ContractionShape &shape, int64_t lanes,
                       int64_t maxPixels, int64_t maxVectors,
                       llvm::function_ref<std::optional<double>(
                           int64_t pixels, int64_t vectors)>
                           cycles);

namespace scalar {
/// The kernels that every CPU target has as its weakest level.
std::unique_ptr<KernelTarget> createKernels(const TargetInfo &info);
} // namespace scalar

} // namespace dyadic

#endif
