//===- NpyHeader.h - the bytes before an array's elements -------*- C++ -*-===//
#ifndef DYADIC_LIB_SUPPORT_NPYHEADER_H
#define DYADIC_LIB_SUPPORT_NPYHEADER_H

#include "dyadic/Support/HostTensor.h"

#include <string>

namespace dyadic {

/// Magic, version and dictionary of a C order array, padded to 64 bytes.
std::string npyHeader(ElementKind kind, llvm::ArrayRef<int64_t> shape);

} // namespace dyadic

#endif
