//===- OpRegistry.h - which ONNX ops there are ------------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_OPREGISTRY_H
#define DYADIC_LIB_IMPORT_ONNX_OPREGISTRY_H

#include "NodeImporter.h"

namespace dyadic::onnx_import {

using ConvertFn = mlir::LogicalResult (*)(NodeImporter &);

/// How one op type becomes qnn ops. Differences between opsets are the
/// converter's business; `until` ends an op that a later opset removed.
struct OpEntry {
  llvm::StringLiteral opType;
  size_t minInputs, maxInputs; // maxInputs 0: no limit
  ConvertFn convert;
  int64_t since = 6, until = 0;
};

llvm::ArrayRef<OpEntry> activationOps();
llvm::ArrayRef<OpEntry> attentionOps();
llvm::ArrayRef<OpEntry> contractionOps();
llvm::ArrayRef<OpEntry> convolutionOps();
llvm::ArrayRef<OpEntry> decodingStateOps();
llvm::ArrayRef<OpEntry> elementwiseOps();
llvm::ArrayRef<OpEntry> gatheringOps();
llvm::ArrayRef<OpEntry> integerProductOps();
llvm::ArrayRef<OpEntry> interpolationOps();
llvm::ArrayRef<OpEntry> linearOps();
llvm::ArrayRef<OpEntry> logicOps();
llvm::ArrayRef<OpEntry> lossOps();
llvm::ArrayRef<OpEntry> movementOps();
llvm::ArrayRef<OpEntry> normalizationForms();
llvm::ArrayRef<OpEntry> normalizationOps();
llvm::ArrayRef<OpEntry> paddingOps();
llvm::ArrayRef<OpEntry> poolingOps();
llvm::ArrayRef<OpEntry> quantizationOps();
llvm::ArrayRef<OpEntry> recurrentOps();
llvm::ArrayRef<OpEntry> reductionOps();
llvm::ArrayRef<OpEntry> resizeOps();
llvm::ArrayRef<OpEntry> rowFunctionOps();
llvm::ArrayRef<OpEntry> selectionOps();
llvm::ArrayRef<OpEntry> signalOps();
llvm::ArrayRef<OpEntry> transposedConvolutionOps();
llvm::ArrayRef<OpEntry> transposedWindowOps();

/// The entry of `opType`, with its domain in front if that isn't ONNX's own, that
/// is valid in `opset`, or null.
const OpEntry *lookupOp(llvm::StringRef opType, int64_t opset);

/// Converts the node and checks that no attribute was overlooked.
mlir::LogicalResult convertNode(const OpEntry &entry, NodeImporter &node);

} // namespace dyadic::onnx_import

#endif
