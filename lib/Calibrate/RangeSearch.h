//===- RangeSearch.h - the range of the least error -------------*- C++ -*-===//
#ifndef DYADIC_LIB_CALIBRATE_RANGESEARCH_H
#define DYADIC_LIB_CALIBRATE_RANGESEARCH_H

#include "dyadic/Calibrate/Histogram.h"

namespace dyadic {

/// The range [min, max] ∋ 0 whose 256 steps represent the values counted with
/// the least mean squared error.
Range leastSquaredError(const Histogram &histogram);

/// The range whose 256 steps keep the distribution: least Kullback–Leibler
/// divergence of the clipped and rounded values from those counted (Migacz,
/// "8-bit Inference with TensorRT", 2017), with the masses of empty bins smoothed.
/// Zeros are left out: every range represents them.
Range leastDivergence(const Histogram &histogram);

} // namespace dyadic

#endif
