//===- OpRegistry.h - which TensorFlow Lite operators there are -*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_TFLITE_OPREGISTRY_H
#define DYADIC_LIB_IMPORT_TFLITE_OPREGISTRY_H

#include "NodeImporter.h"

namespace dyadic::tflite_import {

using ConvertFn = mlir::LogicalResult (*)(NodeImporter &);

/// How one operator becomes qnn ops.
struct OpEntry {
  tflite::BuiltinOperator code;
  size_t minInputs, maxInputs; // maxInputs 0: no limit
  ConvertFn convert;
  /// The input that only says what shape the result has, which the file's
  /// tensors say as well; −1: none.
  int shapeInput = -1;
  /// The name of a custom operator.
  llvm::StringLiteral customName = "";
};

llvm::ArrayRef<OpEntry> arithmeticOps();
llvm::ArrayRef<OpEntry> contractionOps();
llvm::ArrayRef<OpEntry> detectionOps();
llvm::ArrayRef<OpEntry> elementwiseOps();
llvm::ArrayRef<OpEntry> movementOps();
llvm::ArrayRef<OpEntry> poolingOps();
llvm::ArrayRef<OpEntry> quantizationOps();
llvm::ArrayRef<OpEntry> recurrentOps();
llvm::ArrayRef<OpEntry> resizeOps();
llvm::ArrayRef<OpEntry> selectionOps();

/// An operator as a function of plain integers, or of floats that qnn has no op
/// for.
mlir::LogicalResult convertNumbers(NodeImporter &node);

/// The entry of an operator, or null.
const OpEntry *lookupOp(const Operator &op);

} // namespace dyadic::tflite_import

#endif
