//===- Arithmetic.cpp - functions of numbers that are no tensors of reals -===//
//
// Arithmetic on plain integers, and functions of floats that qnn has no op for:
// one table says what each computes.
//
//===----------------------------------------------------------------------===//
#include "OpRegistry.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;

namespace dyadic::tflite_import {

namespace {
/// What a scalar function is written with.
struct Scalars {
  OpBuilder &b;
  Location loc;
  ValueRange in;

  template <typename Op, typename... Values> Value make(Values... values) const {
    return Op::create(b, loc, values...);
  }
  Value number(double value) const {
    return qnn::scalarConstant(b, loc, in[0].getType(), value);
  }
};
using Function = Value (*)(const Scalars &);

/// An operator as a function of floats and of integers; null where there is none.
struct Definition {
  tflite::BuiltinOperator code;
  Function real, integer;
  /// Whether the result is a boolean.
  bool compares = false;
};
} // namespace

template <typename Op> static Value unary(const Scalars &s) {
  return s.make<Op>(s.in[0]);
}
template <typename Op> static Value binary(const Scalars &s) {
  return s.make<Op>(s.in[0], s.in[1]);
}
template <arith::CmpFPredicate predicate> static Value compareReals(const Scalars &s) {
  return s.make<arith::CmpFOp>(predicate, s.in[0], s.in[1]);
}
template <arith::CmpIPredicate predicate>
static Value compareIntegers(const Scalars &s) {
  return s.make<arith::CmpIOp>(predicate, s.in[0], s.in[1]);
}

static Value square(const Scalars &s) {
  return s.make<arith::MulFOp>(s.in[0], s.in[0]);
}
static Value squaredDifference(const Scalars &s) {
  Value d = s.make<arith::SubFOp>(s.in[0], s.in[1]);
  return s.make<arith::MulFOp>(d, d);
}
static Value reciprocalRoot(const Scalars &s) {
  return s.make<arith::DivFOp>(s.number(1), s.make<math::SqrtOp>(s.in[0]));
}
static Value floorOfQuotient(const Scalars &s) {
  return s.make<math::FloorOp>(s.make<arith::DivFOp>(s.in[0], s.in[1]));
}
static Value elu(const Scalars &s) {
  Value isPositive =
      s.make<arith::CmpFOp>(arith::CmpFPredicate::OGE, s.in[0], s.number(0));
  return s.make<arith::SelectOp>(isPositive, s.in[0],
                                 s.make<math::ExpM1Op>(s.in[0]));
}
/// x where it isn't negative, else alpha · x.
static Value parametricRelu(const Scalars &s) {
  Value isPositive =
      s.make<arith::CmpFOp>(arith::CmpFPredicate::OGE, s.in[0], s.number(0));
  return s.make<arith::SelectOp>(isPositive, s.in[0],
                                 s.make<arith::MulFOp>(s.in[0], s.in[1]));
}
/// ⌊x / y⌋ without a fault: by zero it is 0.
static Value floorOfIntegers(const Scalars &s) {
  Value zero = s.number(0), one = s.number(1);
  Value isZero = s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, s.in[1], zero);
  Value isMinusOne =
      s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, s.in[1], s.number(-1));
  Value unsafe = s.make<arith::OrIOp>(isZero, isMinusOne);
  Value divisor = s.make<arith::SelectOp>(unsafe, one, s.in[1]);
  Value quotient = s.make<arith::DivSIOp>(s.in[0], divisor);
  Value rest = s.make<arith::RemSIOp>(s.in[0], divisor);
  Value isInexact = s.make<arith::CmpIOp>(arith::CmpIPredicate::ne, rest, zero);
  Value signs = s.make<arith::XOrIOp>(rest, divisor);
  Value differ = s.make<arith::CmpIOp>(arith::CmpIPredicate::slt, signs, zero);
  Value isLess = s.make<arith::AndIOp>(isInexact, differ);
  quotient = s.make<arith::SelectOp>(
      isLess, s.make<arith::SubIOp>(quotient, one), quotient);
  quotient = s.make<arith::SelectOp>(
      isMinusOne, s.make<arith::SubIOp>(zero, s.in[0]), quotient);
  return s.make<arith::SelectOp>(isZero, zero, quotient);
}

