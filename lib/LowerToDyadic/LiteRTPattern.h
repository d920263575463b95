//===- LiteRTPattern.h - lowerings to LiteRT's arithmetic -------*- C++ -*-===//
#ifndef DYADIC_LIB_LOWERTODYADIC_LITERTPATTERN_H
#define DYADIC_LIB_LOWERTODYADIC_LITERTPATTERN_H

#include "Lowering.h"

namespace dyadic {

/// The types of the operands of `op` and, last, of its result; an error at `op`
/// where one isn't quantized as a whole.
inline mlir::FailureOr<llvm::SmallVector<ActivationType>>
activationTypesOf(mlir::Operation *op) {
  llvm::SmallVector<ActivationType> types;
  for (mlir::Value value :
       llvm::concat<mlir::Value>(llvm::to_vector(op->getOperands()),
                                 llvm::to_vector(op->getResults()))) {
    auto type = activationTypeOf(op, value);
    if (mlir::failed(type))
      return mlir::failure();
    types.push_back(*type);
  }
  return types;
}

/// A lowering of `Op` in functions that round as LiteRT does.
template <typename Op>
struct LiteRTPattern : mlir::OpConversionPattern<Op> {
  using mlir::OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename Op::Adaptor;

  mlir::LogicalResult
  matchAndRewrite(Op op, Adaptor adaptor,
                  mlir::ConversionPatternRewriter &rewriter) const final {
    if (!isLiteRTExact(op))
      return mlir::failure();
    auto types = activationTypesOf(op);
    if (mlir::failed(types))
      return mlir::failure();
    return lower(op, adaptor, *types, rewriter);
  }

  /// `types` are those of the operands and, last, of the result.
  virtual mlir::LogicalResult
  lower(Op op, Adaptor adaptor, llvm::ArrayRef<ActivationType> types,
        mlir::ConversionPatternRewriter &rewriter) const = 0;
};

} // namespace dyadic

#endif
