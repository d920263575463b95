//===- Exponential.cpp ----------------------------------------------------===//
//
//   e^x = 2^n · e^r,   n = round(x · log2 e),   r = x − n · ln 2
//
// Adding 1.5·2^23 rounds to n and leaves it in the low bits, from where a shift
// makes it an exponent. A general exponential spends as much again on overflow
// and infinities, which a softmax never meets. Where a target has instructions for
// 2^x, e^x is one of x · log2 e. The maximum is subtracted first: a fused x · log2 e −
// max · log2 e would be off by as much as the rounding of the latter, which for masked
// rows, of −3.4e38 all of them, is more than an exponent holds.
//
//===----------------------------------------------------------------------===//
#include "Exponential.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

Value codegen::emitExp(KernelBuilder &k, Value x, Value max) {
  auto type = cast<VectorType>(x.getType());
  auto bits = type.clone(k.b.getI32Type());
  auto fma = [&](Value a, double b, Value c) -> Value {
    return math::FmaOp::create(k.b, k.loc, a, k.splat(type, b), c);
  };
  constexpr double log2e = 1.4426950408889634;
  x = arith::SubFOp::create(k.b, k.loc, x, max);
  if (Value power = k.target.powerOfTwo(
          k.b, k.loc, arith::MulFOp::create(k.b, k.loc, x, k.splat(type, log2e))))
    return power;
  // At −88, n is −127 and 2^n zero. (A comparison with NaN is false.)
  Value least = k.splat(type, -88);
  x = arith::SelectOp::create(
      k.b, k.loc,
      arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT, x, least),
      least, x);
  Value magic = k.splat(type, 0x1.8p23);
  Value shifted = fma(x, log2e, magic);
  Value n = arith::SubFOp::create(k.b, k.loc, shifted, magic);
  // ln 2 in two parts, of which the first times n is exact.
  Value r = fma(n, -0.693359375, x);
  r = fma(n, 2.12194440e-4, r);
  // The polynomial of degree 5 that is nearest to e^r, relatively.
  static constexpr double coefficients[] = {
      0.0082976194712274, 0.0419156292510650, 0.1666757654173470,
      0.4999889266118371, 0.9999996910699586, 1.0000000718663857};
  Value p = k.splat(type, coefficients[0]);
  for (double c : llvm::drop_begin(coefficients))
    p = math::FmaOp::create(k.b, k.loc, p, r, k.splat(type, c));
  Value exponent = arith::ShLIOp::create(
      k.b, k.loc, arith::BitcastOp::create(k.b, k.loc, bits, shifted),
      k.splatInt(bits, 23));
  exponent = arith::AddIOp::create(k.b, k.loc, exponent,
                                   k.splatInt(bits, 0x3f800000));
  return arith::MulFOp::create(
      k.b, k.loc, p, arith::BitcastOp::create(k.b, k.loc, type, exponent));
}
