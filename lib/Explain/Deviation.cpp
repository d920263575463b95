//===- Deviation.cpp - errors in decibels ---------------------------------===//
#include "dyadic/Explain/Explain.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dyadic {

/// The relative noise of what should be zero: −200 dB.
static constexpr double kAllNoise = 1e20;

void Deviation::add(llvm::ArrayRef<float> exact, llvm::ArrayRef<float> got) {
  for (size_t i = 0, e = std::min(exact.size(), got.size()); i < e; ++i) {
    double x = exact[i], y = got[i], difference = y - x;
    if (!std::isfinite(difference))
      continue; // masks of −∞
    signal += x * x;
    noise += difference * difference;
    dot += x * y;
    gotNorm += y * y;
  }
}

double Deviation::relativeNoise() const {
  if (noise == 0)
    return 0;
  return signal == 0 ? kAllNoise : std::min(noise / signal, kAllNoise);
}

double Deviation::sqnr() const { return toDecibels(relativeNoise()); }

double Deviation::cosine() const {
  double norms = std::sqrt(signal) * std::sqrt(gotNorm);
  return norms == 0 ? (signal == gotNorm ? 1 : 0) : dot / norms;
}

double toDecibels(double relativeNoise) {
  return relativeNoise == 0 ? std::numeric_limits<double>::infinity()
                            : -10 * std::log10(relativeNoise);
}

double WeightReport::spread() const {
  std::vector<float> sorted;
  for (float magnitude : channelMax)
    if (magnitude > 0)
      sorted.push_back(magnitude);
  if (sorted.empty())
    return 1;
  std::sort(sorted.begin(), sorted.end());
  return sorted.back() / sorted[sorted.size() / 2];
}

double Explanation::outputNoise() const {
  double sum = 0;
  for (const OutputReport &output : outputs)
    sum += output.error.relativeNoise();
  return outputs.empty() ? 0 : sum / outputs.size();
}

} // namespace dyadic
