//===- Statistics.h - what calibration has seen -----------------*- C++ -*-===//
//
// Everything that ranges and corrections follow from, by tensor. It can be saved
// and merged: statistics of two halves of the samples are those of all.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_CALIBRATE_STATISTICS_H
#define DYADIC_CALIBRATE_STATISTICS_H

#include "dyadic/Calibrate/Histogram.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <limits>
#include <string>
#include <vector>

namespace dyadic {

/// What was seen of one index of a tensor's last dimension.
struct ChannelStatistics {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  double sum = 0, squares = 0;
};

/// What was seen of one tensor.
class TensorStatistics {
public:
  /// `channels`: the extent of the last dimension where its indices are told
  /// apart, else 0.
  explicit TensorStatistics(int64_t channels = 0, double momentum = 0.9)
      : momentum(momentum), channels(channels) {}

  /// The tensor's elements on one more sample; not all need be finite.
  void observe(llvm::ArrayRef<float> values);
  /// `other` saw later samples of the same tensor. If it told other channels
  /// apart, none are from now on.
  void merge(const TensorStatistics &other);

  const Histogram &histogram() const { return values; }
  /// The moving average of each sample's extremes.
  Range average() const { return averaged; }
  int64_t samples() const { return sampleCount; }
  /// The first sample with an element that is NaN or infinite, or −1.
  int64_t firstBadSample() const { return badSample; }
  /// Of each index of the last dimension; empty without channels.
  llvm::ArrayRef<ChannelStatistics> channelStatistics() const { return channels; }
  llvm::SmallVector<float> channelMeans() const;
  /// The means of the squares.
  llvm::SmallVector<float> channelPowers() const;

  llvm::json::Value toJSON() const;
  static llvm::Expected<TensorStatistics> fromJSON(const llvm::json::Value &value);

private:
  Histogram values;
  double momentum;
  Range averaged;
  int64_t sampleCount = 0, badSample = -1;
  std::vector<ChannelStatistics> channels;
  int64_t rows = 0;
};

/// What was seen of a network's tensors, in the order it computes them.
struct NetworkStatistics {
  struct Tensor {
    /// The op's name in the model and its kind, or the input's name.
    std::string name;
    llvm::SmallVector<int64_t> shape;
    TensorStatistics statistics;
  };
  std::vector<Tensor> tensors;

  /// `other` is of the same network. Fails, naming the first tensor that
  /// differs, if it isn't.
  llvm::Error merge(const NetworkStatistics &other);

  /// Statistics are JSON files; errors name the file, and the tensor.
  llvm::Error save(llvm::StringRef path) const;
  static llvm::Expected<NetworkStatistics> load(llvm::StringRef path);
};

} // namespace dyadic

#endif
