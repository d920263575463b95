//===- TensorShape.h - shapes and strided copies ----------------*- C++ -*-===//
//
// What the importer needs of row-major tensors: shape arithmetic that can't
// overflow, and one copy loop that every movement of constants goes through.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_IMPORT_ONNX_TENSORSHAPE_H
#define DYADIC_LIB_IMPORT_ONNX_TENSORSHAPE_H

#include "dyadic/Support/HostTensor.h"
#include "dyadic/Support/StridedTensor.h"

#include "mlir/Support/LLVM.h"

namespace dyadic::onnx_import {

using Shape = llvm::SmallVector<int64_t>;

/// No tensor may have more elements: positions stay far from overflow, and a
/// shape read from a corrupt file asks for no absurd amount of memory.
constexpr int64_t kMaxElements = int64_t{1} << 31;
/// The same for tensors that folding makes without reading as many bytes.
constexpr int64_t kMaxFoldedElements = int64_t{1} << 28;

/// The product of the extents; none when one is negative or the product
/// exceeds `limit`.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape,
                                     int64_t limit = kMaxElements);

/// "[1, 3, 224, 224]"
std::string toString(llvm::ArrayRef<int64_t> shape);

/// Row-major strides in elements.
Shape stridesOf(llvm::ArrayRef<int64_t> shape);

/// NumPy's broadcast shape; none when the shapes don't agree.
std::optional<Shape> broadcast(llvm::ArrayRef<int64_t> a,
                               llvm::ArrayRef<int64_t> b);

/// Strides that read a tensor of shape `from` as if it had shape `to`.
Shape broadcastStrides(llvm::ArrayRef<int64_t> from,
                       llvm::ArrayRef<int64_t> to);

/// Whether `permutation` names each of `rank` dimensions once.
bool isPermutation(llvm::ArrayRef<int64_t> permutation, int64_t rank);

/// The elements as integers; floating-point elements are truncated.
llvm::SmallVector<int64_t> toInts(const HostTensor &tensor);
/// The elements as floats.
llvm::SmallVector<float> toFloats(const HostTensor &tensor);
/// Writes integer `value` at position `i`, wrapping like a C cast.
void setInt(HostTensor &tensor, int64_t i, int64_t value);
/// Reads position `i` of an integer tensor.
int64_t getInt(const HostTensor &tensor, int64_t i);

HostTensor makeInts(llvm::ArrayRef<int64_t> values);

/// `axis` counted from the front; none when it isn't in [-rank, rank).
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

} // namespace dyadic::onnx_import

#endif
