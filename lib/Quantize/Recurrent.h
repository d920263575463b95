//===- Recurrent.h - weights of recurrent ops -------------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_RECURRENT_H
#define DYADIC_LIB_QUANTIZE_RECURRENT_H

#include "dyadic/Dialect/QNN/QNN.h"

namespace dyadic {

/// Gives `op` (qnn::isRecurrent), whose gates stay f32, recurrent weights of 8 bits with a
/// symmetric scale per column. Does nothing, and returns false, where they
/// aren't finite constants.
bool quantizeRecurrence(mlir::OpBuilder &builder, mlir::Operation *op);

} // namespace dyadic

#endif
