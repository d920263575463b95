//===- IntegerFunctions.cpp -----------------------------------------------===//
#include "IntegerFunctions.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace dyadic;

RankedTensorType dyadic::onePerRow(RankedTensorType type, int64_t axis) {
  SmallVector<int64_t> rows(type.getShape());
  rows[axis] = 1;
  return type.clone(rows);
}

Value dyadic::reduceRows(OpBuilder &b, Location loc, Value x, int64_t axis, Value initial,
                         qnn::ScalarBody combine) {
  auto type = cast<RankedTensorType>(x.getType());
  auto perRow = onePerRow(type.clone(initial.getType()), axis);
  return qnn::mapIndices(b, loc, perRow, [&](OpBuilder &b, Location loc, ValueRange row) {
    Value begin = qnn::indexConstant(b, loc, 0), step = qnn::indexConstant(b, loc, 1),
          end = qnn::indexConstant(b, loc, type.getDimSize(axis));
    auto loop = scf::ForOp::create(
        b, loc, begin, end, step, initial,
        [&](OpBuilder &b, Location loc, Value i, ValueRange accumulator) {
          SmallVector<Value> place(row);
          place[axis] = i;
          Value element = tensor::ExtractOp::create(b, loc, x, place);
          scf::YieldOp::create(b, loc, combine(b, loc, {element, accumulator[0]}));
        });
    return loop.getResult(0);
  });
}

Value dyadic::maxOfRows(OpBuilder &b, Location loc, Value x, int64_t axis, bool isUnsigned) {
  Value lowest = FixedPointBuilder{b, loc}.i32(INT32_MIN);
  return reduceRows(b, loc, x, axis, lowest,
                    [&](OpBuilder &b, Location loc, ValueRange s) {
                      FixedPointBuilder f{b, loc};
                      return f.make<arith::MaxSIOp>(f.extend(s[0], isUnsigned), s[1]);
                    });
}

Value dyadic::constantOf(OpBuilder &builder, Location loc, HostTensor integers) {
  auto element = builder.getIntegerType(8 * byteWidth(integers.kind));
  auto type = RankedTensorType::get(integers.shape, element);
  return qnn::ConstantOp::create(builder, loc, type, makeConstant(std::move(integers), type));
}

template <typename T>
static Value constantNumbers(OpBuilder &builder, Location loc, ArrayRef<T> numbers,
                             ArrayRef<int64_t> shape) {
  HostTensor tensor(elementKindOf<T>(), shape);
  llvm::copy(numbers, tensor.as<T>().begin());
  return dyadic::constantOf(builder, loc, std::move(tensor));
}

Value dyadic::constantOf(OpBuilder &builder, Location loc, ArrayRef<int32_t> numbers,
                         ArrayRef<int64_t> shape) {
  int64_t count = numbers.size();
  return constantNumbers(builder, loc, numbers, shape.empty() ? ArrayRef(count) : shape);
}

Value dyadic::constantOf(OpBuilder &builder, Location loc, ArrayRef<int64_t> numbers) {
  int64_t count = numbers.size();
  return constantNumbers(builder, loc, numbers, ArrayRef(count));
}

int64_t dyadic::fixedPoint(double factor, int64_t bits) {
  return static_cast<int64_t>(roundHalfEven(std::ldexp(factor, static_cast<int>(bits))));
}

int64_t dyadic::bitsFor(double factor, int64_t bits) {
  return factor == 0 ? 0 : bits - 1 - std::ilogb(factor);
}

Value dyadic::multiplyWide(FixedPointBuilder &f, Value x, Value y) {
  return f.mul(f.extend(x, false, 64), f.extend(y, false, 64));
}

Value dyadic::exponentialOfMinus(FixedPointBuilder &f, Value t) {
  // 2^−x = 1 − x·(c1 − x·(c2 − x·(c3 − x·c4))) in [0, 1], least greatest error, Q16.
  constexpr int64_t kCoefficients[] = {449, 3492, 15696};
  constexpr int64_t kFirst = 45421;
  Value x = f.make<arith::AndIOp>(t, f.i32(INT16_MAX));
  Value q = f.i32(kCoefficients[0]);
  for (int64_t next : {kCoefficients[1], kCoefficients[2], kFirst})
    q = f.sub(f.i32(next), f.shiftHalfUp(f.mul(x, q), 15));
  // The last product needs no rounding: it is Q31.
  Value fraction = f.sub(f.i32(1 << 30), f.shiftRight(f.mul(x, q), f.i32(1)));
  return f.shiftRight(fraction, f.shiftRight(t, f.i32(15)));
}

InverseRoot dyadic::inverseRoot(FixedPointBuilder &f, Value w) {
  auto c = [&](int64_t value) { return f.constant(value, w); };
  Value zeros = f.make<math::CountLeadingZerosOp>(w);
  Value even = f.make<arith::AndIOp>(f.sub(zeros, c(2)), c(~int64_t(1)));
  // a in [1/4, 1), Q30, and Newton's method for y = 1 / sqrt(a) from a line that errs by
  // at most 9 percent: y · (3 − a·y²) / 2.
  Value a = f.shiftRight(f.shiftLeft(w, even), c(32));
  Value y = f.sub(c(2287070085), f.shiftRight(f.mul(a, c(1304596316)), c(30)));
  for (int step = 0; step < 4; ++step) {
    Value square = f.shiftRight(f.mul(y, y), c(30));
    Value rest = f.sub(c(int64_t(3) << 30), f.shiftRight(f.mul(a, square), c(30)));
    y = f.shiftRight(f.mul(y, rest), c(31));
  }
  y = f.clamp(y, 1 << 30, INT32_MAX);
  return {f.truncate(y, 32), f.truncate(f.shiftRight(even, c(1)), 32)};
}
