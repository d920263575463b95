//===- CheckLengths.h - whether a model is the same at all lengths -*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_CHECKLENGTHS_H
#define DYADIC_LIB_PIPELINE_CHECKLENGTHS_H

#include "dyadic/Dialect/Dyadic/DynamicShapes.h"

namespace dyadic {

/// Compares `model`, imported with its longest shapes, with `other`, the same
/// model imported for the length of index `index`. Shape arithmetic has been
/// evaluated for one length each: what it decided must be what inference from the
/// longest's ops says. Reports every op that differs otherwise.
mlir::LogicalResult checkLength(mlir::func::FuncOp model,
                                const DynamicShapes &shapes,
                                mlir::func::FuncOp other, int64_t index);

} // namespace dyadic

#endif
