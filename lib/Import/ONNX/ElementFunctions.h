//===- ElementFunctions.h - functions of elements, of any type ---------*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_ELEMENTFUNCTIONS_H
#define DYADIC_LIB_IMPORT_ONNX_ELEMENTFUNCTIONS_H

#include "NodeImporter.h"
#include "ScalarMath.h"

namespace dyadic::onnx_import {

/// The inputs from `first` on as tensors of one type: f32 among f64 becomes that.
/// Empty after an error.
llvm::SmallVector<mlir::Value> sameTypeInputs(NodeImporter &node,
                                              size_t first = 0);

/// A scalar function of the operands, which are of one type, with results of
/// that type or booleans.
using FunctionBody =
    llvm::function_ref<mlir::Value(const ScalarMath &, mlir::ValueRange)>;
mlir::Value mapFunction(NodeImporter &node, mlir::ValueRange operands,
                        FunctionBody body, bool isPredicate = false);

/// The element that tensors of an ONNX type are computed with: the 16-bit floats
/// are f32. Null for a type that there is none for.
mlir::Type computedElement(int64_t type, mlir::MLIRContext *context);

} // namespace dyadic::onnx_import

#endif
