//===- ChannelSums.h - means of an op's channels ----------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_CHANNELSUMS_H
#define DYADIC_LIB_QUANTIZE_CHANNELSUMS_H

#include "dyadic/Quantize/Recover.h"

#include "llvm/ADT/BitVector.h"

namespace dyadic {

/// The ops with constant weights, in order.
llvm::SmallVector<mlir::Operation *> weightedOps(mlir::func::FuncOp func);

/// One for each row of a tensor of `shape`; 0 for those that aren't `counted`.
RowWeights rowsThatCount(llvm::ArrayRef<int64_t> shape, const llvm::BitVector *counted);

/// Weighted sums of a tensor's channels, the indices of its last dimension.
class ChannelSums {
public:
  explicit ChannelSums(int64_t channels) : sums(channels, 0) {}

  void add(const HostTensor &tensor, llvm::ArrayRef<float> weights);
  void add(const ChannelSums &other);
  ChannelMeans means() const;

private:
  llvm::SmallVector<double, 0> sums;
  double count = 0;
};

} // namespace dyadic

#endif
