//===- Winograd.h - 3×3 convolutions by transformed windows -----*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_WINOGRAD_H
#define DYADIC_LIB_CODEGEN_WINOGRAD_H

#include "Contraction.h"

namespace dyadic::codegen {

/// How many tiles of 4×4 results cover the convolution `c` where transformed windows
/// give its sums exactly; 0 where they may not, or where it isn't such a convolution.
int64_t windowTilesOf(const ConvOperands &conv, const Contraction &c);

/// The kernel with a tile that has RegisterTile::windowTiles.
mlir::LogicalResult emitWinograd(KernelBuilder &k, const ConvOperands &conv,
                                 const Contraction &c, const RegisterTile &tile);

} // namespace dyadic::codegen

#endif
