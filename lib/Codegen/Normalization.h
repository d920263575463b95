//===- Normalization.h - softmax for any machine ----------------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_NORMALIZATION_H
#define DYADIC_LIB_CODEGEN_NORMALIZATION_H

#include "ResultSink.h"

#include "dyadic/Dialect/QNN/QNN.h"

namespace dyadic::codegen {

/// A softmax whose sums are made by one thread each.
void emitSoftmaxLoops(KernelBuilder &k, ResultSink &sink, qnn::SoftmaxOp op);

} // namespace dyadic::codegen

#endif
