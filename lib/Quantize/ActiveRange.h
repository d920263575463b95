//===- ActiveRange.h - the part of a range that matters ---------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_ACTIVERANGE_H
#define DYADIC_LIB_QUANTIZE_ACTIVERANGE_H

#include "FloatRegions.h"

namespace dyadic {

/// The calibrated range of an integer op's result without the ends on which
/// what alone reads it or its moved elements, a function of one element, is constant
/// but for a fraction of its own result's step (a float's is a 256th of that of 8 bits
/// of it): hard_swish sees nothing below −3, so a
/// convolution before it need not tell −3 from −30.
std::pair<double, double> activeRange(mlir::Value value,
                                      const FloatReasons &floatOps,
                                      bool isSigned);

} // namespace dyadic

#endif
