//===- DescribeLocation.h - where a message points to -----------*- C++ -*-===//
#ifndef DYADIC_SUPPORT_DESCRIBELOCATION_H
#define DYADIC_SUPPORT_DESCRIBELOCATION_H

#include "mlir/IR/Location.h"

#include <string>

namespace dyadic {

/// The name in a location, or file:line:column; empty if it has neither.
std::string describeLocation(mlir::Location loc);

} // namespace dyadic

#endif
