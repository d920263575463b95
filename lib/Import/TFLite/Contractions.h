//===- Contractions.h - operands of convolutions and products ---*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_TFLITE_CONTRACTIONS_H
#define DYADIC_LIB_IMPORT_TFLITE_CONTRACTIONS_H

#include "NodeImporter.h"

namespace dyadic::tflite_import {

/// `type` for elements whose dimensions were permuted.
mlir::Type permutedType(mlir::Type type, llvm::ArrayRef<int64_t> permutation);

/// The reals that quantized weights stand for, for an op of floats.
HostTensor dequantized(const HostTensor &stored, const Tensor &tensor);

/// Input `index`, of weights and as many dimensions as `permutation` has, which
/// must be known; null after an error.
std::optional<HostTensor> knownWeights(NodeImporter &node, size_t index,
                                       size_t dimensions);

/// Operands with the bias behind them, where input `index` is one. Integer biases
/// are multiples of the product of the operands' scales, whatever the file calls
/// their scale. The last is null after an error.
llvm::SmallVector<mlir::Value> withBias(NodeImporter &node, mlir::Value input,
                                        mlir::Value weights, float inputScale,
                                        size_t index);

/// Both operands of a quantized contraction, the inputs `lhs` and `rhs`, have
/// scales; or an error.
mlir::LogicalResult checkOperands(NodeImporter &node, size_t lhs = 0,
                                  size_t rhs = 1);

} // namespace dyadic::tflite_import

#endif
