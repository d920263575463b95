//===- Shapes.h - shapes, and their inference, for both dialects --*- C++ -*-===//
#ifndef DYADIC_DIALECT_SHAPES_H
#define DYADIC_DIALECT_SHAPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Value.h"
#include "mlir/Support/LLVM.h"

#include <optional>

namespace dyadic {

/// The extents of a ranked tensor.
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

/// The windows of a convolution or a pooling over an N×H×W×C image: two
/// spatial entries each, pads [top, left, bottom, right].
struct Window2D {
  llvm::ArrayRef<int64_t> kernel;
  llvm::ArrayRef<int64_t> strides;
  llvm::ArrayRef<int64_t> dilations; // empty: ones
  llvm::ArrayRef<int64_t> pads;      // empty: zeros
};

/// N×OH×OW×`channels` for an image of shape `input`, or a located error where
/// the attributes are malformed or no window fits.
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferWindowShape(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> input,
                 const Window2D &window, int64_t channels);

/// Checks filter O×KH×KW×(C/groups) and bias O against the input, and returns
/// the shape of a convolution's result, or a located error.
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferConvShape(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> input,
               llvm::ArrayRef<int64_t> filter,
               std::optional<llvm::ArrayRef<int64_t>> bias, Window2D window,
               int64_t groups);

/// The NumPy broadcast of shapes, or a located error.
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferBroadcastShape(std::optional<mlir::Location> loc,
                    llvm::ArrayRef<int64_t> lhs, llvm::ArrayRef<int64_t> rhs);

/// …×M×N for …×M×K times …×K×N with broadcast leading dimensions.
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferMatmulShape(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> lhs,
                 llvm::ArrayRef<int64_t> rhs,
                 std::optional<llvm::ArrayRef<int64_t>> bias);

/// The shapes of the movement ops, shared by both dialects.
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferReduceShape(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> input,
                 llvm::ArrayRef<int64_t> axes, bool keepDims);
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferTransposeShape(std::optional<mlir::Location> loc,
                    llvm::ArrayRef<int64_t> input,
                    llvm::ArrayRef<int64_t> permutation);
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferConcatShape(std::optional<mlir::Location> loc,
                 llvm::ArrayRef<llvm::ArrayRef<int64_t>> inputs, int64_t axis);
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferGatherShape(std::optional<mlir::Location> loc,
                 llvm::ArrayRef<int64_t> input, llvm::ArrayRef<int64_t> indices,
                 int64_t axis);
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferSliceShape(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> input,
                llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes,
                llvm::ArrayRef<int64_t> strides);
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferPadShape(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> input,
              llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high);
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferResizeShape(std::optional<mlir::Location> loc, llvm::ArrayRef<int64_t> input,
                 llvm::ArrayRef<int64_t> rows, llvm::ArrayRef<int64_t> cols);

} // namespace dyadic

#endif
