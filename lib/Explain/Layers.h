//===- Layers.h - the ops of two levels, side by side -----------*- C++ -*-===//
#ifndef DYADIC_LIB_EXPLAIN_LAYERS_H
#define DYADIC_LIB_EXPLAIN_LAYERS_H

#include "dyadic/Explain/Explain.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/IRMapping.h"

namespace dyadic {

/// A layer at level 1 and at level 2.
struct LayerPair {
  /// Null for an input of the network.
  mlir::Operation *exactOp = nullptr, *quantizedOp = nullptr;
  /// What the op computes, and what its quantized form stands for: behind a relu
  /// that it took in.
  mlir::Value computed, exact;
  /// Null if quantization left nothing of the layer.
  mlir::Value quantized;
  /// What the result is rounded to, if it is; for integer ops that read it only,
  /// if `forIntegersOnly`.
  mlir::quant::UniformQuantizedType type;
  bool forIntegersOnly = false;
};

/// Finds the layers of a marked module in its quantized copy, and fills in what
/// their IR tells. Both are in the order of execution, inputs first.
std::vector<LayerPair> matchLayers(mlir::func::FuncOp exact,
                                   mlir::func::FuncOp quantized,
                                   std::vector<Layer> &layers);

/// Layers that are float at level 2 but that `lowered`, the same at level 3, has no op of
/// any more: a hard swish between sums and bytes is an integer one, of those bytes' type.
void settleLayers(mlir::ModuleOp lowered, llvm::ArrayRef<LayerPair> pairs,
                  llvm::MutableArrayRef<Layer> layers);

/// In `copy`, a copy of level 1 by `mapping`: the layer's op on the float
/// network's tensors, but with the constants that it has at level 2, as reals.
/// Null where they are the same.
mlir::FailureOr<mlir::Value> withStoredConstants(const LayerPair &pair,
                                                 mlir::IRMapping &mapping);

/// The elements of a constant, dequantized.
mlir::FailureOr<HostTensor> readReals(mlir::Value constant);

} // namespace dyadic

#endif
