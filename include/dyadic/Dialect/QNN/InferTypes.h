//===- InferTypes.h - result types that may not be inferable ----*- C++ -*-===//
#ifndef DYADIC_DIALECT_QNN_INFERTYPES_H
#define DYADIC_DIALECT_QNN_INFERTYPES_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace dyadic::qnn {

/// Adds the result types that the op infers from its operands and attributes to
/// `state`. The op's own builder would abort where it can't; here the reason is
/// reported.
mlir::LogicalResult
inferTypes(mlir::OperationState &state,
           llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace dyadic::qnn

#endif
