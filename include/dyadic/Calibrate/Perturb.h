//===- Perturb.h - copies of samples that are a little off ------*- C++ -*-===//
#ifndef DYADIC_CALIBRATE_PERTURB_H
#define DYADIC_CALIBRATE_PERTURB_H

#include "dyadic/Support/HostTensor.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <vector>

namespace dyadic {

/// A copy of each sample, changed as inputs that nobody had at hand may differ: what
/// fits the samples alone fits their copies worse.
///
/// Images (f32 of four dimensions, one to three of them channels) get, in turn, noise,
/// a blur, less contrast or another brightness, and stay inside the values that the
/// input has on all samples; other floats get noise. Of an input's integers a part of
/// `replaced` in [0, 1] becomes another integer of the samples, but for those that
/// every sample has, as padding, masks and marks of a beginning are.
///
/// All samples have the same kinds and shapes. The same samples give the same copies.
std::vector<llvm::SmallVector<HostTensor>>
perturbedCopies(llvm::ArrayRef<llvm::SmallVector<HostTensor>> samples, double replaced = 0.3);

} // namespace dyadic

#endif
