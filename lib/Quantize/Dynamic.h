//===- Dynamic.h - scales that are found at run time ------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_DYNAMIC_H
#define DYADIC_LIB_QUANTIZE_DYNAMIC_H

#include "FloatRegions.h"

#include "dyadic/Quantize/Scheme.h"

namespace dyadic {

/// Gives the contractions with constant weights, and looked-up tables, of `func`
/// integer weights; what a contraction reads is rounded by `qnn.dynamic_round`
/// first, to a scale for each row where the scheme is Dynamic. Everything else stays
/// f32: `floatOps` gets what does, and why. No ranges are needed. Returns how many
/// ops have integer weights now.
int64_t quantizeDynamically(mlir::func::FuncOp func,
                            llvm::ArrayRef<std::string> keepFloat, Scheme scheme,
                            FloatReasons &floatOps);

} // namespace dyadic

#endif
