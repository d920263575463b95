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

} // namespace dyadic::onnx_import

#endif
