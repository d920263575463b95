//===- QNN.h - the network dialect ------------------------------*- C++ -*-===//
#ifndef DYADIC_DIALECT_QNN_QNN_H
#define DYADIC_DIALECT_QNN_QNN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dyadic/Dialect/QNN/QNNDialect.h.inc"
#include "dyadic/Dialect/QNN/QNNEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dyadic/Dialect/QNN/QNNAttrs.h.inc"

#include "dyadic/Dialect/QNN/QNNInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dyadic/Dialect/QNN/QNNOps.h.inc"

namespace dyadic::qnn {

/// Whether `op` is one of the ops between floats, integers with a scale and
/// integers: it computes nothing.
inline bool isBorder(mlir::Operation *op) {
  return llvm::isa<QuantizeOp, DequantizeOp, StorageCastOp>(op);
}

/// Whether `op`, which may be null, sums products (QuantKind::Contraction).
bool isContraction(mlir::Operation *op);
/// Whether `op` is a matmul of two tensors that are computed at run time.
bool isRunTimeProduct(mlir::Operation *op);
/// Whether `op`, which may be null, is a contraction other than isRunTimeProduct.
bool hasWeights(mlir::Operation *op);

/// Whether `op` has steps with a state: qnn.lstm or qnn.gru, whose operand 1 are the
/// weights that it is multiplied with.
bool isRecurrent(mlir::Operation *op);

/// What a report calls `op`: "qnn.add", or of a qnn.compute what it computes.
llvm::StringRef reportedKind(mlir::Operation *op);

} // namespace dyadic::qnn

namespace dyadic {

/// The discardable attributes of levels 1 and 2. The model's name of an argument
/// or result, a string.
inline constexpr llvm::StringLiteral kNameAttr = "qnn.name";
/// Calibration's result, #qnn.range: on an argument, or one per result of an op.
inline constexpr llvm::StringLiteral kRangeAttr = "qnn.range";
/// Calibration's too, on contractions: the mean of each channel of the input, an
/// array of f32.
inline constexpr llvm::StringLiteral kInputMeansAttr = "qnn.input_means";
/// Why the quantizer left an op in float, a string.
inline constexpr llvm::StringLiteral kFloatReasonAttr = "qnn.float_reason";
/// How a contraction's weights are to be quantized, a string that
/// parseWeightKind knows.
inline constexpr llvm::StringLiteral kWeightKindAttr = "qnn.weights";
/// The sixteen values that a quantized contraction's weights have, an array of
/// i8.
inline constexpr llvm::StringLiteral kCodebookAttr = "qnn.codebook";

} // namespace dyadic

#endif
