//===- Elementwise.cpp - scalar functions, evaluated and built ------------===//
//
// Each op's function stands here twice, side by side: `evaluate` for the
// interpreter and for tables, `build` for float code.
//
//===----------------------------------------------------------------------===//
#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace dyadic::qnn;

namespace {
/// Writes expressions on f32 scalars or vectors of f32.
struct Expression {
  OpBuilder &builder;
  Location loc;
  Type type;

  Value constant(float value) {
    TypedAttr attribute = builder.getF32FloatAttr(value);
    if (auto vector = dyn_cast<VectorType>(type))
      attribute = DenseElementsAttr::get(vector, attribute);
    return arith::ConstantOp::create(builder, loc, attribute);
  }
  template <typename Op, typename... Values> Value make(Values... values) {
    return Op::create(builder, loc, values...);
  }
  Value add(Value l, Value r) { return make<arith::AddFOp>(l, r); }
  Value sub(Value l, Value r) { return make<arith::SubFOp>(l, r); }
  Value mul(Value l, Value r) { return make<arith::MulFOp>(l, r); }
  Value div(Value l, Value r) { return make<arith::DivFOp>(l, r); }
  // maxnum and minnum, which are single instructions where NaN may go either way.
  Value max(Value l, Value r) { return make<arith::MaxNumFOp>(l, r); }
  Value min(Value l, Value r) { return make<arith::MinNumFOp>(l, r); }
  /// 1 where the comparison holds, 0 elsewhere.
  Value compare(arith::CmpFPredicate predicate, Value l, Value r) {
    Value holds = make<arith::CmpFOp>(predicate, l, r);
    return make<arith::UIToFPOp>(type, holds);
  }
  Value sigmoid(Value x) {
    Value e = make<math::ExpOp>(make<arith::NegFOp>(x));
    return div(constant(1), add(constant(1), e));
  }
  Value hardSigmoid(Value x, float alpha, float beta) {
    Value line = add(mul(x, constant(alpha)), constant(beta));
    return min(max(line, constant(0)), constant(1));
  }
};
} // namespace

float ElementwiseOpInterface::evaluateAt(ArrayRef<float> point) {
  SmallVector<ArrayRef<float>, 3> operands;
  for (const float &x : point)
    operands.emplace_back(x);
  float result;
  evaluate(operands, result);
  return result;
}

static float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }
static float hardSigmoid(float x, float alpha, float beta) {
  return std::min(std::max(alpha * x + beta, 0.0f), 1.0f);
}

#define ATTR(NAME) get##NAME().convertToFloat()

// ATTRIBUTES declares what is read of the op once, x and y are the operands of EVALUATE
// and BUILD, e the expression writer.
#define DYADIC_UNARY_OF(OP, ATTRIBUTES, EVALUATE, BUILD)                       \
  void OP::evaluate(ArrayRef<ArrayRef<float>> operands,                        \
                    MutableArrayRef<float> results) {                          \
    ATTRIBUTES;                                                                \
    for (auto [x, result] : llvm::zip_equal(operands[0], results))             \
      result = EVALUATE;                                                       \
  }                                                                            \
  Value OP::build(OpBuilder &builder, Location loc, ValueRange operands) {     \
    ATTRIBUTES;                                                                \
    Value x = operands[0];                                                     \
    Expression e{builder, loc, x.getType()};                                   \
    return BUILD;                                                              \
  }
#define DYADIC_UNARY(OP, EVALUATE, BUILD) DYADIC_UNARY_OF(OP, , EVALUATE, BUILD)

DYADIC_UNARY(ReluOp, std::max(x, 0.0f), e.max(x, e.constant(0)))
DYADIC_UNARY_OF(ClampOp, float min = ATTR(Min); float max = ATTR(Max),
                std::min(std::max(x, min), max),
                e.min(e.max(x, e.constant(min)), e.constant(max)))
DYADIC_UNARY_OF(LeakyReluOp, float alpha = ATTR(Alpha),
                x >= 0 ? x : x * alpha,
                e.add(e.max(x, e.constant(0)),
                      e.mul(e.min(x, e.constant(0)), e.constant(alpha))))
DYADIC_UNARY(SigmoidOp, sigmoid(x), e.sigmoid(x))
DYADIC_UNARY(TanhOp, std::tanh(x), e.make<math::TanhOp>(x))
DYADIC_UNARY_OF(HardSigmoidOp,
                float alpha = ATTR(Alpha); float beta = ATTR(Beta),
                hardSigmoid(x, alpha, beta), e.hardSigmoid(x, alpha, beta))
