//===- Agreement.h - how far two models' outputs agree ----------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_AGREEMENT_H
#define DYADIC_PIPELINE_AGREEMENT_H

#include "dyadic/Support/HostTensor.h"

namespace dyadic {

/// Measures of one output over a set of samples, exact against approximate.
/// A row is the output's last dimension of more than one element; its argmax is
/// the class if the model classifies.
class Agreement {
public:
  void add(const HostTensor &expected, const HostTensor &got);

  /// Signal to quantization noise, in decibels.
  double sqnr() const;
  /// Of all samples as one vector, in [−1, 1].
  double cosine() const;
  double maxDifference() const { return largest; }
  /// The fraction of rows whose largest element is at the same place.
  double argmaxAgreement() const;
  int64_t rows() const { return numRows; }

private:
  double signal = 0, noise = 0, dot = 0, gotNorm = 0, largest = 0;
  int64_t numRows = 0, equalRows = 0;
};

/// Where the largest element of each row is. Nothing for a batch of images or
/// the like, more than two dimensions of more than one element.
llvm::SmallVector<int64_t> argmaxOfRows(const HostTensor &tensor);

} // namespace dyadic

#endif
