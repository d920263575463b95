//===- ComputeBuilder.h - writing bodies of qnn.compute ---------*- C++ -*-===//
//
// For importers: the common forms of a body, so that an op of a framework is a
// scalar function, a reduction or a rule which element goes where.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_DIALECT_QNN_COMPUTEBUILDER_H
#define DYADIC_DIALECT_QNN_COMPUTEBUILDER_H

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/IR/Builders.h"

namespace dyadic::qnn {

/// Writes a body: from its arguments, tensors as they are in memory, to its
/// results.
using ComputeBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange arguments)>;
/// Writes a scalar function. Booleans are i1, other integers signless.
using ScalarBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange scalars)>;
/// Writes what an element of a result is. `indices` are its own; `tensors` are
/// as they are in memory.
using IndexedBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange indices,
    mlir::ValueRange tensors)>;

/// A qnn.compute named `name`.
ComputeOp buildCompute(mlir::OpBuilder &b, mlir::Location loc,
                       llvm::StringRef name, mlir::TypeRange results,
                       mlir::ValueRange operands, ComputeBody body);

/// A qnn.compute that applies `body` element by element. The operands broadcast
/// to the result's shape as in NumPy.
mlir::Value buildElementwise(mlir::OpBuilder &b, mlir::Location loc,
                             llvm::StringRef name,
                             mlir::RankedTensorType result,
                             mlir::ValueRange operands, ScalarBody body);

/// A qnn.compute each of whose elements is what `body` says for its indices.
/// A boolean result is an i1 there.
mlir::Value buildIndexed(mlir::OpBuilder &b, mlir::Location loc,
                         llvm::StringRef name, mlir::RankedTensorType result,
                         mlir::ValueRange operands, IndexedBody body);

//===--- Inside of a body -------------------------------------------------===//

/// `type` as it is in memory.
mlir::RankedTensorType memoryType(mlir::RankedTensorType type);

/// A memory element as a scalar: a byte that is a boolean of type `element`
/// becomes an i1. `toMemory` is the inverse.
mlir::Value toScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                     mlir::Type element);
mlir::Value toMemory(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                     mlir::Type element);

mlir::Value indexConstant(mlir::OpBuilder &b, mlir::Location loc, int64_t value);
/// A number as a scalar of `type`, an integer, index or float type.
mlir::Value scalarConstant(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Type type, double value);

/// A scalar of type `from` (of a tensor outside) as one of type `to`. From
/// floats to integers it truncates and saturates, a NaN is 0; to `i1` it is
/// whether it isn't 0. Floats of 16 bits are made of f32 by integer arithmetic,
/// to the nearest even, as not every machine has instructions for it.
mlir::Value castScalar(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value value, mlir::Type from, mlir::Type to);

/// A qnn.compute that casts each element of `input` to `element`; `input` itself
/// where it has that type.
mlir::Value buildCast(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                      mlir::Type element);

/// A tensor of `type` filled with a scalar.
mlir::Value filled(mlir::OpBuilder &b, mlir::Location loc,
                   mlir::RankedTensorType type, mlir::Value scalar);

/// linalg.generic over a result of `type` (as in memory) whose elements are what
/// `element` makes of memory elements of `operands`, which broadcast.
mlir::Value mapElements(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::RankedTensorType type, mlir::ValueRange operands,
                        ScalarBody element);

/// linalg.generic over a result of `type` (as in memory) whose elements are what
/// `element` makes of their indices.
mlir::Value mapIndices(
    mlir::OpBuilder &b, mlir::Location loc, mlir::RankedTensorType type,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                   mlir::ValueRange indices)>
        element);

/// Folds `axes` (ascending) of a memory tensor: the result keeps them as extents
/// of one. `combine` gets an element and the accumulator, which begins as
/// `initial`; both have the accumulator's type or the input's.
mlir::Value reduceAxes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                       llvm::ArrayRef<int64_t> axes, mlir::Value initial,
                       ScalarBody combine);

} // namespace dyadic::qnn

#endif
