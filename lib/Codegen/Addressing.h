//===- Addressing.h - positions in strided tensors --------------*- C++ -*-===//
//
// A tensor may lie strided in memory: in the interior of a padded one, in a slot
// of a concatenation. Emitters that know the coordinates of what they compute
// put them into the Position, and an address is a sum of products with
// constants; without, it takes divisions. Row-major tensors need neither.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_CODEGEN_ADDRESSING_H
#define DYADIC_LIB_CODEGEN_ADDRESSING_H

#include "Pointwise.h"

namespace dyadic::codegen {

/// The index in memory of the first element of pixel `pixel` of `position`, in
/// a tensor of this shape with these strides.
mlir::Value elementIndex(KernelBuilder &k, llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<int64_t> strides,
                         const Position &position, int64_t pixel = 0);

/// How many of the innermost dimensions one stride goes through in a tensor:
/// the elements of that many lie one behind the other.
unsigned contiguousDims(llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> strides);

} // namespace dyadic::codegen

#endif