static ArrayRef<Definition> definitions() {
  using Op = tflite::BuiltinOperator;
  using R = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  static const Definition table[] = {
      {Op::ADD, nullptr, binary<arith::AddIOp>},
      {Op::SUB, nullptr, binary<arith::SubIOp>},
      {Op::MUL, nullptr, binary<arith::MulIOp>},
      {Op::MAXIMUM, nullptr, binary<arith::MaxSIOp>},
      {Op::MINIMUM, nullptr, binary<arith::MinSIOp>},
      {Op::FLOOR_DIV, floorOfQuotient, floorOfIntegers},
      {Op::SQUARED_DIFFERENCE, squaredDifference, nullptr},
      {Op::PRELU, parametricRelu, nullptr},
      {Op::FLOOR, unary<math::FloorOp>, nullptr},
      {Op::CEIL, unary<math::CeilOp>, nullptr},
      {Op::ROUND, unary<math::RoundEvenOp>, nullptr},
      {Op::SIN, unary<math::SinOp>, nullptr},
      {Op::COS, unary<math::CosOp>, nullptr},
      {Op::SQUARE, square, nullptr},
      {Op::RSQRT, reciprocalRoot, nullptr},
      {Op::ELU, elu, nullptr},
      {Op::EQUAL, compareReals<R::OEQ>, compareIntegers<I::eq>, true},
      {Op::NOT_EQUAL, compareReals<R::UNE>, compareIntegers<I::ne>, true},
      {Op::LESS, compareReals<R::OLT>, compareIntegers<I::slt>, true},
      {Op::LESS_EQUAL, compareReals<R::OLE>, compareIntegers<I::sle>, true},
      {Op::GREATER, compareReals<R::OGT>, compareIntegers<I::sgt>, true},
      {Op::GREATER_EQUAL, compareReals<R::OGE>, compareIntegers<I::sge>, true},
  };
  return table;
}

LogicalResult convertNumbers(NodeImporter &node) {
  const Definition *definition = llvm::find_if(definitions(), [&](auto &entry) {
    return entry.code == node.getOperator().code;
  });
  SmallVector<Value> operands;
  for (size_t i = 0; i < node.numInputs(); ++i) {
    operands.push_back(node.input(i));
    if (!operands.back())
      return failure();
  }
  Type element = elementOf(operands[0]);
  Function function = element.isF32()              ? definition->real
                      : element.isSignlessInteger() && !element.isInteger(1)
                          ? definition->integer
                          : nullptr;
  if (!function || llvm::any_of(operands, [&](Value operand) {
        return elementOf(operand) != element;
      }))
    return node.unsupported("an operand of " + nameOf(node.inputTensor(0).type()) +
                            (node.inputTensor(0).isQuantized()
                                 ? " that is quantized"
                                 : ""));
  Type result = definition->compares
                    ? Type(node.getBuilder().getI1Type())
                    : element;
  auto shape = node.broadcast(operands);
  if (failed(shape))
    return failure();
  return node.setOutput(qnn::buildElementwise(
      node.getBuilder(), node.getLoc(), node.getOperator().kind(),
      RankedTensorType::get(*shape, result), operands,
      [&](OpBuilder &b, Location loc, ValueRange scalars) {
        return function({b, loc, scalars});
      }));
}

/// The first operand's element where the condition holds, else the second's.
static LogicalResult convertSelect(NodeImporter &node) {
  SmallVector<Value> operands{node.input(0), node.input(1), node.input(2)};
  if (!llvm::all_of(operands, [](Value v) { return bool(v); }))
    return failure();
  Type element = elementOf(operands[1]);
  if (!elementOf(operands[0]).isInteger(1) || elementOf(operands[2]) != element ||
      isa<quant::QuantizedType>(element))
    return node.unsupported("operands of quantized or different elements");
  auto shape = node.broadcast(operands);
  if (failed(shape))
    return failure();
  return node.setOutput(qnn::buildElementwise(
      node.getBuilder(), node.getLoc(), "Select",
      RankedTensorType::get(*shape, element), operands,
      [](OpBuilder &b, Location loc, ValueRange s) -> Value {
        return arith::SelectOp::create(b, loc, s[0], s[1], s[2]);
      }));
}

ArrayRef<OpEntry> arithmeticOps() {
  using Op = tflite::BuiltinOperator;
  static const OpEntry entries[] = {
      {Op::FLOOR_DIV, 2, 2, convertNumbers},
      {Op::SQUARED_DIFFERENCE, 2, 2, convertNumbers},
      {Op::FLOOR, 1, 1, convertNumbers},
      {Op::CEIL, 1, 1, convertNumbers},
      {Op::ROUND, 1, 1, convertNumbers},
      {Op::SIN, 1, 1, convertNumbers},
      {Op::COS, 1, 1, convertNumbers},
      {Op::SQUARE, 1, 1, convertNumbers},
      {Op::RSQRT, 1, 1, convertNumbers},
      {Op::ELU, 1, 1, convertNumbers},
      {Op::EQUAL, 2, 2, convertNumbers},
      {Op::NOT_EQUAL, 2, 2, convertNumbers},
      {Op::LESS, 2, 2, convertNumbers},
      {Op::LESS_EQUAL, 2, 2, convertNumbers},
      {Op::GREATER, 2, 2, convertNumbers},
      {Op::GREATER_EQUAL, 2, 2, convertNumbers},
      {Op::SELECT, 3, 3, convertSelect},
      {Op::SELECT_V2, 3, 3, convertSelect},
  };
  return entries;
}

} // namespace dyadic::tflite_import
