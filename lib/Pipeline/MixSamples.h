//===- MixSamples.h - samples between those given ---------------*- C++ -*-===//
#ifndef DYADIC_LIB_PIPELINE_MIXSAMPLES_H
#define DYADIC_LIB_PIPELINE_MIXSAMPLES_H

#include "dyadic/Quantize/Recover.h"

#include <cstdint>

namespace dyadic {

/// As many samples as there are in `samples`, all of the same kinds and shapes, made of
/// these: what is learned from few lies between them as well. By input:
/// - integers of more than two values (tokens): each element becomes a random one between
///   the least and the largest of all samples, but where all samples have the same
///   (what begins a sentence);
/// - other integers (masks) and booleans stay;
/// - floats are blended with those of another sample, which has a part of at most a half.
/// The same `seed` gives the same samples.
SampleTensors mixSamples(const SampleTensors &samples, uint64_t seed = 0);

} // namespace dyadic

#endif
