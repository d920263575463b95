//===- Contractions.h - sums of products, float and integer -----*- C++ -*-===//
#ifndef DYADIC_LIB_REFERENCE_CONTRACTIONS_H
#define DYADIC_LIB_REFERENCE_CONTRACTIONS_H

#include "Tensors.h"

namespace dyadic::reference {

struct ConvAttributes {
  llvm::ArrayRef<int64_t> strides;
  llvm::ArrayRef<int64_t> dilations;
  /// Rows above and columns left of the image; zeros.
  int64_t top = 0;
  int64_t left = 0;
  int64_t groups = 1;
};

/// Fills `output` N×OH×OW×O from `input` N×H×W×C, `filter` O×KH×KW×(C/groups)
/// and `bias` O, which may be null. All f32 or all integers, with a bias and an
/// output of i32.
void conv2d(const HostTensor &input, const HostTensor &filter,
            const HostTensor *bias, const ConvAttributes &attributes,
            HostTensor &output);

/// Fills `output` …×M×N from `lhs` …×M×K, `rhs` …×K×N (leading dimensions
/// broadcast) and `bias` N, which may be null.
void matmul(const HostTensor &lhs, const HostTensor &rhs,
            const HostTensor *bias, HostTensor &output);

} // namespace dyadic::reference

#endif
