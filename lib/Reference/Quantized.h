//===- Quantized.h - between storage values and reals -----------*- C++ -*-===//
#ifndef DYADIC_LIB_REFERENCE_QUANTIZED_H
#define DYADIC_LIB_REFERENCE_QUANTIZED_H

#include "dyadic/Support/HostTensor.h"

#include "mlir/IR/Operation.h"

namespace dyadic::reference {

/// The reals (q − zp)·scale of a tensor whose type is a per-tensor or per-axis
/// `!quant.uniform`. Fails with an error at `op` for other quantized types.
mlir::FailureOr<HostTensor> dequantize(mlir::Operation *op, mlir::Type type,
                                       const HostTensor &storage);

/// The storage values of reals in a tensor of such a type.
mlir::FailureOr<HostTensor> quantize(mlir::Operation *op, mlir::Type type,
                                     const HostTensor &reals);

} // namespace dyadic::reference

#endif
