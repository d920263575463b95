//===- DepthwiseTaps.h - which taps of a filter go together -----*- C++ -*-===//
//
// An instruction that adds several products to one lane takes several taps of a
// depthwise filter at once, whose activations are interleaved into that lane.
// Interleaving costs more than the products: taps are grouped so that
// neighbouring results use the same groups, shifted by a column.
//
//   full groups of rows    one column of them: kw results share it
//   one row left           neighbouring columns of it: two results share it
//   two left, of four      two columns of both
//   three left, of four    one column, and a weight of zero
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_DEPTHWISETAPS_H
#define DYADIC_LIB_CODEGEN_DEPTHWISETAPS_H

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace dyadic::codegen {

struct DepthwiseTaps {
  /// Offsets of an activation from a column's first row, in pixels.
  struct Tap {
    int64_t row, column;
  };
  /// The taps of a group, as many as go together; fewer where the filter is
  /// smaller.
  using Group = llvm::SmallVector<Tap, 4>;
  /// What a result adds: a group, from `column` on, and for each of its taps
  /// the weight's number in the filter, or −1 for zero.
  struct Use {
    unsigned group;
    int64_t column;
    llvm::SmallVector<int64_t, 4> weights;
  };

  llvm::SmallVector<Group> groups;
  llvm::SmallVector<Use> uses;

  /// Covers every tap of a filter of `rows` × `columns` once; `together` is 2
  /// or 4. No use reads a column that the filter doesn't.
  static DepthwiseTaps plan(int64_t rows, int64_t columns, int64_t rowDilation,
                            int64_t columnDilation, int64_t together);
};

} // namespace dyadic::codegen

#endif
