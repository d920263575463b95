//===- Contraction.h - contractions of GPU kernels --------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_GPU_CONTRACTION_H
#define DYADIC_LIB_CODEGEN_GPU_CONTRACTION_H

#include "Gather.h"

#include "dyadic/Dialect/QNN/QNN.h"

namespace dyadic::codegen::gpu_kernels {

/// Tiles of sums of bytes on tensor cores (TensorCores.cpp).
void emitOnTensorCores(GPUKernelBuilder &k, const Contraction &c,
                       PointwiseEmitter &epilogue);
/// A few sums of bytes a warp (WarpSums.cpp).
void emitOnWarps(GPUKernelBuilder &k, const Contraction &c,
                 PointwiseEmitter &epilogue);
/// A few whole sums, of bytes or floats, a thread (ThreadSums.cpp).
void emitOnThreads(GPUKernelBuilder &k, const Contraction &c,
                   PointwiseEmitter &epilogue);

/// Tiles of sums of floats (FloatContraction.cpp).
void emitFloatContraction(GPUKernelBuilder &k, const Contraction &c,
                          PointwiseEmitter &epilogue);

// Depthwise.cpp
mlir::LogicalResult emitDepthwise(GPUKernelBuilder &k,
                                  const ConvOperands &conv);
// BatchMatmul.cpp: both operands are known at run time only
mlir::LogicalResult emitBatchMatmul(GPUKernelBuilder &k, qnn::MatmulOp op);

/// Biases in channel order, those of each group padded to `paddedChannels`.
template <typename T>
std::vector<T> packBias(const Contraction &c, int64_t paddedChannels) {
  std::vector<T> data(c.groups * paddedChannels, T(0));
  for (int64_t group = 0; group < c.groups; ++group)
    for (int64_t n = 0; n < c.channels; ++n)
      data[group * paddedChannels + n] =
          static_cast<T>(c.bias->get(group * c.channels + n));
  return data;
}

} // namespace dyadic::codegen::gpu_kernels

#endif
