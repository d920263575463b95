//===- InterleavedDepthwise.h - several taps a product ----------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_INTERLEAVEDDEPTHWISE_H
#define DYADIC_LIB_CODEGEN_INTERLEAVEDDEPTHWISE_H

#include "Contraction.h"

namespace dyadic::codegen {

/// An integer depthwise convolution with a tile of several taps a product.
void emitInterleavedDepthwise(KernelBuilder &k, const ConvOperands &conv,
                              const DepthwiseTile &tile,
                              PointwiseEmitter &epilogue);

} // namespace dyadic::codegen

#endif
