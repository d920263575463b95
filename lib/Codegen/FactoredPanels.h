//===- FactoredPanels.h - integers as numbers times factors, in memory -*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_FACTOREDPANELS_H
#define DYADIC_LIB_CODEGEN_FACTOREDPANELS_H

#include "KernelBuilder.h"
#include "PanelLayout.h"

namespace dyadic::codegen {

/// The weights of a contraction as numbers of four bits and the factors of their groups
/// (CodedIntegers), and the code that makes of them the bytes of a panel, as PanelLayout
/// has them. A *row* is a tile's `group` products of each column; two rows share bytes.
///
///   numbers [convolution's group][block of columns][row / 2][column][product of a row]
///   factors [convolution's group][block of columns][group of the sum][column]
///
/// Blocks are as wide for all levels of a machine, so that its variants share them.
class FactoredPanels {
public:
  /// None where some row has products of several groups of the sum, as where three
  /// products have a factor each: such weights are stored as the bytes they are.
  static std::optional<FactoredPanels> create(KernelBuilder &k, const Contraction &c,
                                              const RegisterTile &tile,
                                              const PanelLayout &layout,
                                              int64_t blockColumns);

  /// Writes the weights of `vectors` registers of columns from `column` on to `memory`.
  void decode(mlir::Value convGroup, mlir::Value column, int64_t vectors,
              mlir::Value memory);

private:
  FactoredPanels(KernelBuilder &k, const Contraction &c, const RegisterTile &tile,
                 const PanelLayout &layout, int64_t blockColumns,
                 llvm::ArrayRef<int32_t> groupOfRow);

  void pack(const Contraction &c, const PanelLayout &layout);
  std::pair<mlir::Value, mlir::Value> numbersOf(mlir::Value packed);
  mlir::Value factorsOf(mlir::Value row, mlir::Value block, mlir::Value within);

  KernelBuilder &k;
  int64_t rows, perRow, blockColumns, blocks, lanes, groups;
  /// Both rows of each pair are in the same group.
  bool pairsShare;
  /// Which group of the sum a row has, in memory.
  mlir::Value numbers, factors, groupOfRow;
};

} // namespace dyadic::codegen

#endif
