//===- Dynamic.h - ops with scales that are found at run time ---*- C++ -*-===//
#ifndef DYADIC_DIALECT_QNN_DYNAMIC_H
#define DYADIC_DIALECT_QNN_DYNAMIC_H

#include "dyadic/Dialect/QNN/QNN.h"

#define GET_OP_CLASSES
#include "dyadic/Dialect/QNN/QNNDynamicOps.h.inc"

namespace dyadic::qnn {

/// Whether `op` sums integers although its operands' and result's types say f32: it
/// has quantized weights, and what it multiplies them with is rounded at run time.
bool sumsIntegers(mlir::Operation *op);

} // namespace dyadic::qnn

#endif
