//===- Strategy.h - how a contraction is computed, as data ------*- C++ -*-===//
//
// What a target chooses for one kernel, apart from the code that it leads to: the
// shape of a contraction, the candidates for it with the cost model's estimates,
// and choices that were measured elsewhere. docs/Targets.md describes the model.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TARGET_STRATEGY_H
#define DYADIC_TARGET_STRATEGY_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"

#include <algorithm>
#include <optional>
#include <string>

namespace mlir {
class Operation;
} // namespace mlir

namespace dyadic {

/// The element types of a contraction's operands.
enum class OperandKind { F32, U8, I8, /* floats that were rounded: */ BF16 };

/// Whether sums are f32.
inline bool isFloat(OperandKind kind) {
  return kind == OperandKind::F32 || kind == OperandKind::BF16;
}
/// Bytes of an activation or weight.
inline int64_t byteWidth(OperandKind kind) {
  return kind == OperandKind::F32 ? 4 : kind == OperandKind::BF16 ? 2 : 1;
}

/// Weights of four bits in memory, which the target decodes.
enum class Nibbles {
  None,
  /// −8 to 7 in two's complement, and no sum leaves 27 bits.
  Numbers,
  /// What a table says.
  Codebook
};

/// A contraction as loops: `rows` rows of `pixels` results, each with
/// `channels` columns and a sum over `depth` products. Those come in `segments`
/// of equal length that lie apart in memory.
struct ContractionShape {
  OperandKind operand;
  int64_t rows;
  int64_t pixels;
  int64_t channels;
  int64_t depth;
  int64_t segments = 1;
  Nibbles nibbles = Nibbles::None;
  /// Whether the kernel can have RegisterTile::tileRows.
  bool matrices = false;
  /// The channels are those of so many groups of a convolution, side by side in
  /// one register, each with a sum over its own activations.
  int64_t joinedGroups = 1;
  /// The results are those of 3x3 windows, one beside the other, and so many tiles of
  /// 4x4 and, at the edges, 3 cover them: the kernel can have RegisterTile::windowTiles.
  /// 0: it can't.
  int64_t windowTiles = 0;
  /// How many products of transformed windows and filters all tiles take for a channel.
  int64_t windowSums = 0;

  int64_t segmentLength() const { return depth / segments; }
  /// "u8 56x56 pixels, 64 channels, 3x192 products".
  std::string str() const;
};

/// `pixels` × `vectors` · lanes() results whose sums stay in registers, and how
/// they are computed.
struct RegisterTile {
  int64_t pixels = 1;
  int64_t vectors = 1;
  /// Weight panels outermost: each is read once, activations once per panel.
  /// Otherwise the other way round.
  bool panelsOutermost = false;
  /// How many bytes ahead of the weights that are read others are fetched into
  /// the second cache; 0: the processor is left alone.
  int64_t prefetch = 0;
  /// Consecutive products of one sum whose weights lie together: weights are
  /// packed [depth / group][column][group].
  int64_t group = 1;
  /// Products of each sum that a step adds: a multiple of `group`.
  int64_t depth = 1;
  /// The last step of a segment adds only what is left. Otherwise it is like
  /// the others: its weights are zero, and up to `depth` − 1 activations are
  /// read beyond the segment.
  bool shortLastStep = false;
  /// One step fills the registers: LLVM must not unroll the loops over them.
  bool keepLoops = false;
  /// What is subtracted from an activation before it is multiplied; Codegen
  /// puts the difference into the biases.
  int64_t activationOffset = 0;
  /// Sums are of weights times 2^this: Codegen makes the biases so, and shifts
  /// the sums back.
  int64_t weightShift = 0;
  /// What is added, modulo 16, to the weights in the lower halves of bytes.
  int64_t lowerOffset = 0;
  /// Activations of a tile are first brought into another form, of so many bytes
  /// each, by the target's `prepare`; 0: they are read in place.
  int64_t preparedBytes = 0;
  /// Sums are in registers of so many rows, one a pixel, and a step multiplies
  /// matrices: AMX. The last tile of a row of pixels and the last step of a
  /// segment begin early enough to be whole ones; what was computed before is
  /// dropped, or has weights of zero. 0: sums are in vectors.
  int64_t tileRows = 0;
  /// Sums are of transformed windows (F(4x4, 3x3)): those of `pixels` tiles are computed
  /// at once, from the activations of so many that lie in memory transformed.
  /// 0: sums are of products.
  int64_t windowTiles = 0;
  /// Which of its instructions the target uses.
  unsigned form = 0;

  /// "6x4 pixels", "7x3 panels +221184" (outermost loop, prefetch), and " form 2"
  /// where it isn't the first; "4 of 28 windows": what tells a target's candidates
  /// for a shape apart.
  std::string str() const;
};

/// A candidate with what it is expected to cost.
struct TileChoice {
  RegisterTile tile;
  /// Cycles of the instructions, or less than 0 where nothing fits; cycles that
  /// caches and memory take for the operands.
  double cycles = -1, memory = 0;

  /// Both overlap, but not wholly.
  double estimate() const {
    return std::max(cycles, memory) + 0.1 * std::min(cycles, memory);
  }
};

/// Choices that somebody made, by measuring: a tile's text for a shape's.
using TileChoices = llvm::StringMap<std::string>;

/// What was chosen for a kernel. Codegen records it as an attribute of the
/// kernel's function.
struct KernelStrategy {
  std::string shape, tile;
  /// Cycles of the cost model; 0 where the target has none.
  int64_t estimate = 0;
  /// Among how many it was chosen.
  int64_t candidates = 1;

  static constexpr llvm::StringLiteral kAttribute = "dyadic.strategy";
  void record(mlir::Operation *function) const;
  /// What was recorded, if anything.
  static std::optional<KernelStrategy> of(mlir::Operation *function);
};

} // namespace dyadic

#endif
