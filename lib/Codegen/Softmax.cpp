//===- Softmax.cpp --------------------------------------------------------===//
//
// Neighbouring rows at once (RowGroup.h), in three passes: maximum, exponentials, result.
// Along another axis, lanes are neighbouring rows. Where the result is quantized, its scale
// is in what exponentials are multiplied by.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "Exponential.h"
#include "Normalization.h"
#include "Reduction.h"
#include "RowGroup.h"
#include "Trim.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class SoftmaxEmitter {
public:
  SoftmaxEmitter(KernelBuilder &k, ResultSink &sink, qnn::SoftmaxOp op)
      : k(k), sink(sink), input(k.buffer(op.getInput())), f32(k.b.getF32Type()),
        lanes(k.target.lanes()) {
    ArrayRef<int64_t> shape = tensorTypeOf(op.getInput()).getShape();
    int64_t axis = op.getAxis();
    extent = shape[axis];
    inner = ShapedType::getNumElements(shape.drop_front(axis + 1));
    outer = ShapedType::getNumElements(shape.take_front(axis));
    row = sink.canFlatten() ? inner : std::min(inner, sink.rowExtent());
    if (axis > 0 && inner == 1 && k.isDynamic(op.getInput(), axis - 1)) {
      rowLimit = k.extent(op.getInput(), axis - 1);
      rows = shape[axis - 1];
    }
    if (AnchorQuantize quantize = sink.quantizeOfAnchor();
        quantize.isOnly && quantize.factors.empty()) {
      isScaled = true;
      scale = quantize.op.getInverseScale().convertToFloat();
      zeroPoint = static_cast<int32_t>(quantize.op.getZeroPoint());
      // A hundredth for roundings.
      sink.takeScaled(quantize.op, 1.01 * scale + std::abs(zeroPoint));
    }
  }

  void emit() {
    if (inner == 1)
      return emitRows();
    // Lanes are neighbouring rows along the axis.
    k.forPieces({outer, inner / row}, row, 2 * lanes,
                [&](ValueRange at, Value start, int64_t n) {
                  Value first = k.add(k.mul(at[0], extent * inner),
                                      k.mul(at[1], row));
                  emitColumns(k.add(first, start), n);
                });
  }

