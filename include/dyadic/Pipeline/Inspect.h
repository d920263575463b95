//===- Inspect.h - what a model is made of ----------------------*- C++ -*-===//
#ifndef DYADIC_PIPELINE_INSPECT_H
#define DYADIC_PIPELINE_INSPECT_H

#include "dyadic/Pipeline/Compile.h"

#include <map>

namespace dyadic {

struct Inspection {
  ProgramInfo interface;
  /// How many ops of each kind there are.
  std::map<std::string, int64_t> opCounts;
  int64_t parameters = 0;
  /// Multiply-adds of convolutions and matrix products on one batch.
  int64_t macs = 0;
  int64_t floatArenaBytes = 0, integerArenaBytes = 0, integerWeightBytes = 0;
  /// What would stay float and why, if every tensor had a range.
  std::vector<FloatOp> floatOps;
};

/// Multiply-adds of a convolution or matrix product of any level; 0 for others.
int64_t macsOf(mlir::Operation *op);

/// Looks at a model without samples: what depends on them is assumed to go
/// well. Every op that can't be compiled has been reported on failure.
mlir::FailureOr<Inspection> inspect(Compilation &compilation);

} // namespace dyadic

#endif
