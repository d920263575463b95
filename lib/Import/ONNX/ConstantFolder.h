//===- ConstantFolder.h - ONNX ops on known tensors -------------*- C++ -*-===//
//
// The importer's evaluator of shape arithmetic: the ops that models use to
// compute shapes, slice bounds and scales, on the real values. The network's
// own arithmetic on constants is left to --qnn-fold-constants.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_IMPORT_ONNX_CONSTANTFOLDER_H
#define DYADIC_LIB_IMPORT_ONNX_CONSTANTFOLDER_H

#include "Node.h"

namespace dyadic::onnx_import {

/// One node on its way to constants.
struct FoldContext {
  Node &node;
  /// Null for an omitted input.
  llvm::ArrayRef<const HostTensor *> inputs;
  size_t numOutputs;
  /// Where tensors in external files are.
  llvm::StringRef folder;
  llvm::SmallVector<HostTensor> results;

  bool has(size_t i) const { return i < inputs.size() && inputs[i]; }
  const HostTensor &in(size_t i) const { return *inputs[i]; }
  mlir::LogicalResult finish(HostTensor result) {
    results.push_back(std::move(result));
    return mlir::success();
  }
  /// The list of integers that is attribute `name` before opset `since` and
  /// input `index` from then on.
  Shape intsArgument(size_t index, llvm::StringRef name, int64_t since);
  /// Error if a tensor of `shape` is unreasonably large.
  mlir::LogicalResult checkSize(ElementKind kind, llvm::ArrayRef<int64_t> shape);
  /// Zeros of `shape`, with that check.
  mlir::FailureOr<HostTensor> make(ElementKind kind,
                                   llvm::ArrayRef<int64_t> shape);
  /// `in` read at strides, with the same check.
  mlir::FailureOr<HostTensor> copy(const HostTensor &in,
                                   llvm::ArrayRef<int64_t> shape,
                                   llvm::ArrayRef<int64_t> strides,
                                   int64_t offset = 0);
};

using FoldFn = mlir::LogicalResult (*)(FoldContext &);

struct FoldEntry {
  llvm::StringLiteral opType;
  size_t minInputs, maxInputs; // maxInputs 0: no limit
  FoldFn fold;
};

llvm::ArrayRef<FoldEntry> arithmeticFolds();
llvm::ArrayRef<FoldEntry> movementFolds();
llvm::ArrayRef<FoldEntry> selectionFolds();

/// The entry for an op type, or null.
const FoldEntry *lookupFold(llvm::StringRef opType);

/// Evaluates the node; all inputs are known. Faults are reported.
mlir::LogicalResult foldNode(const FoldEntry &entry, FoldContext &context);

/// Resolves the extents 0 (copied) and -1 (inferred) of an ONNX Reshape.
mlir::FailureOr<Shape> resolveReshape(Node &node, llvm::ArrayRef<int64_t> from,
                                      llvm::ArrayRef<int64_t> to);

/// One dimension of a Slice after clamping: `size` elements from `start` on.
struct SliceRange {
  int64_t start, size, step;
};
/// The ranges of an ONNX Slice over all dimensions of `shape`.
mlir::FailureOr<llvm::SmallVector<SliceRange>>
resolveSlice(Node &node, llvm::ArrayRef<int64_t> shape,
             llvm::ArrayRef<int64_t> starts, llvm::ArrayRef<int64_t> ends,
             llvm::ArrayRef<int64_t> axes, llvm::ArrayRef<int64_t> steps);

/// The axes in [0, rank), ascending; an error for one that is out of range or
/// named twice.
mlir::FailureOr<Shape> resolveAxes(Node &node, llvm::ArrayRef<int64_t> axes,
                                   int64_t rank);
/// The shapes after an ONNX Squeeze (no axes: every extent of one) and
/// Unsqueeze.
mlir::FailureOr<Shape> squeezeShape(Node &node, llvm::ArrayRef<int64_t> shape,
                                    llvm::ArrayRef<int64_t> axes);
mlir::FailureOr<Shape> unsqueezeShape(Node &node, llvm::ArrayRef<int64_t> shape,
                                      llvm::ArrayRef<int64_t> axes);
/// The extents of the parts of an ONNX Split of `extent` into `count` outputs;
/// `sizes` may be empty.
mlir::FailureOr<Shape> splitSizes(Node &node, int64_t extent, size_t count,
                                  llvm::ArrayRef<int64_t> sizes);
/// `axis` attribute of `node` in [0, rank).
mlir::FailureOr<int64_t> resolveAxis(Node &node, int64_t axis, int64_t rank);

} // namespace dyadic::onnx_import

#endif
