//===- Scalar.h - formulas for the bodies of qnn.compute --------*- C++ -*-===//
//
// What an element of a result is, written as a formula: numbers with operators,
// elements of tensors, sums over windows.
//
//===----------------------------------------------------------------------===//
#ifndef DYADIC_LIB_IMPORT_ONNX_SCALAR_H
#define DYADIC_LIB_IMPORT_ONNX_SCALAR_H

#include "NodeImporter.h"

namespace dyadic::onnx_import {

/// A number that the generated code computes: an index, an integer (signed), a
/// float or, from a comparison, an i1. Operands of an operator have one type;
/// a literal takes the other operand's.
class Scalar {
public:
  Scalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value)
      : b(&b), loc(loc), value(value) {}

  operator mlir::Value() const { return value; }
  mlir::Type type() const { return value.getType(); }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(type()); }

  /// A literal of this number's type.
  Scalar like(double number) const;
  /// Converted: truncated from floats to integers.
  Scalar to(mlir::Type type, bool isUnsigned = false) const;
  Scalar toIndex() const;

  friend Scalar operator+(Scalar x, Scalar y);
  friend Scalar operator-(Scalar x, Scalar y);
  friend Scalar operator*(Scalar x, Scalar y);
  /// Rounds toward zero for integers.
  friend Scalar operator/(Scalar x, Scalar y);
  friend Scalar operator%(Scalar x, Scalar y);
  friend Scalar operator<(Scalar x, Scalar y);
  friend Scalar operator<=(Scalar x, Scalar y);
  friend Scalar operator==(Scalar x, Scalar y);
  friend Scalar operator&(Scalar x, Scalar y);
  friend Scalar operator|(Scalar x, Scalar y);
  friend Scalar operator+(Scalar x, double y) { return x + x.like(y); }
  friend Scalar operator-(Scalar x, double y) { return x - x.like(y); }
  friend Scalar operator-(double x, Scalar y) { return y.like(x) - y; }
  friend Scalar operator*(Scalar x, double y) { return x * x.like(y); }
  friend Scalar operator/(Scalar x, double y) { return x / x.like(y); }
  friend Scalar operator/(double x, Scalar y) { return y.like(x) / y; }
  friend Scalar operator%(Scalar x, double y) { return x % x.like(y); }
  friend Scalar operator<(Scalar x, double y) { return x < x.like(y); }
  friend Scalar operator<=(Scalar x, double y) { return x <= x.like(y); }
  friend Scalar operator<(double x, Scalar y) { return y.like(x) < y; }
  friend Scalar operator<=(double x, Scalar y) { return y.like(x) <= y; }
  friend Scalar operator==(Scalar x, double y) { return x == x.like(y); }

  friend Scalar select(Scalar condition, Scalar x, Scalar y);
  friend Scalar minimum(Scalar x, Scalar y);
  friend Scalar maximum(Scalar x, Scalar y);
  friend Scalar clamp(Scalar x, double low, double high) {
    return minimum(maximum(x, x.like(low)), x.like(high));
  }
  friend Scalar floorOf(Scalar x);
  friend Scalar ceilOf(Scalar x);
  /// To the nearest, of two the even one.
  friend Scalar roundOf(Scalar x);
  friend Scalar sqrtOf(Scalar x);
  friend Scalar absOf(Scalar x);
  friend Scalar expOf(Scalar x);
  friend Scalar logOf(Scalar x);
  friend Scalar powOf(Scalar x, Scalar y);
  friend Scalar sinOf(Scalar x);
  friend Scalar cosOf(Scalar x);
  friend Scalar tanhOf(Scalar x);

private:
  template <typename FloatOp, typename IntOp>
  static Scalar binary(Scalar x, Scalar y);
  template <typename Op> static Scalar unary(Scalar x);

  mlir::OpBuilder *b;
  mlir::Location loc;
  mlir::Value value;
};

/// Where a formula is written.
class Formula {
public:
  Formula(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  Scalar of(mlir::Value value) const { return {b, loc, value}; }
  Scalar index(int64_t value) const;
  Scalar real(double value, mlir::Type type) const;
  Scalar real(double value) const { return real(value, b.getF32Type()); }

  /// tensor[indices]
  Scalar read(mlir::Value tensor, llvm::ArrayRef<Scalar> indices) const;
  /// tensor[indices], or `otherwise` where an index is out of range.
  Scalar readOr(mlir::Value tensor, llvm::ArrayRef<Scalar> indices,
                Scalar otherwise) const;
  /// Whether every index is in range.
  Scalar inside(mlir::Value tensor, llvm::ArrayRef<Scalar> indices) const;

  /// The state after `body` was applied to it at each index of `extents`, in
  /// row-major order.
  using Step = llvm::function_ref<llvm::SmallVector<Scalar>(
      const Formula &, llvm::ArrayRef<Scalar> indices,
      llvm::ArrayRef<Scalar> state)>;
  llvm::SmallVector<Scalar> loop(llvm::ArrayRef<int64_t> extents,
                                 llvm::ArrayRef<Scalar> initial,
                                 Step body) const;
  /// The same with extents that are computed.
  llvm::SmallVector<Scalar> loop(llvm::ArrayRef<Scalar> extents,
                                 llvm::ArrayRef<Scalar> initial,
                                 Step body) const;
  /// Σ of `term` over all indices of `extents`.
  Scalar sum(llvm::ArrayRef<int64_t> extents, Scalar zero,
             llvm::function_ref<Scalar(const Formula &, llvm::ArrayRef<Scalar>)>
                 term) const;

  // Tensors may be part of a loop's state.
  /// `tensor` with an element replaced.
  mlir::Value write(mlir::Value tensor, llvm::ArrayRef<Scalar> indices,
                    Scalar value) const;
  mlir::Value filled(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                     double value) const;
  /// A tensor of one dimension in another shape.
  mlir::Value reshaped(mlir::Value flat, llvm::ArrayRef<int64_t> shape) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// The type in which elements are computed: half floats in f32, integers and
/// booleans in i64.
mlir::Type computeType(mlir::Type element);
/// A number as it is in memory, of the element type `element`, in its compute
/// type.
Scalar widen(Scalar number, mlir::Type element);

/// The values as numbers.
llvm::SmallVector<Scalar> scalars(const Formula &f, mlir::ValueRange values);

/// Emits a qnn.compute whose result of `shape` and element type `element` has
/// the elements that `formula` says for their indices; `tensors` are the
/// operands as they are in memory. Converts to the result's element type.
using ElementFormula = llvm::function_ref<Scalar(
    const Formula &, llvm::ArrayRef<Scalar> indices, mlir::ValueRange tensors)>;
mlir::Value emitFormula(NodeImporter &node, llvm::ArrayRef<int64_t> shape,
                        mlir::Type element, mlir::ValueRange operands,
                        ElementFormula formula);

/// Emits a qnn.compute of several results; `body` gives them as tensors.
using TensorFormula = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    const Formula &, mlir::ValueRange tensors)>;
llvm::SmallVector<mlir::Value>
emitTensors(NodeImporter &node, llvm::ArrayRef<mlir::RankedTensorType> types,
            mlir::ValueRange operands, TensorFormula body);

} // namespace dyadic::onnx_import

#endif
