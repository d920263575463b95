//===- DynamicShapes.h - extents that are known at run time -----*- C++ -*-===//
//
// A function may leave one length open: its attribute `qnn.lengths` says which
// values it takes, and an argument's `qnn.dynamic_dim` which dimension it is.
// Types keep the extents of the longest: memory is laid out for those whatever
// the length is, and elements behind the actual extents mean nothing.
//
//   func.func @main(%x: tensor<1x3x48x640xf32> {qnn.dynamic_dim = 3 : i64}) …
//       attributes {qnn.lengths = array<i64: 32, 640, 8>}
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_DIALECT_DYADIC_DYNAMICSHAPES_H
#define DYADIC_DIALECT_DYADIC_DYNAMICSHAPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace dyadic {

/// On the function: [shortest, longest, step].
inline constexpr llvm::StringLiteral kLengthsAttr = "qnn.lengths";
/// On an argument: the dimension whose extent is the length.
inline constexpr llvm::StringLiteral kDynamicDimAttr = "qnn.dynamic_dim";
/// On a mean: how many elements it is of, for each length.
inline constexpr llvm::StringLiteral kCountsAttr = "qnn.counts";
/// On a mean that stands for a sum: it divides by the longest's count always.
inline constexpr llvm::StringLiteral kIsSumAttr = "qnn.is_sum";
/// On a requantize: its multiplier and shift for each length.
inline constexpr llvm::StringLiteral kMultipliersAttr = "dyadic.multipliers";
inline constexpr llvm::StringLiteral kShiftsAttr = "dyadic.shifts";

/// The lengths that a program takes.
struct LengthRange {
  int64_t min = 0, max = 0, step = 1;

  int64_t count() const { return (max - min) / step + 1; }
  int64_t at(int64_t index) const { return min + index * step; }
  bool contains(int64_t length) const {
    return length >= min && length <= max && (length - min) % step == 0;
  }
  int64_t indexOf(int64_t length) const { return (length - min) / step; }
  /// "32 to 640 in steps of 8"
  std::string describe() const;
};

/// The lengths of a function; none where all of its shapes are fixed.
std::optional<LengthRange> lengthsOf(mlir::func::FuncOp function);
/// The dimension of an argument that is the length.
std::optional<int64_t> dynamicDimOf(mlir::func::FuncOp function, unsigned argument);

/// The extents of all values of a function, at any level, for every length.
class DynamicShapes {
public:
  /// Infers them op by op; what can't be computed for any length is reported at
  /// its place, everything at once.
  static mlir::FailureOr<DynamicShapes> infer(mlir::func::FuncOp function);

  const LengthRange &lengths() const { return range; }
  /// The extents of a dimension by the length's index; empty where it is always
  /// the type's.
  llvm::ArrayRef<int64_t> extents(mlir::Value value, int64_t dim) const;
  bool isDynamic(mlir::Value value, int64_t dim) const {
    return !extents(value, dim).empty();
  }
  bool isDynamic(mlir::Value value) const { return table.count(value); }
  /// The shape for a length.
  llvm::SmallVector<int64_t> shapeAt(mlir::Value value, int64_t index) const;

private:
  LengthRange range;
  /// For each value of which a dimension varies: extents by dimension.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<llvm::SmallVector<int64_t, 0>>> table;
};

/// first + index · step, where the extents of all lengths are that.
struct AffineExtent {
  int64_t first, step;
};
std::optional<AffineExtent> affineExtent(llvm::ArrayRef<int64_t> extents);

/// Writes `qnn.counts` on the means whose count varies. Does nothing where all
/// shapes are fixed; fails where they can't be inferred.
mlir::LogicalResult annotateCounts(mlir::func::FuncOp function);

} // namespace dyadic

#endif
