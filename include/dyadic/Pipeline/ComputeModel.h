//===- ComputeModel.h - what qnn.compute means ------------------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_COMPUTEMODEL_H
#define DYADIC_PIPELINE_COMPUTEMODEL_H

#include "mlir/IR/DialectRegistry.h"

namespace dyadic {

/// Attaches ReferenceOpInterface to qnn.compute. Its body is upstream IR whose
/// meaning is MLIR's: the interpreter compiles it for this machine and runs it.
void registerComputeModel(mlir::DialectRegistry &registry);

} // namespace dyadic

#endif
