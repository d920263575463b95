//===- ConstantData.h - reading and making constant attributes --*- C++ -*-===//
//
// Small constants are DenseElementsAttr, readable in the IR; large ones are
// DenseResourceElementsAttr, neither hashed nor uniqued, whose bytes can be
// released. These helpers are the only code that knows the difference.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_SUPPORT_CONSTANTDATA_H
#define DYADIC_SUPPORT_CONSTANTDATA_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Support/LLVM.h"

namespace dyadic {

/// Above this many bytes a constant becomes a resource.
constexpr int64_t kInlineConstantBytes = 4096;

/// The element type of a kind: u8 is ui8, signed integers signless.
mlir::Type elementTypeOf(ElementKind kind, mlir::MLIRContext *context);
/// The tensor type of a host tensor.
mlir::RankedTensorType tensorTypeOf(const HostTensor &tensor,
                                    mlir::MLIRContext *context);

/// The element kind of a builtin element type or of a quantized type's
/// storage; none where there is no such kind. In a host tensor an i4 is an i8.
std::optional<ElementKind> elementKindOf(mlir::Type elementType);

/// The element type that tensors of `elementType` have in memory: integers are
/// signless and a boolean is a byte, as LLVM packs vectors of i1 into bits.
mlir::Type memoryElementType(mlir::Type elementType);

/// A constant attribute of `type` (whose element type is builtin) that takes
/// over the bytes of `tensor`; the shapes must agree in element count.
mlir::ElementsAttr makeConstant(HostTensor tensor, mlir::RankedTensorType type);
/// The same with the tensor's own type.
mlir::ElementsAttr makeConstant(HostTensor tensor, mlir::MLIRContext *context);

/// A copy of a constant's elements, splats expanded. Fails when the attribute
/// is of neither kind, or a resource without bytes.
mlir::FailureOr<HostTensor> readConstant(mlir::Attribute attribute);

/// The constant that `value` is, if a ConstantLike op defines it.
mlir::FailureOr<HostTensor> readConstant(mlir::Value value);

/// The elements without a copy when they are `T` and not a splat; `storage`
/// keeps them otherwise. Fails as readConstant does, or if they aren't `T`.
template <typename T>
mlir::FailureOr<llvm::ArrayRef<T>> viewConstant(mlir::Attribute attribute,
                                                std::vector<T> &storage);

} // namespace dyadic

#endif
