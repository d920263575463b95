//===- PanelLayout.h - a contraction's weights as a tile reads them -*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_PANELLAYOUT_H
#define DYADIC_LIB_CODEGEN_PANELLAYOUT_H

#include "Contraction.h"

#include "dyadic/Target/KernelTarget.h"
#include "llvm/Support/MathExtras.h"

namespace dyadic::codegen {

/// How weights of four bits are computed with. Padding has weights of zero.
Nibbles nibblesOf(const Contraction &c, const KernelTarget &target);

/// Where the weights and biases of a contraction lie for a register tile:
///
///   [group][panel][segment][length / g][column][g]
///
/// with columns padded to whole registers, and segments to whole steps or groups.
/// A panel has the columns of a tile, or KernelTarget::packedColumns().
class PanelLayout {
public:
  /// `c` must outlive the layout.
  PanelLayout(const Contraction &c, const RegisterTile &tile, Nibbles nibbles,
              int64_t lanes, int64_t packedColumns);

  /// Whole steps of a segment, the products left, and both as they are packed.
  int64_t steps, rest, packedLength;

  /// The columns of a tile.
  int64_t panelColumns() const { return tile.vectors * lanes; }
  int64_t paddedChannels() const {
    return llvm::alignTo(c.channels, packedColumns ? packedColumns : lanes);
  }
  int64_t depth() const { return c.segments() * packedLength; }
  /// Whether weights stay four bits wide.
  bool packsNibbles() const { return nibbles != Nibbles::None; }
  /// The elements of memory that so many packed weights take.
  int64_t packedSize(int64_t weights) const {
    return packsNibbles() ? weights / 2 : weights;
  }

  /// One element a weight.
  template <typename T> std::vector<T> packWeights() const;
  /// Two weights a byte.
  std::vector<int8_t> packNibbles() const;
  /// Which product of a segment packed weight `i` belongs to; −1: none.
  int64_t product(int64_t i) const;
  /// The biases, with what the target subtracts from activations made up for.
  template <typename T> std::vector<T> packBias() const;

  /// Columns that lie side by side whatever the tile; 0: the tile's.
  int64_t packedColumns;
  /// The same for a tile of `columns`.
  int64_t columnsBeside(int64_t columns) const {
    return packedColumns ? packedColumns : columns;
  }

private:
  using PanelBody = llvm::function_ref<void(int64_t group, int64_t segment,
                                            int64_t begin, int64_t width)>;
  void forPanels(PanelBody body) const;
  int64_t sumOfWeights(int64_t channel) const;

  const Contraction &c;
  RegisterTile tile;
  Nibbles nibbles;
  int64_t lanes;
};

} // namespace dyadic::codegen

#endif
