//===- Requantize.h - the two forms of a requantize -------------*- C++ -*-===//
//
// What targets share, for any width of vector. docs/Quantization.md derives
// both forms.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_TARGET_REQUANTIZE_H
#define DYADIC_TARGET_REQUANTIZE_H

#include "mlir/IR/Builders.h"

namespace dyadic {

struct FactorProduct;
struct FusedRequantize;
struct WideRequantize;

/// Adding it to a float below 2^22 in magnitude leaves the nearest integer in
/// the low mantissa bits.
inline constexpr float kMagic = 0x1.8p23f;

/// zeroPoint + the nearest integer of x − kMagic, from the bits of x.
mlir::Value readMagic(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                      int64_t zeroPoint);
/// max(x, low); `low` for NaN.
mlir::Value atLeast(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double low);
/// min(x, high); NaN stays.
mlir::Value notAbove(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double high);
/// min(max(x, low), high); `low` for NaN.
mlir::Value clampFloat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                       double low, double high);

/// kMagic + the rounded product, by a conversion to float and one fused
/// multiply-add. It is clamped if the op says `clampFirst`, and the caller's to
/// clamp otherwise. With `neverTies` the zero point is added.
mlir::Value emitFusedSum(mlir::OpBuilder &b, mlir::Location loc,
                         const FusedRequantize &op);
/// The integer that this stands for.
mlir::Value emitFusedRounding(mlir::OpBuilder &b, mlir::Location loc,
                              const FusedRequantize &op);
/// The same, clamped as integers.
mlir::Value emitFusedRequantize(mlir::OpBuilder &b, mlir::Location loc,
                            const FusedRequantize &op);
/// A product with factors in lanes of i16, before it is saturated. `multiply` names
/// the intrinsic for x · y · 2^−15, rounded half up.
mlir::Value emitFactorProduct(mlir::OpBuilder &b, mlir::Location loc,
                              mlir::Value x, mlir::Value factors,
                              const FactorProduct &op,
                              llvm::StringRef multiply);
/// By products and shifts of 64 bits.
mlir::Value emitWideRequantize(mlir::OpBuilder &b, mlir::Location loc,
                           const WideRequantize &op);

} // namespace dyadic

#endif
