//===- FloatRegions.h - which ops stay in float -----------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_FLOATREGIONS_H
#define DYADIC_LIB_QUANTIZE_FLOATREGIONS_H

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace dyadic {

/// The ops that stay float, each with the end of "stays float because …".
using FloatReasons = llvm::MapVector<mlir::Operation *, std::string>;

/// The reason of ops that are float whatever the model is like.
inline constexpr llvm::StringLiteral kNoIntegerForm = "it has no integer form";
inline constexpr llvm::StringLiteral kAskedFor = "it was asked to";

/// The reason of those that a scheme without ranges leaves in float.
inline constexpr llvm::StringLiteral kOnlyContractions =
    "this scheme is for contractions with weights";

/// Whether a tensor holds reals: indices and masks don't.
bool holdsReals(mlir::Value value);

/// An op that the quantizer decides about: every qnn op whose result holds reals,
/// but the constants.
bool isComputation(mlir::Operation *op);

/// Whether one of `patterns` matches a name that an op carries: its own location's, or
/// one of those that were fused into it.
bool isNamed(mlir::Operation *op, llvm::ArrayRef<std::string> patterns);

/// The reason of ops that get their scales at run time beside others that don't.
inline constexpr llvm::StringLiteral kOtherScheme = "its scheme is another";

/// The finite range that calibration found for `value`; null if there is none.
qnn::RangeAttr calibratedRange(mlir::Value value);

/// The operand that an integer op is a function of element by element, the
/// others being numbers: the lowering makes a table of it. Null if it isn't one.
mlir::Value argumentOfFunction(mlir::Operation *op);

/// The contraction whose sums `op` is a function of, if nothing but functions of one
/// element, and with `throughReshapes` those, is between them and nothing else reads
/// what those compute.
mlir::Operation *contractionBehind(mlir::Operation *op, const FloatReasons &floatOps,
                                   bool throughReshapes = false);

/// Whether `op` is or follows a hard swish of an integer contraction's sums, which integers
/// compute at once (docs/Quantization.md, section 14): a table's index would be rounded
/// before it.
bool isComputedFromSums(mlir::Operation *op, const FloatReasons &floatOps);

/// Whether `value` is read, and by nothing but float ops and the return.
bool isReadAsFloat(mlir::Value value, const FloatReasons &floatOps);

/// Why `op` can't be an integer op whatever its operands' and results' ranges are;
/// empty if it can.
std::string reasonWithoutRanges(mlir::Operation *op,
                                llvm::ArrayRef<std::string> keepFloat);

/// How many of an op's operands have activation types: of a contraction with
/// weights the first alone.
unsigned numActivations(mlir::Operation *op);

/// The ops of `func` that can't or needn't become integer ops. `floatOps` holds
/// reasons found before, and gets the new ones. With `integerOnly` contractions don't
/// become float for accuracy: spectraOf says where they need 16 bits.
void chooseFloatOps(mlir::func::FuncOp func,
                    llvm::ArrayRef<std::string> keepFloat,
                    FloatReasons &floatOps, bool integerOnly = false);

/// Of roots and logarithms that reach too near to 0 for arguments of 8 bits, as the
/// magnitudes of a spectrum do: they, the products whose sums they are functions of,
/// and what those read.
llvm::SmallVector<mlir::Value> spectraOf(mlir::func::FuncOp func);

} // namespace dyadic

#endif