DYADIC_UNARY(HardSwishOp, x * hardSigmoid(x, 1.0f / 6, 0.5f),
             e.mul(x, e.hardSigmoid(x, 1.0f / 6, 0.5f)))
DYADIC_UNARY(SwishOp, x * sigmoid(x), e.mul(x, e.sigmoid(x)))
DYADIC_UNARY(GeluOp, 0.5f * x * (1.0f + std::erf(x * float(M_SQRT1_2))),
             e.mul(e.mul(e.constant(0.5f), x),
                   e.add(e.constant(1), e.make<math::ErfOp>(e.mul(
                                            x, e.constant(float(M_SQRT1_2)))))))
DYADIC_UNARY(ErfOp, std::erf(x), e.make<math::ErfOp>(x))
DYADIC_UNARY(ExpOp, std::exp(x), e.make<math::ExpOp>(x))
DYADIC_UNARY(LogOp, std::log(x), e.make<math::LogOp>(x))
DYADIC_UNARY(SqrtOp, std::sqrt(x), e.make<math::SqrtOp>(x))
DYADIC_UNARY(AbsOp, std::fabs(x), e.make<math::AbsFOp>(x))
DYADIC_UNARY(NegOp, -x, e.make<arith::NegFOp>(x))
DYADIC_UNARY(ReciprocalOp, 1.0f / x, e.div(e.constant(1), x))

void CastOp::evaluate(ArrayRef<ArrayRef<float>> operands,
                      MutableArrayRef<float> results) {
  llvm::copy(operands[0], results.begin());
}
Value CastOp::build(OpBuilder &builder, Location loc, ValueRange operands) {
  Value x = operands[0];
  Type real = builder.getF32Type();
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    real = vector.clone(real);
  if (!getInput().getType().getElementType().isInteger(1))
    return arith::SIToFPOp::create(builder, loc, real, x);
  Value zero = arith::ConstantOp::create(builder, loc,
                                         builder.getZeroAttr(x.getType()));
  Value isTrue = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                       x, zero);
  return arith::UIToFPOp::create(builder, loc, real, isTrue);
}

#define DYADIC_BINARY(OP, EVALUATE, BUILD)                                     \
  void OP::evaluate(ArrayRef<ArrayRef<float>> operands,                        \
                    MutableArrayRef<float> results) {                          \
    for (auto [x, y, result] :                                                 \
         llvm::zip_equal(operands[0], operands[1], results))                   \
      result = EVALUATE;                                                       \
  }                                                                            \
  Value OP::build(OpBuilder &builder, Location loc, ValueRange operands) {     \
    Value x = operands[0], y = operands[1];                                    \
    Expression e{builder, loc, x.getType()};                                   \
    return BUILD;                                                              \
  }

DYADIC_BINARY(AddOp, x + y, e.add(x, y))
DYADIC_BINARY(SubOp, x - y, e.sub(x, y))
DYADIC_BINARY(MulOp, x * y, e.mul(x, y))
DYADIC_BINARY(DivOp, x / y, e.div(x, y))
DYADIC_BINARY(MaximumOp, std::max(x, y), e.max(x, y))
DYADIC_BINARY(MinimumOp, std::min(x, y), e.min(x, y))
DYADIC_BINARY(EqualOp, x == y, e.compare(arith::CmpFPredicate::OEQ, x, y))
DYADIC_BINARY(LessOp, x < y, e.compare(arith::CmpFPredicate::OLT, x, y))
DYADIC_BINARY(PowOp, std::pow(x, y), e.make<math::PowFOp>(x, y))

void SelectOp::evaluate(ArrayRef<ArrayRef<float>> operands,
                        MutableArrayRef<float> results) {
  for (auto [condition, x, y, result] :
       llvm::zip_equal(operands[0], operands[1], operands[2], results))
    result = condition != 0 ? x : y;
}
Value SelectOp::build(OpBuilder &builder, Location loc, ValueRange operands) {
  Expression e{builder, loc, operands[0].getType()};
  Value holds = e.make<arith::CmpFOp>(arith::CmpFPredicate::UNE, operands[0],
                                      e.constant(0));
  return e.make<arith::SelectOp>(holds, operands[1], operands[2]);
}
