//===- RunTimePanel.h - weights that are packed while a model runs -*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_RUNTIMEPANEL_H
#define DYADIC_LIB_CODEGEN_RUNTIMEPANEL_H

#include "KernelBuilder.h"

namespace dyadic::codegen {

/// A matrix of bytes in memory, depth × columns, one of whose strides is 1.
struct ByteMatrix {
  mlir::Value memory;
  int64_t depth = 0;
  /// Elements between rows (of the sums' index) and between columns.
  int64_t depthStride = 1, columnStride = 1;
  /// What is subtracted from an unsigned byte to make a weight: 128, else 0.
  int64_t offset = 0;
};

/// Writes `vectors` registers of columns, of which `valid` are there, to
/// `panel` as a tile of the target reads them: [depth / group][column][group],
/// `packedDepth` products deep with zeros behind the matrix. `first` is the
/// element of `memory` that begins the panel.
void emitPackPanel(KernelBuilder &k, const ByteMatrix &matrix, mlir::Value first,
                   int64_t valid, int64_t vectors, int64_t group,
                   int64_t packedDepth, mlir::Value panel);

} // namespace dyadic::codegen

#endif
