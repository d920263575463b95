//===- Decisions.h - what results are decided by ----------------*- C++ -*-===//
#ifndef DYADIC_LIB_QUANTIZE_DECISIONS_H
#define DYADIC_LIB_QUANTIZE_DECISIONS_H

#include "MaskedRows.h"

#include <cmath>

namespace dyadic {

/// Keeps what the results of a network are decided by while it runs on samples.
class Decisions {
public:
  Decisions(mlir::func::FuncOp func, const SampleTensors &samples);

  /// To be told each value of each sample; samples may be told of at the same time.
  void observe(size_t sample, mlir::Value value, const HostTensor &tensor);
  DecidingTensors take() { return std::move(found); }

private:
  /// Functions that saturate, behind which most errors are nothing and a few are all,
  /// and movements are looked through.
  struct Decision {
    explicit Decision(mlir::Value result);

    mlir::Value value;
    /// Beyond it the functions are as good as constant.
    double limit = INFINITY;
  };

  MaskedRows masked;
  llvm::SmallVector<Decision> wanted;
  DecidingTensors found;
};

} // namespace dyadic

#endif
