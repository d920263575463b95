//===- DynamicQuantize.cpp - dyadic.dynamic_quantize ----------------------===//
//
// Two passes over each group while it is in the nearest cache: the ends of its
// range, then its bytes. Each operation on floats is rounded once, in the order of
// docs/Spec.md, so that all targets give the same bytes.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "Reduction.h"
#include "RowPieces.h"
#include "Trim.h"

#include "dyadic/Dialect/Dyadic/Dynamic.h"
#include "dyadic/Target/Requantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class DynamicQuantizeEmitter {
public:
  DynamicQuantizeEmitter(KernelBuilder &k, DynamicQuantizeOp op)
      : k(k), input(k.buffer(op.getInput())), f32(k.b.getF32Type()) {
    ArrayRef<int64_t> shape = tensorTypeOf(op.getInput()).getShape();
    groups = ShapedType::getNumElements(shape.take_front(op.getOuter()));
    extent = ShapedType::getNumElements(shape.drop_front(op.getOuter()));
    if (op.getOuter() == shape.size() - 1)
      groupLimit = limitOfRows(k, op.getInput());
    width = std::min<int64_t>(4 * k.target.lanes(), llvm::bit_floor(uint64_t(extent)));
    whole = extent - extent % width;
    rest = cutRow(extent - whole, width);
  }

  void emit() {
    k.parallelLoop(groups, [&](Value group) {
      ifBelow(k, group, groupLimit, [&] { emitGroup(group, k.mul(group, extent)); });
    });
  }

private:
  struct Parameters {
    Value inverse, low, high; // f32: what x is multiplied by, and then clamped to
    Value zeroPoint;          // i32
  };

  Value load(Value base, Value at, int64_t n) {
    return k.loadVector(input, k.add(base, at), n);
  }
  /// The greater one of x and y, or the less; y where x is no number.
  Value choose(arith::CmpFPredicate predicate, Value x, Value y) {
    Value holds = arith::CmpFOp::create(k.b, k.loc, predicate, x, y);
    return arith::SelectOp::create(k.b, k.loc, holds, x, y);
  }
  Value least(Value x, Value y) { return choose(arith::CmpFPredicate::OLT, x, y); }
  Value greatest(Value x, Value y) { return choose(arith::CmpFPredicate::OGT, x, y); }

  /// min(x, 0) and max(x, 0) over the group, as vectors of one lane.
  std::pair<Value, Value> emitRange(Value base) {
    auto zeros = [&](int64_t n) { return k.splat(k.vectorType(n, f32), 0); };
    KernelBuilder::Carried ends = k.loop(
        whole / width, {zeros(width), zeros(width)}, [&](Value i, ValueRange acc) {
          Value x = load(base, k.mul(i, width), width);
          return KernelBuilder::Carried{least(x, acc[0]), greatest(x, acc[1])};
        });
    SmallVector<Value> lows{ends[0]}, highs{ends[1]};
    for (RowPiece piece : rest) {
      Value x = load(base, k.index(whole + piece.at), piece.width);
      lows.push_back(least(x, zeros(piece.width)));
      highs.push_back(greatest(x, zeros(piece.width)));
    }
    return {combineLanes(k, lows, [&](Value x, Value y) { return least(x, y); }),
            combineLanes(k, highs, [&](Value x, Value y) { return greatest(x, y); })};
  }

  /// Stores the parameters of a group, which chooseDynamicParams defines, and
  /// returns those of its elements.
  Parameters emitParameters(Value group, Value low, Value high) {
    OpBuilder &b = k.b;
    auto one = k.vectorType(1, f32);
    Value steps = k.splat(one, 255), zero = k.splat(one, 0);
    Value range = arith::SubFOp::create(b, k.loc, high, low);
    Value isTiny = arith::CmpFOp::create(b, k.loc, arith::CmpFPredicate::OLT, range,
                                         k.splat(one, 0x1p-100));
    range = arith::SelectOp::create(b, k.loc, isTiny, steps, range);
    Value scale = arith::DivFOp::create(b, k.loc, range, steps);
    Value inverse = arith::DivFOp::create(b, k.loc, steps, range);
    // The zero point as a float, which is exact: rounded by the magic number.
    Value below = arith::SubFOp::create(b, k.loc, zero, low);
    Value real = arith::MulFOp::create(b, k.loc, below, inverse);
    Value magic = k.splat(one, kMagic);
    Value sum = arith::AddFOp::create(b, k.loc, clampFloat(b, k.loc, real, 0, 255), magic);
    Value zeroPoint = readMagic(b, k.loc, sum, 0);
    Value rounded = arith::SubFOp::create(b, k.loc, sum, magic);
    k.storeVector(scale, k.output(1), group);
    k.storeVector(zeroPoint, k.output(2), group);
    return {inverse, arith::SubFOp::create(b, k.loc, zero, rounded),
            arith::SubFOp::create(b, k.loc, steps, rounded), zeroPoint};
  }

  void emitBytes(Value base, Value at, int64_t n, const Parameters &p) {
    OpBuilder &b = k.b;
    Value x = arith::MulFOp::create(b, k.loc, load(base, at, n),
                                    spreadLane(k, p.inverse, n));
    x = greatest(x, spreadLane(k, p.low, n)); // the lower end for NaN
    x = least(x, spreadLane(k, p.high, n));
    Value sum = arith::AddFOp::create(b, k.loc, x,
                                      k.splat(k.vectorType(n, f32), kMagic));
    Value q = arith::AddIOp::create(b, k.loc, readMagic(b, k.loc, sum, 0),
                                    spreadLane(k, p.zeroPoint, n));
    k.storeVector(k.truncate(q, k.b.getI8Type()), k.output(0), k.add(base, at));
  }

  void emitGroup(Value group, Value base) {
    auto [low, high] = emitRange(base);
    Parameters p = emitParameters(group, low, high);
    k.loop(whole, width, [&](Value at) { emitBytes(base, at, width, p); });
    for (RowPiece piece : rest)
      emitBytes(base, k.index(whole + piece.at), piece.width, p);
  }

  KernelBuilder &k;
  Value input, groupLimit;
  Type f32;
  int64_t groups, extent, width, whole;
  RowPieces rest;
};
} // namespace

LogicalResult codegen::emitDynamicQuantize(KernelBuilder &k, Operation *anchor) {
  auto op = cast<DynamicQuantizeOp>(anchor);
  if (op.getInput().getDefiningOp())
    return op.emitError("expected an operand that is in memory, but got one made in "
                        "the same kernel");
  DynamicQuantizeEmitter(k, op).emit();
  return success();
}
