//===- RecurrentFormula.h - RNN, GRU and LSTM in general --------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_RECURRENTFORMULA_H
#define DYADIC_LIB_IMPORT_ONNX_RECURRENTFORMULA_H

#include "NodeImporter.h"

namespace dyadic::onnx_import {

/// Whether each of a recurrent node's directions starts at the last step: one of
/// them, or two of which the second does.
mlir::FailureOr<llvm::SmallVector<bool>> readDirections(NodeImporter &node);

/// RNN, GRU or LSTM (the node's op) with any directions, activations, weights
/// computed at run time, peepholes, clipping and a length for each sequence. What
/// the steps take from the input is a matrix product; the rest isn't quantized.
mlir::LogicalResult convertRecurrence(NodeImporter &node);

} // namespace dyadic::onnx_import

#endif
