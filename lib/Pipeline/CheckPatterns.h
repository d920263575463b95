//===- CheckPatterns.h - names that options speak of ------------*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_CHECKPATTERNS_H
#define DYADIC_LIB_PIPELINE_CHECKPATTERNS_H

#include "dyadic/Pipeline/Compile.h"

namespace dyadic {

/// Reports every pattern of `options` that must name an op or input of `main` and
/// doesn't, with the names that are most like it, and widths that aren't any.
mlir::LogicalResult checkPatterns(mlir::func::FuncOp main, const CompileOptions &options);

} // namespace dyadic

#endif
