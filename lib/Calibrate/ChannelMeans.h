//===- ChannelMeans.h - mean of each channel of a tensor --------*- C++ -*-===//
#ifndef DYADIC_LIB_CALIBRATE_CHANNELMEANS_H
#define DYADIC_LIB_CALIBRATE_CHANNELMEANS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace dyadic {

/// The mean over all samples of each index of a tensor's last dimension.
class ChannelMeans {
public:
  explicit ChannelMeans(int64_t channels = 1) : sums(channels, 0) {}

  void observe(llvm::ArrayRef<float> values) {
    size_t channels = sums.size();
    for (size_t row = 0; row + channels <= values.size(); row += channels)
      for (size_t c = 0; c < channels; ++c)
        sums[c] += values[row + c];
    rows += values.size() / channels;
  }

  llvm::SmallVector<float> means() const {
    llvm::SmallVector<float> result;
    for (double sum : sums)
      result.push_back(rows ? static_cast<float>(sum / rows) : 0);
    return result;
  }

private:
  llvm::SmallVector<double> sums;
  int64_t rows = 0;
};

} // namespace dyadic

#endif
