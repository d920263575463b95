//===- Models.h - from an op to the code that evaluates it ------*- C++ -*-===//
#ifndef DYADIC_LIB_REFERENCE_MODELS_H
#define DYADIC_LIB_REFERENCE_MODELS_H

#include "Tensors.h"

#include "dyadic/Reference/Interpreter.h"

namespace dyadic::reference {

void registerQNNModels(mlir::DialectRegistry &registry);
void registerDyadicModels(mlir::DialectRegistry &registry);
/// Scales that are found at run time, of either dialect.
void registerDynamicModels(mlir::DialectRegistry &registry);
void registerRecurrentModels(mlir::DialectRegistry &registry);
void registerBorderModels(mlir::DialectRegistry &registry);
void registerControlModels(mlir::DialectRegistry &registry);

/// The value of a constant op, or a located error where it can't be read.
mlir::FailureOr<HostTensor> evaluateConstant(mlir::Operation *op,
                                             mlir::Attribute value);

} // namespace dyadic::reference

#endif