private:
  Value load(Value at, int64_t n) { return k.loadVector(input, at, n); }

  /// One instruction where arith.maxnumf is three; a NaN in `a` gives way to b.
  Value maximum(Value a, Value b) {
    Value greater =
        arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OGT, a, b);
    return arith::SelectOp::create(k.b, k.loc, greater, a, b);
  }
  Value sum(Value a, Value b) { return emitAdd(k, a, b); }
  AnchorVectors scaled(Value exponential, Value factor) {
    if (!isScaled)
      return AnchorVectors(arith::MulFOp::create(k.b, k.loc, exponential, factor));
    if (zeroPoint == 0)
      return {{}, arith::MulFOp::create(k.b, k.loc, exponential, factor)};
    return {{}, math::FmaOp::create(k.b, k.loc, exponential, factor,
                                    k.splat(cast<VectorType>(factor.getType()), zeroPoint))};
  }
  Value exponential(Value x, Value max) { return emitExp(k, x, max); }
  Value lowest(int64_t n) {
    return k.splat(k.vectorType(n, f32), -std::numeric_limits<float>::infinity());
  }
  /// What exponentials of this sum are multiplied by.
  Value factorOf(Value sum) {
    return arith::DivFOp::create(k.b, k.loc, k.splat(cast<VectorType>(sum.getType()), scale),
                                 sum);
  }

  //===--- Rows ------------------------------------------------------------===//

  /// The row of its matrix that row `o` of all is.
  Value rowOf(Value o) {
    if (!rowLimit || rows == outer)
      return o;
    return arith::RemUIOp::create(k.b, k.loc, o, k.index(rows));
  }

  /// Exponentials wait in memory for their sum: scratch that the first cache holds; those of
  /// a row that it doesn't, where the result is, unless something is fused behind.
  void emitRows() {
    constexpr int64_t waitingBytes = 16 * 1024;
    int64_t atOnce = std::min<int64_t>(
        RowGroup::rowsAtOnce(k.target, extent),
        llvm::bit_floor(uint64_t(std::max<int64_t>(waitingBytes / (4 * extent), 1))));
    if (rowLimit && rows != outer) { // none may go over the end of a matrix
      while (atOnce > 4 && rows % atOnce)
        atOnce /= 2;
      if (rows % atOnce)
        rowLimit = {};
    }
    bool inPlace = 4 * extent > waitingBytes && sink.isDirect() && sink.canFlatten();
    Value waiting = inPlace ? k.output(0) : k.scratch(atOnce * extent * 4, f32);
    k.parallelPieces(outer, atOnce, [&](Value o, int64_t count) {
      ifBelow(k, rowOf(o), rowLimit, [&] {
        Value first = k.mul(o, extent);
        emitRows(first, count, waiting, inPlace ? first : k.index(0));
      });
    });
  }

  void emitRows(Value first, int64_t count, Value waiting, Value start) {
    auto groups = RowGroup::split(k, first, count, extent);
    SmallVector<Value> maxima, factors;
    for (RowGroup &group : groups)
      maxima.push_back(group.reduce(-std::numeric_limits<float>::infinity(),
                                    [&](Value a, Value b) { return maximum(a, b); },
                                    [&](int64_t row, Value at, int64_t n, Value max) {
                                      Value x = load(group.element(row, at), n);
                                      return max ? maximum(x, max) : x;
                                    }));
    for (auto [group, max] : llvm::zip(groups, maxima))
      factors.push_back(factorOf(group.reduce(
          0, [&](Value a, Value b) { return sum(a, b); },
          [&, &group = group, max = max](int64_t row, Value at, int64_t n, Value total) {
            Value e = exponential(load(group.element(row, at), n),
                                  group.spread(max, row, n));
            k.storeVector(e, waiting, k.add(start, group.offset(row, at)));
            // The next rows: finding their maxima is nothing but loads.
            if (count > 1 && n == lanes)
              memref::PrefetchOp::create(k.b, k.loc, input,
                                         k.add(group.element(row, at), count * extent),
                                         /*isWrite=*/false, /*localityHint=*/3,
                                         /*isDataCache=*/true);
            return total ? sum(total, e) : e;
          })));
    for (auto [group, factor] : llvm::zip(groups, factors)) {
      if (!sink.isDirect() && sink.canFlatten() && group.isBetterFlat()) {
        group.emitFlat(sink, factor, [&, &group = group](Value factor, int64_t at, int64_t n) {
          Value e = k.loadVector(waiting, k.add(start, group.offset(0, k.index(at))), n);
          return scaled(e, factor);
        });
        continue;
      }
      group.emit(sink, [&, &group = group, factor = factor](int64_t row, Value at, int64_t n) {
        Value e = k.loadVector(waiting, k.add(start, group.offset(row, at)), n);
        return scaled(e, group.spread(factor, row, n));
      });
    }
  }

  //===--- Columns ---------------------------------------------------------===//

  /// Without fused ops the result's memory holds the exponentials of the sum
  /// until they are scaled; otherwise they are computed twice.
  void emitColumns(Value start, int64_t n) {
    auto at = [&](Value i) { return k.add(start, k.mul(i, inner)); };
    Value max = k.loop(extent, {lowest(n)}, [&](Value i, ValueRange acc) {
      return KernelBuilder::Carried{maximum(load(at(i), n), acc[0])};
    })[0];
    auto type = k.vectorType(n, f32);
    Value total = emitSum(k, extent, type, [&](Value i, Value acc) {
      Value e = exponential(load(at(i), n), max);
      if (sink.isDirect())
        k.storeVector(e, k.output(0), at(i));
      return sum(acc, e);
    });
    Value factor = factorOf(total);
    k.loop(extent, [&](Value i) {
      Value e = sink.isDirect() ? k.loadVector(k.output(0), at(i), n)
                                : exponential(load(at(i), n), max);
      sink.emitAt(at(i), scaled(e, factor));
    });
  }

  KernelBuilder &k;
  ResultSink &sink;
  Value input;
  Type f32;
  int64_t lanes, outer, extent, inner, row;
  /// Where the number of rows of a matrix varies: it, and the longest's.
  Value rowLimit;
  int64_t rows = 1;
  /// Nothing but bytes is made of the result.
  bool isScaled = false;
  /// What a row adds up to: 1, or that in steps of those.
  float scale = 1, zeroPoint = 0;
};
} // namespace

void codegen::emitSoftmaxLoops(KernelBuilder &k, ResultSink &sink,
                               qnn::SoftmaxOp op) {
  SoftmaxEmitter(k, sink, op).emit();
}

LogicalResult codegen::emitSoftmax(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  emitSoftmaxLoops(k, *sink, cast<qnn::SoftmaxOp>(anchor));
  return success();
}
