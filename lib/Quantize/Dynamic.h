//===- Dynamic.h - scales that are found at run time ------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_DYNAMIC_H
#define DYADIC_LIB_QUANTIZE_DYNAMIC_H

#include "FloatRegions.h"

#include "dyadic/Quantize/Scheme.h"

namespace dyadic {

/// The contractions whose scheme was chosen by name.
using SchemeOfOps = llvm::MapVector<mlir::Operation *, Scheme>;

/// By `choices`, pattern=dynamic or pattern=dynamic-tensor; the last that matches
/// decides. Reports all that don't parse or that match no contraction with weights.
mlir::FailureOr<SchemeOfOps> chooseSchemes(mlir::func::FuncOp func,
                                           llvm::ArrayRef<std::string> choices);

/// Gives the contractions with constant weights, and looked-up tables, of `func`
/// integer weights; what a contraction reads is rounded by `qnn.dynamic_round`
/// first, to a scale for each row where the scheme is Dynamic. Everything else stays
/// f32: `floatOps` gets what does, and why. No ranges are needed. Ops in `schemes` have
/// another than `scheme`. Returns how many ops have integer weights now.
int64_t quantizeDynamically(mlir::func::FuncOp func,
                            llvm::ArrayRef<std::string> keepFloat, Scheme scheme,
                            const SchemeOfOps &schemes, FloatReasons &floatOps);

/// The same of the contractions in `schemes` alone, which read f32.
int64_t quantizeDynamically(mlir::func::FuncOp func, const SchemeOfOps &schemes);

/// Why a table that is looked up whole rows of becomes float where `giveRowsScales`
/// has made it bytes.
inline constexpr llvm::StringLiteral kRowScales = "its table has bytes and a scale for each row";

/// The look-ups of whole rows in constant tables that only float ops and the return
/// read, for which one scale for all rows would cost accuracy and win no time. To be
/// taken out of those that are integer ops, with the reason kRowScales.
llvm::SmallVector<mlir::Operation *> tablesOfFloats(mlir::func::FuncOp func,
                                                    const FloatReasons &floatOps);

/// Gives such tables, whose results are f32, bytes and a scale for each row. `floatOps`
/// gets what multiplies with the scales. Returns how many there were.
int64_t giveRowsScales(llvm::ArrayRef<mlir::Operation *> tables, FloatReasons &floatOps);

} // namespace dyadic

#endif
