//===- ControlFlow.h - nodes that hold graphs or call functions -*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_CONTROLFLOW_H
#define DYADIC_LIB_IMPORT_ONNX_CONTROLFLOW_H

#include "GraphImporter.h"

namespace dyadic::onnx_import {

/// How a node with graphs among its attributes is imported. `inputs` are its
/// operands; `results` are as many as it has outputs.
struct ControlEntry {
  llvm::StringLiteral opType;
  mlir::LogicalResult (*import)(GraphImporter &importer, NodeImporter &node,
                                llvm::ArrayRef<GraphValue *> inputs,
                                llvm::MutableArrayRef<GraphValue> results);
};

/// The entry of an op type, with its domain in front if that isn't ONNX's own, or
/// null.
const ControlEntry *lookupControl(llvm::StringRef opType);

/// The value as a tensor, a constant where the builder stands; null after an
/// error, and for the result of a node that failed.
mlir::Value tensorOf(NodeImporter &node, GraphValue &value);

/// Imports the function's nodes in the place of the call, with the call's
/// attributes for those that the function names.
mlir::LogicalResult importCall(GraphImporter &importer, NodeImporter &call,
                               const onnx::FunctionProto &function,
                               llvm::ArrayRef<GraphValue *> inputs,
                               llvm::MutableArrayRef<GraphValue> results);

} // namespace dyadic::onnx_import

#endif
