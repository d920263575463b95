//===- ChannelGroups.h - tensors whose channels scale together --*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_CHANNELGROUPS_H
#define DYADIC_LIB_QUANTIZE_CHANNELGROUPS_H

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dyadic {

/// Tensors with the same channels (last dimension) between contractions: if the
/// writers divide channel c of their results by t_c > 0 and the readers multiply
/// their weights by it, the network computes the same.
struct ChannelGroup {
  int64_t channels = 0;
  /// In the order they are computed.
  llvm::SmallVector<mlir::Value> tensors;
  /// Contractions whose result is one of the tensors, and whose input is one.
  llvm::SmallVector<mlir::Operation *> writers, readers;
};

/// All groups of `func` that can be scaled: each with writers and readers, and
/// nothing else that makes or reads their tensors but ops that commute with a
/// positive factor per channel.
llvm::SmallVector<ChannelGroup> channelGroups(mlir::func::FuncOp func);

} // namespace dyadic

#endif
