//===- Lockstep.h - all samples on their way through a network --*- C++ -*-===//
//
// Op by op, each for all samples, for what changes an op by what it computes for all
// of them. Tensors are there for all samples together, so what is known of memory is
// here: inputs are the caller's, constants are made for their first reader, a sample's
// tensor goes when its last reader has run, and one that is too large for all samples
// is computed anew for each reader, sample by sample.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_QUANTIZE_LOCKSTEP_H
#define DYADIC_LIB_QUANTIZE_LOCKSTEP_H

#include "dyadic/Quantize/Recover.h"

#include "llvm/ADT/DenseMap.h"

namespace dyadic {

class Lockstep {
public:
  /// `samples` must outlive it. Tensors that take more than `mostBytes` for all samples
  /// are computed anew when `advanceTo` runs the network.
  Lockstep(mlir::func::FuncOp func, const SampleTensors &samples,
           int64_t mostBytes = int64_t(96) << 20);

  size_t samples() const { return count; }

  /// Makes the constants that `op` reads. Before ops that read the same are inserted:
  /// what is alive follows from the readers that there are now.
  mlir::LogicalResult makeConstants(mlir::Operation *op);
  /// What `op` makes of each sample, of one where it is a constant. Drops what nothing
  /// else is to read.
  mlir::FailureOr<SampleTensors> evaluate(mlir::Operation *op);
  /// What `op`, or another of the same operands, makes of one sample. Those of several
  /// may be computed at the same time.
  mlir::LogicalResult evaluate(mlir::Operation *op, size_t sample,
                               llvm::SmallVectorImpl<HostTensor> &results) const;
  /// Drops what of a sample only `op` was still to read.
  void drop(mlir::Operation *op, size_t sample);

  /// What an operand is for a sample. Of a network that `advanceTo` didn't run: there
  /// all tensors are at hand.
  const HostTensor &at(mlir::Value operand, size_t sample) const;
  /// Calls visit(sample, tensor) with what an operand is for each sample, in order.
  mlir::LogicalResult
  forEachSample(mlir::Value operand,
                llvm::function_ref<void(size_t, const HostTensor &)> visit) const;

  /// Runs ops from `op` on, which becomes `end`.
  mlir::LogicalResult advanceTo(mlir::Operation *&op, mlir::Operation *end);
  /// Keeps `results` for the readers of `op`, and drops what it was the last to read.
  /// `operands` are those it had when it was evaluated.
  void advance(mlir::Operation *op, mlir::ValueRange operands, SampleTensors results);

private:
  struct Entry {
    /// One where it is the same for all samples; none of an input, and of what is
    /// computed anew.
    std::vector<HostTensor> tensors;
    int64_t uses = 0;
    /// How many ops in a row are computed anew, with this one.
    int64_t depth = 0;
  };
  /// What has been computed anew for one sample.
  using Scratch = llvm::DenseMap<mlir::Value, llvm::SmallVector<HostTensor, 1>>;

  /// Null where it can't be computed.
  const HostTensor *find(mlir::Value value, size_t sample, Scratch &scratch) const;
  mlir::LogicalResult evaluate(mlir::Operation *op, size_t sample, Scratch &scratch,
                               llvm::SmallVectorImpl<HostTensor> &results) const;
  /// The depth of `op` if it is to be computed anew for each reader, else 0.
  int64_t depthOf(mlir::Operation *op) const;
  void release(mlir::Value value);

  const SampleTensors &inputs;
  size_t count;
  int64_t mostBytes;
  llvm::DenseMap<mlir::Value, Entry> entries;
};

} // namespace dyadic

#endif
