//===- ScalarFunction.h - chains of functions of one element ----*- C++ -*-===//
//
// What reads one quantized tensor element by element, and numbers, is one
// function: hard_swish(x) · 0.9 + 0.1 needs a single table, and nothing is
// rounded on the way through it.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_LOWERTODYADIC_SCALARFUNCTION_H
#define DYADIC_LIB_LOWERTODYADIC_SCALARFUNCTION_H

#include "Lowering.h"

namespace dyadic {

struct ScalarFunction {
  /// An op and its operands, of which number `variable` is the function's
  /// argument and the others are constants.
  struct Step {
    qnn::ElementwiseOpInterface op;
    llvm::SmallVector<float, 2> operands;
    unsigned variable;
  };

  /// The tensor that the first step reads.
  mlir::Value input;
  llvm::SmallVector<Step> steps;

  /// The longest chain that ends at `op` and whose intermediate results nothing
  /// else reads; none if `op` reads more than one tensor.
  static std::optional<ScalarFunction> endingAt(mlir::Operation *op);

  float evaluate(float x) const;

  /// Its 256 values, from the least storage value on.
  mlir::ElementsAttr tabulate(ActivationType from, ActivationType to) const;
};

} // namespace dyadic

#endif
