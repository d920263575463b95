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

/// Of a whole register, or of half a one: to cores that take it in two halves the
/// other one would be work.
static Value power(VectorOps &ops, Value x) {
  VectorType type = ops.typeOf(x);
  bool isWhole = type.getNumElements() == 16;
  OpBuilder &b = ops.b;
  auto word = [&](int64_t bits, int64_t value) -> Value {
    Type integer = b.getIntegerType(bits);
    return arith::ConstantOp::create(b, ops.loc, b.getIntegerAttr(integer, value));
  };
  auto call = [&](StringRef name, SmallVector<Value> operands) {
    Value asTheModeSays = word(32, 4);
    operands.append({ops.zero(type), word(type.getNumElements(), -1)});
    if (isWhole)
      operands.push_back(asTheModeSays);
    return ops.callIntrinsic(("llvm.x86.avx512.mask." + name + (isWhole ? ".512" : ".256")).str(),
                             type, operands);
  };
  Value fraction = call("reduce.ps", {x, /*to nearest*/ word(32, 0)});
  // The polynomial of degree 5 that is nearest to 2^f, relatively.
  static constexpr double coefficients[] = {0.0013521354, 0.009685471, 0.05550084,
                                            0.24021913,   0.69314724,  1.0000001};
  Value p = ops.splat(type, coefficients[0]);
  for (double c : llvm::drop_begin(coefficients))
    p = ops.fma(p, fraction, ops.splat(type, c));
  return call("scalef.ps", {p, arith::SubFOp::create(b, ops.loc, x, fraction)});
}

Value X86Target::powerOfTwo(OpBuilder &b, Location loc, Value x) const {
  if (!isAVX512())
    return {};
  VectorOps ops(b, loc);
  int64_t width = ops.width(x), half = lanes() / 2, whole = llvm::alignTo(width, half);
  VectorType type = ops.type(whole, b.getF32Type());
  if (width != whole)
    x = ops.insert(x, ops.zero(type), 0);
  Value result = ops.zero(type);
  for (int64_t at = 0, n; at < whole; at += n) {
    n = std::min(lanes(), whole - at);
    Value part = power(ops, ops.slice(x, at, n));
    result = whole == n ? part : ops.insert(part, result, at);
  }
  return ops.slice(result, 0, width);
}
