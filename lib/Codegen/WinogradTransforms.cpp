//===- WinogradTransforms.cpp - F(4×4, 3×3) in integers -------------------===//
#include "WinogradTransforms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
/// Short names for what is done modulo 2^16 and 2^32.
class Vectors {
public:
  explicit Vectors(KernelBuilder &k) : k(k) {}

  Value plus(Value x, Value y) { return arith::AddIOp::create(k.b, k.loc, x, y); }
  Value minus(Value x, Value y) { return arith::SubIOp::create(k.b, k.loc, x, y); }
  Value shifted(Value x, int64_t bits) {
    return arith::ShLIOp::create(k.b, k.loc, x,
                                 k.splatInt(cast<VectorType>(x.getType()), bits));
  }

private:
  KernelBuilder &k;
};
} // namespace

SmallVector<Value> codegen::transformInput(KernelBuilder &k, ArrayRef<Value> d) {
  Vectors v(k);
  Value odd = v.minus(d[3], d[1]), even = v.minus(d[4], d[2]);
  if (d.size() < kPoints) {
    Value atOne = v.minus(odd, v.plus(d[1], d[2]));
    return {v.shifted(v.plus(v.shifted(v.minus(d[0], d[2]), 1), odd), 1),
            v.plus(v.shifted(atOne, 1), atOne),
            v.plus(v.minus(d[3], d[2]), v.shifted(v.minus(d[1], d[2]), 1)),
            v.shifted(odd, 2),
            v.minus(even, v.shifted(odd, 1))};
  }
  Value evenAtOne = v.minus(d[4], v.shifted(d[2], 2)),
        oddAtOne = v.minus(d[3], v.shifted(d[1], 2)), oddAtTwo = v.shifted(odd, 1);
  return {v.plus(v.shifted(v.minus(d[0], d[2]), 2), even),
          v.plus(evenAtOne, oddAtOne),
          v.minus(evenAtOne, oddAtOne),
          v.plus(even, oddAtTwo),
          v.minus(v.minus(d[5], d[3]), v.shifted(odd, 2)),
          v.minus(even, oddAtTwo)};
}

SmallVector<Value> codegen::transformFilter(KernelBuilder &k, ArrayRef<Value> g) {
  Vectors v(k);
  Value outer = v.plus(g[0], g[2]), far = v.plus(g[0], v.shifted(g[2], 2)),
        twice = v.shifted(g[1], 1);
  return {v.plus(v.shifted(g[0], 2), v.shifted(g[0], 1)),
          v.minus(k.splatInt(cast<VectorType>(outer.getType()), 0),
                v.shifted(v.plus(outer, g[1]), 2)),
          v.shifted(v.minus(g[1], outer), 2),
          v.plus(far, twice),
          v.shifted(g[2], 3),
          v.minus(far, twice)};
}

SmallVector<Value> codegen::transformOutput(KernelBuilder &k, ArrayRef<Value> m) {
  Vectors v(k);
  Value sum = v.plus(m[1], m[2]), difference = v.minus(m[1], m[2]),
        last = v.plus(m[4], v.shifted(m[4], 1));
  if (m.size() < kPoints)
    return {v.plus(v.plus(m[0], sum), m[3]), v.plus(difference, v.shifted(m[3], 1)),
            v.plus(v.plus(sum, v.shifted(m[3], 2)), last)};
  Value farSum = v.plus(m[3], m[5]), farDifference = v.minus(m[3], m[5]);
  return {v.plus(v.plus(m[0], sum), farSum),
          v.plus(difference, v.shifted(farDifference, 1)),
          v.plus(sum, v.shifted(farSum, 2)),
          v.plus(v.plus(difference, v.shifted(farDifference, 3)), last)};
}

Value codegen::divideMultiple(KernelBuilder &k, Value sums) {
  constexpr uint32_t kInverseOfNine = 0x38E38E39; // modulo 2^32
  constexpr int64_t kShift = 6;
  static_assert(9 * kInverseOfNine == 1u && kMultiple == 9 << kShift);
  auto type = cast<VectorType>(sums.getType());
  Value shifted = arith::MulIOp::create(k.b, k.loc, sums, k.splatInt(type, kInverseOfNine));
  return arith::ShRSIOp::create(k.b, k.loc, shifted, k.splatInt(type, kShift));
}
