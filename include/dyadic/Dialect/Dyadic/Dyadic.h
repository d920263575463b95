//===- Dyadic.h - the integer dialect ---------------------------*- C++ -*-===//
#ifndef DYADIC_DIALECT_DYADIC_DYADIC_H
#define DYADIC_DIALECT_DYADIC_DYADIC_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace dyadic {

/// A closed interval that an accumulator can't leave, docs/Quantization.md §4.
struct AccumulatorRange {
  int64_t min = 0;
  int64_t max = 0;
  /// The largest magnitude in the interval.
  int64_t magnitude() const { return -min > max ? -min : max; }
};

/// The least and the greatest value of a storage type.
struct StorageRange {
  int64_t min;
  int64_t max;
};

/// The range of an integer type, or of a tensor's element type; signless is
/// signed.
StorageRange storageRange(mlir::Type type);

/// Element i of every result depends on element i of each broadcast operand
/// alone: the dyadic ops with PointwiseTrait and the element-wise qnn ops.
bool isPointwise(mlir::Operation *op);

template <typename ConcreteType>
class PointwiseTrait
    : public mlir::OpTrait::TraitBase<ConcreteType, PointwiseTrait> {};

} // namespace dyadic

#include "dyadic/Dialect/Dyadic/DyadicDialect.h.inc"
#include "dyadic/Dialect/Dyadic/DyadicEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dyadic/Dialect/Dyadic/DyadicAttrs.h.inc"

#include "dyadic/Dialect/Dyadic/DyadicInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dyadic/Dialect/Dyadic/DyadicOps.h.inc"

namespace dyadic {

/// The weights of a contraction as numbers: what the entries of a `codebook`
/// are where there is one. Fails where they aren't constant.
mlir::FailureOr<HostTensor>
readWeights(mlir::Value weights,
            std::optional<llvm::ArrayRef<int8_t>> codebook);

/// The module attribute that memory planning writes: the arena's size in bytes.
inline constexpr llvm::StringLiteral kArenaBytesAttr = "dyadic.arena_bytes";

} // namespace dyadic

#endif
