//===- Winograd.h - 3×3 convolutions by transformed windows -----*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_WINOGRAD_H
#define DYADIC_LIB_CODEGEN_WINOGRAD_H

#include "Contraction.h"

namespace dyadic::codegen {

/// Sets `windowTiles` and `windowSums` of a convolution where transformed windows give its
/// sums exactly.
void transformWindows(const ConvOperands &conv, Contraction &c);

/// The kernel with a tile that has RegisterTile::windowTiles.
mlir::LogicalResult emitWinograd(KernelBuilder &k, const ConvOperands &conv,
                                 const Contraction &c, const RegisterTile &tile);

} // namespace dyadic::codegen

#endif
