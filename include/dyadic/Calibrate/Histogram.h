//===- Histogram.h - how often a tensor takes which values ------*- C++ -*-===//
//
// One pass, constant memory: bin i counts the values in [i·2ᵉ, (i+1)·2ᵉ), and e
// grows when the values seen no longer fit into `kBins` bins. As bins lie on one
// grid for all tensors and samples, a histogram is a function of the values it
// saw: not of their order, nor of how they were split into parts that are merged.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_CALIBRATE_HISTOGRAM_H
#define DYADIC_CALIBRATE_HISTOGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace dyadic {

/// An interval of real values.
struct Range {
  double min = 0, max = 0;
};

class Histogram {
public:
  /// What is spread over fewer than half of these is counted more finely, down
  /// to the spacing of f32. A percentile is as exact as a bin is wide: with a
  /// quarter of the bins PP-OCR rec lost a tenth of its strings.
  static constexpr int64_t kBins = 16384;

  /// Counts `values`; NaN and infinities are left out. Returns the least and the
  /// greatest of the others, if there are any.
  std::optional<Range> observe(llvm::ArrayRef<float> values);
  void merge(const Histogram &other);

  /// How many values were counted.
  uint64_t total() const { return count; }
  /// How many of them were exactly zero, which every type represents.
  uint64_t zeros() const { return zeroCount; }
  /// The least and the greatest; [0, 0] where there are none.
  Range extremes() const { return seen; }

  /// The bins from the first that isn't empty to the last.
  llvm::ArrayRef<uint64_t> bins() const;
  double binWidth() const;
  /// The lower edge of `bins()[i]`.
  double edge(int64_t i) const { return (first + i) * binWidth(); }

  llvm::json::Value toJSON() const;
  static llvm::Expected<Histogram> fromJSON(const llvm::json::Value &value);

private:
  void cover(Range range);

  std::vector<uint64_t> counts;
  /// The number of the first bin in `counts`, and e.
  int64_t first = 0;
  int exponent = 0;
  uint64_t count = 0, zeroCount = 0;
  Range seen;
};

} // namespace dyadic

#endif
