//===- Quantization.h - scales and zero points of Q/DQ nodes ----*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_QUANTIZATION_H
#define DYADIC_LIB_IMPORT_ONNX_QUANTIZATION_H

#include "NarrowTypes.h"
#include "NodeImporter.h"

namespace dyadic::onnx_import {

/// What a QuantizeLinear or DequantizeLinear says of its scales: one for the
/// tensor, one for each index of `axis`, or one for each `block` indices of it.
struct ScaleLayout {
  int64_t axis = 0;
  int64_t block = 0;
  bool perTensor = true;
};

/// Reads `axis` and `block_size` and checks them against the shapes.
mlir::FailureOr<ScaleLayout> resolveScales(NodeImporter &node,
                                           llvm::ArrayRef<int64_t> shape,
                                           llvm::ArrayRef<int64_t> scales);

/// The element of `scales` (or of the zero points beside them) that belongs to
/// element `i` of a tensor of `shape`, as a function of i.
class ScaleIndex {
public:
  ScaleIndex(llvm::ArrayRef<int64_t> shape, ScaleLayout layout);
  int64_t operator()(int64_t i) const {
    if (layout.perTensor)
      return 0;
    int64_t along = i / inner % extent;
    if (layout.block == 0)
      return along;
    return (i / (inner * extent) * blocks + along / layout.block) * inner +
           i % inner;
  }

private:
  ScaleLayout layout;
  int64_t extent = 1, inner = 1, blocks = 1;
};

/// The type whose elements, stored in `format`, have these scales and zero
/// points; null where no such type exists: per block, of a float format, with
/// scales that aren't positive and finite or zero points out of range.
mlir::quant::QuantizedType quantizedType(mlir::MLIRContext *context,
                                         const QuantizedFormat &format,
                                         const ScaleLayout &layout,
                                         const HostTensor &scales,
                                         const HostTensor *zeroPoints);

/// A Clip of integers behind a QuantizeLinear, as Brevitas narrows types: they are
/// quantized to the narrower type. Null where it is something else.
mlir::FailureOr<mlir::Value> clipStored(NodeImporter &node);

} // namespace dyadic::onnx_import

#endif
