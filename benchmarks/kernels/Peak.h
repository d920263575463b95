//===- Peak.h - what this machine can do at most ----------------*- C++ -*-===//
#ifndef DYADIC_BENCHMARKS_PEAK_H
#define DYADIC_BENCHMARKS_PEAK_H

#include <cstddef>
#include <string>
#include <vector>

namespace dyadic::bench {

/// The limit of one instruction on one core.
struct Peak {
  /// As Strategy names what uses it: "vpdpbusd zmm".
  std::string instruction;
  /// The level of kernels whose limit it is: "avx512vnni".
  std::string level;
  /// Multiplications and additions a second, in 10⁹; 0 where the machine lacks
  /// the instruction.
  double gops = 0;
};

/// Measured now, in a few milliseconds each: the best of several runs.
std::vector<Peak> measurePeaks();

/// 10⁹ bytes a second that one core reads from a buffer of this size, over and
/// over.
double measureReadBandwidth(size_t bytes);

} // namespace dyadic::bench

#endif
