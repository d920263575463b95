//===- MLIRFlags.h - --mlir-print-ir-after-all and its kin ------*- C++ -*-===//
#ifndef DYADIC_TOOLS_MLIRFLAGS_H
#define DYADIC_TOOLS_MLIRFLAGS_H

#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace dyadic {

/// Hands the flags that begin with --mlir- to MLIR, which knows them from its
/// own tools, and leaves the other arguments in `others`. False, and the message
/// in `error`, where it doesn't know one.
bool takeMLIRFlags(llvm::ArrayRef<const char *> arguments,
                   std::vector<const char *> &others, std::string &error);

} // namespace dyadic

#endif
