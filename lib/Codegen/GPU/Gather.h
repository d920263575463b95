//===- Gather.h - a contraction's activations on a GPU ----------*- C++ -*-===//
//
// A convolution reads its activations in place, as a matrix of rows (pixels) ×
// depth (products). The depth is that of the packed weights: segment after
// segment, each padded to whole units with zero weights. What is read at a
// padded place is some activation of the same segment, never what lies outside.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_GPU_GATHER_H
#define DYADIC_LIB_CODEGEN_GPU_GATHER_H

#include "../Contraction.h"
#include "GPUKernelBuilder.h"

namespace dyadic::codegen {

class Gather {
public:
  /// Depth comes in units of `unit` elements, which are read together.
  Gather(GPUKernelBuilder &k, const Contraction &c, int64_t unit);

  int64_t rows() const { return c.images * c.rowsPerImage * c.pixels; }
  /// Of a segment, with its padding.
  int64_t segmentDepth() const;
  /// Of a whole sum, with the padding of its segments.
  int64_t depth() const { return c.segments() * segmentDepth(); }
  /// Elements that surely lie inside of a segment together, at an address that
  /// is a multiple of their size: a power of two, at most `unit`.
  int64_t pieceSize() const { return piece; }

  /// Index of a row's first activation.
  mlir::Value rowBase(mlir::Value row);
  /// A unit of the depth: its segment's distance from the row's first
  /// activation, and its place in the segment.
  struct Place {
    mlir::Value segment, within;
  };
  /// `at` is a multiple of the unit; beyond the depth it means the last unit.
  Place place(mlir::Value at, int64_t bound);

  /// The words of a unit of bytes: vector<4xi8> each.
  llvm::SmallVector<mlir::Value> loadWords(mlir::Value base, Place place);
  /// A unit of 16 bytes as vector<4xi32>.
  mlir::Value loadChunk(mlir::Value base, Place place);
  /// A unit of floats as one vector, zeros in its padding: an infinity times the
  /// padding's weights would be a NaN. `at` is what `place` was asked for.
  mlir::Value loadFloats(mlir::Value base, mlir::Value at, int64_t bound);
  /// Copies a unit of bytes to the block's memory, in pieces of 4 bytes or more.
  void copyAsync(mlir::Value base, Place place, mlir::Value memory,
                 mlir::Value offset);

  /// The bytes of the depth's weights for one channel, zeros included.
  template <typename T> std::vector<T> packChannel(int64_t channel) const {
    std::vector<T> data(depth(), T(0));
    for (int64_t segment = 0; segment < c.segments(); ++segment)
      for (int64_t i = 0; i < c.length; ++i)
        data[segment * segmentDepth() + i] = T(c.weight(channel, segment, i));
    return data;
  }

private:
  /// Index of piece `o` of a unit.
  mlir::Value pieceIndex(mlir::Value base, Place place, int64_t offset);

  GPUKernelBuilder &k;
  const Contraction &c;
  int64_t unit, piece;
};

/// One 32-bit word, vector<4xi8>, as i32.
mlir::Value wordToInt(GPUKernelBuilder &k, mlir::Value word);
/// The parts of [0, `count`) that vectors of at most `width` elements never
/// straddle the end of: a power of two.
int64_t wholeWidth(int64_t width, int64_t count);

} // namespace dyadic::codegen

#endif
