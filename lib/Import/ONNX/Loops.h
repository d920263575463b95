//===- Loops.h - Loop and Scan ----------------------------------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_LOOPS_H
#define DYADIC_LIB_IMPORT_ONNX_LOOPS_H

#include "ControlFlow.h"

namespace dyadic::onnx_import {

mlir::LogicalResult importLoop(GraphImporter &importer, NodeImporter &node,
                               llvm::ArrayRef<GraphValue *> inputs,
                               llvm::MutableArrayRef<GraphValue> results);
mlir::LogicalResult importScan(GraphImporter &importer, NodeImporter &node,
                               llvm::ArrayRef<GraphValue *> inputs,
                               llvm::MutableArrayRef<GraphValue> results);

} // namespace dyadic::onnx_import

#endif
