//===- ScalarMath.h - scalar arithmetic on any element type -----*- C++ -*-===//
//
// The operators of ONNX's functions, each written once for all the types that it
// takes: `type` is the operands' element type as tensors have it, so it knows
// what is unsigned or a boolean; the values are scalars in a body.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_IMPORT_ONNX_SCALARMATH_H
#define DYADIC_LIB_IMPORT_ONNX_SCALARMATH_H

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace dyadic::onnx_import {

class ScalarMath {
public:
  using Value = mlir::Value;

  ScalarMath(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type)
      : b(b), loc(loc), type(type) {}

  mlir::OpBuilder &b;
  mlir::Location loc;
  /// Of the operands.
  mlir::Type type;

  bool isReal() const { return llvm::isa<mlir::FloatType>(type); }
  bool isBoolean() const { return type.isInteger(1); }
  bool isUnsigned() const { return type.isUnsignedInteger() || isBoolean(); }

  /// A number of the operands' type.
  Value number(double value) const;
  /// The same of `like`'s type, a scalar in a body.
  Value numberLike(Value like, double value) const {
    return qnn::scalarConstant(b, loc, like.getType(), value);
  }

  // Of integers they wrap.
  Value add(Value x, Value y) const;
  Value sub(Value x, Value y) const;
  Value mul(Value x, Value y) const;
  /// Of integers truncated; x / 0 is 0.
  Value div(Value x, Value y) const;
  /// With the divisor's sign, as in Python; of reals and with `isFmod` with the
  /// dividend's. x mod 0 is 0 for integers.
  Value mod(Value x, Value y, bool isFmod) const;
  /// To an exponent of type `exponentType`.
  Value pow(Value x, Value y, mlir::Type exponentType) const;
  Value neg(Value x) const;
  Value abs(Value x) const;
  Value sign(Value x) const;
  /// A NaN wins.
  Value maximum(Value x, Value y) const;
  Value minimum(Value x, Value y) const;

  Value equal(Value x, Value y) const;
  Value less(Value x, Value y) const;
  Value lessOrEqual(Value x, Value y) const;
  Value select(Value condition, Value x, Value y) const {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }

  // On bits.
  Value bitAnd(Value x, Value y) const;
  Value bitOr(Value x, Value y) const;
  Value bitXor(Value x, Value y) const;
  Value bitNot(Value x) const;
  /// By any amount: what is shifted out is gone.
  Value shift(Value x, Value y, bool left) const;

  /// An op of `math` or `arith` on reals.
  template <typename Op> Value op(Value x) const {
    return Op::create(b, loc, x);
  }
  template <typename Op> Value op(Value x, Value y) const {
    return Op::create(b, loc, x, y);
  }
  Value exp(Value x) const { return op<mlir::math::ExpOp>(x); }
  /// eˣ − 1
  Value expm1(Value x) const { return op<mlir::math::ExpM1Op>(x); }
  /// log(1 + eˣ), which is x for large x.
  Value softplus(Value x) const;

private:
  Value power(Value x, Value y, bool isSignedExponent) const;
};

} // namespace dyadic::onnx_import

#endif
