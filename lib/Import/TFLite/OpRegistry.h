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
};

llvm::ArrayRef<OpEntry> contractionOps();
llvm::ArrayRef<OpEntry> elementwiseOps();
llvm::ArrayRef<OpEntry> movementOps();
llvm::ArrayRef<OpEntry> poolingOps();
llvm::ArrayRef<OpEntry> quantizationOps();
llvm::ArrayRef<OpEntry> resizeOps();

/// The entry of an operator, or null.
const OpEntry *lookupOp(tflite::BuiltinOperator code);

} // namespace dyadic::tflite_import

#endif
