//===- PerturbSamples.h - samples that were not given -----------*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_PERTURBSAMPLES_H
#define DYADIC_LIB_PIPELINE_PERTURBSAMPLES_H

#include "dyadic/Quantize/Recover.h"

#include <cstdint>

namespace dyadic {

/// A copy of each of `samples`, all of the same kinds and shapes, that is like them and
/// yet none of them: what is learned from few samples, or chosen by them, is tried or
/// spread on it. By input:
/// - integers of more than two values (tokens): each element becomes a random one between
///   the least and the largest of all samples, but where all samples have the same
///   (what begins a sentence);
/// - other integers (masks) and booleans stay;
/// - floats are blended with those of another sample, which has a part of at most a half.
/// The same `seed` gives the same copies.
SampleTensors perturbSamples(const SampleTensors &samples, uint64_t seed = 0);

} // namespace dyadic

#endif
