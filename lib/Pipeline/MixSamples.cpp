//===- MixSamples.cpp -----------------------------------------------------===//
#include "MixSamples.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using namespace dyadic;

/// In [0, 1), the same on all machines.
static double uniform(std::mt19937_64 &random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

/// Whether an input has at most two values in all samples.
static bool isFlag(const SampleTensors &samples, size_t input) {
  double first = samples[0][input].numElements() ? samples[0][input].get(0) : 0;
  double second = first;
  for (const auto &sample : samples)
    for (int64_t i = 0, e = sample[input].numElements(); i < e; ++i) {
      double value = sample[input].get(i);
      if (value == first || value == second)
        continue;
      if (first != second)
        return false;
      second = value;
    }
  return true;
}

static void replaceIntegers(const SampleTensors &samples, size_t input, SampleTensors &copies,
                            std::mt19937_64 &random) {
  if (isFlag(samples, input))
    return;
  double least = INFINITY, largest = -INFINITY;
  int64_t count = samples[0][input].numElements();
  std::vector<bool> varies(count);
  for (const auto &sample : samples)
    for (int64_t i = 0; i < count; ++i) {
      double value = sample[input].get(i);
      least = std::min(least, value);
      largest = std::max(largest, value);
      varies[i] = varies[i] || value != samples[0][input].get(i);
    }
  for (auto &copy : copies)
    for (int64_t i = 0; i < count; ++i)
      if (varies[i])
        copy[input].set(i, least + std::floor(uniform(random) * (largest - least + 1)));
}

/// `a` and some of `b`.
static void blend(HostTensor &a, const HostTensor &b, double part) {
  for (int64_t i = 0, e = a.numElements(); i < e; ++i)
    a.set(i, (1 - part) * a.get(i) + part * b.get(i));
}

SampleTensors dyadic::mixSamples(const SampleTensors &samples, uint64_t seed) {
  SampleTensors copies = samples;
  if (samples.empty())
    return copies;
  std::mt19937_64 random(seed);
  for (auto [i, copy] : llvm::enumerate(copies)) {
    // The next one is the other where a sample meets itself.
    size_t other = random() % samples.size();
    other = other == i ? (i + 1) % samples.size() : other;
    double part = 0.5 * uniform(random);
    for (auto [tensor, partner] : llvm::zip_equal(copy, samples[other]))
      if (isFloat(tensor.kind))
        blend(tensor, partner, part);
  }
  for (size_t input = 0; input < samples[0].size(); ++input)
    if (ElementKind kind = samples[0][input].kind;
        !isFloat(kind) && kind != ElementKind::Bool)
      replaceIntegers(samples, input, copies, random);
  return copies;
}
