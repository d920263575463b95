//===- PowersOfTwo.cpp - 2^x on x86 ---------------------------------------===//
//
//   2^x = 2^f · 2^n,   f = x − round(x) by vreduceps,   n = x − f
//
// vscalefps multiplies by 2^n, whatever n is: nothing needs to be bounded before.
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

/// Of a whole register.
static Value power(VectorOps &ops, Value x) {
  VectorType type = ops.typeOf(x);
  OpBuilder &b = ops.b;
  auto word = [&](Type integer, int64_t value) -> Value {
    return arith::ConstantOp::create(b, ops.loc, b.getIntegerAttr(integer, value));
  };
  Type i32 = b.getI32Type();
  Value allLanes = word(b.getI16Type(), -1), toNearest = word(i32, 0),
        asTheModeSays = word(i32, 4), unused = ops.zero(type);
  Value fraction =
      ops.callIntrinsic("llvm.x86.avx512.mask.reduce.ps.512", type,
                        {x, toNearest, unused, allLanes, asTheModeSays});
  // The polynomial of degree 5 that is nearest to 2^f, relatively.
  static constexpr double coefficients[] = {0.0013521354, 0.009685471, 0.05550084,
                                            0.24021913,   0.69314724,  1.0000001};
  Value p = ops.splat(type, coefficients[0]);
  for (double c : llvm::drop_begin(coefficients))
    p = ops.fma(p, fraction, ops.splat(type, c));
  Value whole = arith::SubFOp::create(b, ops.loc, x, fraction);
  return ops.callIntrinsic("llvm.x86.avx512.mask.scalef.ps.512", type,
                           {p, whole, unused, allLanes, asTheModeSays});
}

Value X86Target::powerOfTwo(OpBuilder &b, Location loc, Value x) const {
  if (!isAVX512())
    return {};
  VectorOps ops(b, loc);
  int64_t width = ops.width(x), whole = llvm::alignTo(width, lanes());
  VectorType type = ops.type(whole, b.getF32Type());
  if (width != whole)
    x = ops.insert(x, ops.zero(type), 0);
  if (whole == lanes())
    return ops.slice(power(ops, x), 0, width);
  Value result = ops.zero(type);
  for (int64_t at = 0; at < whole; at += lanes())
    result = ops.insert(power(ops, ops.slice(x, at, lanes())), result, at);
  return ops.slice(result, 0, width);
}
