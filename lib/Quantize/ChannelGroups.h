//===- ChannelGroups.h - tensors whose channels scale together --*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_CHANNELGROUPS_H
#define DYADIC_LIB_QUANTIZE_CHANNELGROUPS_H

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dyadic {

/// Tensors whose channels (of the last dimension) depend on each other between
/// contractions: if the writers divide channel c of their results by t_c > 0 and
/// the readers multiply their weights by it, the network computes the same. Where
/// a concatenation joins tensors, each has some of the group's channels.
struct ChannelGroup {
  struct Tensor {
    mlir::Value value;
    /// Which channel of the group is the tensor's first.
    int64_t first;
  };
  struct Writer {
    /// Null where `function` is an op without an integer form, which others may read.
    mlir::Operation *contraction;
    /// The last of functions of the contraction's sums that do not commute with a
    /// factor: behind it a multiplication has to divide. Null where the weights can.
    mlir::Operation *function;
    int64_t first;
  };
  struct Reader {
    mlir::Operation *contraction;
    int64_t first;
  };

  int64_t channels = 0;
  /// In the order they are computed.
  llvm::SmallVector<Tensor> tensors;
  /// One of the tensors is a result, or an input of these.
  llvm::SmallVector<Writer> writers;
  llvm::SmallVector<Reader> readers;

  /// Whether some functions that would be tables have to be computed to divide.
  bool replacesTables() const;
  /// Whether it is a group of `floatGroups`.
  bool isOfFloats() const { return !writers.front().contraction; }
};

/// The extent of the last dimension.
int64_t channelsOf(mlir::Value value);

/// All groups of `func` that can be scaled: each with writers and readers, and
/// nothing else that makes or reads their tensors but ops that commute with a
/// positive factor per channel.
llvm::SmallVector<ChannelGroup> channelGroups(mlir::func::FuncOp func);

/// One group for each result of an op without an integer form, such as a layer norm,
/// that contractions read: what they read alone is rounded and can be divided, whatever
/// else reads the floats.
llvm::SmallVector<ChannelGroup> floatGroups(mlir::func::FuncOp func);

/// Divides the group's channels by `factors` and multiplies the weights that read them.
/// Does nothing, and returns false, where calibration has not seen its tensors.
bool divideChannels(const ChannelGroup &group, llvm::ArrayRef<double> factors);

} // namespace dyadic

#endif
