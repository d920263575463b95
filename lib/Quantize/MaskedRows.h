//===- MaskedRows.h - rows that a mask leaves out ---------------*- C++ -*-===//
//
// Sentences of different lengths are padded, and a mask says which of the tokens are
// theirs. What a network computes for the others is nobody's answer, but it would be
// most of what means, covariances and errors are of.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_QUANTIZE_MASKEDROWS_H
#define DYADIC_LIB_QUANTIZE_MASKEDROWS_H

#include "dyadic/Quantize/Recover.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/BitVector.h"

namespace dyadic {

class MaskedRows {
public:
  /// The mask is an input, [batch × tokens], with "mask" but not "pad" in its name,
  /// that is 0 or 1 in all samples.
  MaskedRows(mlir::func::FuncOp func, const SampleTensors &samples);

  /// Which rows, the elements of one index of all dimensions but the last, count in a
  /// tensor of `shape` for a sample; null where all do.
  const llvm::BitVector *of(size_t sample, llvm::ArrayRef<int64_t> shape) const;

private:
  int64_t tokens = 0;
  /// By sample; empty without a mask.
  std::vector<llvm::BitVector> kept;
};

} // namespace dyadic

#endif
