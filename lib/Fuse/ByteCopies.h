//===- ByteCopies.h - floats that are read as bytes, too --------*- C++ -*-===//
#ifndef DYADIC_LIB_FUSE_BYTECOPIES_H
#define DYADIC_LIB_FUSE_BYTECOPIES_H

#include "mlir/IR/Block.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace dyadic {

using Operations = llvm::SmallPtrSet<mlir::Operation *, 8>;

/// Pointwise ops of `block` that make bytes of floats which others read as they are,
/// each now right behind what makes the floats. They read nothing else but constants, so
/// the kernel of the floats can have the bytes as a second result.
Operations placeByteCopies(mlir::Block &block);

} // namespace dyadic

#endif
