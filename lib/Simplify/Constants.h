//===- Constants.h - constants as patterns see and make them ----*- C++ -*-===//
#ifndef DYADIC_LIB_SIMPLIFY_CONSTANTS_H
#define DYADIC_LIB_SIMPLIFY_CONSTANTS_H

#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"
#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/PatternMatch.h"

namespace dyadic {

/// Whether a ConstantLike op defines the value.
bool isConstant(mlir::Value value);

/// The one number that a f32 constant repeats, whatever its shape.
std::optional<float> scalarOf(mlir::Value value);

/// The elements of a f32 constant that depends on the last dimension alone,
/// as `channels` numbers: constants of shape […, 1, C] and of one element.
std::optional<llvm::SmallVector<float>> perChannelOf(mlir::Value value,
                                                     int64_t channels);

/// A f32 qnn.constant.
mlir::Value makeFloats(mlir::OpBuilder &builder, mlir::Location loc,
                       HostTensor tensor);
mlir::Value makeVector(mlir::OpBuilder &builder, mlir::Location loc,
                       llvm::ArrayRef<float> values);
mlir::Value makeScalar(mlir::OpBuilder &builder, mlir::Location loc,
                       float value);

/// The value of an op of one f32 result and constant operands as a constant
/// in front of the op, which the reference interpreter computes. Fails if it
/// has more than `maxBytes`.
mlir::FailureOr<mlir::Value>
evaluateConstant(mlir::OpBuilder &builder, mlir::Operation *op,
                 int64_t maxBytes = int64_t{1} << 28);

/// Replaces an op by its value, under the same conditions.
mlir::LogicalResult foldToConstant(mlir::RewriterBase &rewriter,
                                   mlir::Operation *op,
                                   int64_t maxBytes = int64_t{1} << 28);

/// The operand of a commutative op that is a constant, and the other one;
/// null if none is.
template <typename OpTy>
std::pair<mlir::Value, mlir::Value> splitConstant(OpTy op) {
  if (isConstant(op.getRhs()))
    return {op.getLhs(), op.getRhs()};
  if (isConstant(op.getLhs()))
    return {op.getRhs(), op.getLhs()};
  return {};
}

} // namespace dyadic

#endif
