//===- Contraction.h - sums of products over labelled dimensions -*- C++ -*-===//
#ifndef DYADIC_LIB_IMPORT_ONNX_CONTRACTION_H
#define DYADIC_LIB_IMPORT_ONNX_CONTRACTION_H

#include "NodeImporter.h"

namespace dyadic::onnx_import {

/// A label for each dimension of an operand.
using Labels = llvm::SmallVector<int>;

/// The sum, over every label that `result` lacks, of the products of the operands'
/// elements: einsum. Operands are numbers of one type; an extent of one
/// broadcasts. Matrix products of f32 are qnn.matmul.
mlir::Value emitContraction(NodeImporter &node,
                            llvm::ArrayRef<mlir::Value> operands,
                            llvm::ArrayRef<Labels> labels, const Labels &result);

/// The matrix product as NumPy has it, of numbers of any type and any batches.
mlir::Value emitMatrixProduct(NodeImporter &node, mlir::Value lhs,
                              mlir::Value rhs);

/// `multiply` on matrices, where an operand may be a vector: that is a row on the
/// left and a column on the right, and its extent of one leaves the result again.
mlir::Value multiplyAsMatrices(
    NodeImporter &node, mlir::Value lhs, mlir::Value rhs,
    llvm::function_ref<mlir::Value(mlir::Value lhs, mlir::Value rhs)> multiply);

} // namespace dyadic::onnx_import

#endif
