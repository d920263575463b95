//===- FlexAttention.h - FlexAttention of ai.onnx.preview -------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_FLEXATTENTION_H
#define DYADIC_LIB_IMPORT_ONNX_FLEXATTENTION_H

#include "ControlFlow.h"

namespace dyadic::onnx_import {

/// Softmax(score_mod(Q·Kᵀ·scale)), prob_mod of it, ·V, where the two are graphs
/// among the attributes.
mlir::LogicalResult
importFlexAttention(GraphImporter &importer, NodeImporter &node,
                    llvm::ArrayRef<GraphValue *> inputs,
                    llvm::MutableArrayRef<GraphValue> results);

} // namespace dyadic::onnx_import

#endif
