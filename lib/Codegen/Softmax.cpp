//===- Softmax.cpp --------------------------------------------------------===//
//
// A row that fits half of the registers is loaded once and stays there: maximum,
// exponentials, sum, result. Of a longer one the exponentials are in memory until
// the sum is known: in the result's where nothing is fused behind, or in scratch.
// Where the result is quantized, its scale is in what they are multiplied by then.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "Exponential.h"
#include "Normalization.h"
#include "Reduction.h"
#include "RowPieces.h"
#include "Trim.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
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
    if (QuantizeOp quantize = sink.quantizeOfAnchor()) {
      scale = quantize.getInverseScale().convertToFloat();
      zeroPoint = static_cast<int32_t>(quantize.getZeroPoint());
      // A hundredth for roundings.
      sink.takeScaled(1.01 * scale + std::abs(zeroPoint));
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
  Value scaled(Value exponential, Value factor) {
    if (zeroPoint == 0)
      return arith::MulFOp::create(k.b, k.loc, exponential, factor);
    return math::FmaOp::create(k.b, k.loc, exponential, factor,
                               k.splat(cast<VectorType>(factor.getType()), zeroPoint));
  }
  Value exponential(Value x, Value max) {
    return emitExpOfNegative(k, arith::SubFOp::create(k.b, k.loc, x, max));
  }
  Value lowest(int64_t n) {
    return k.splat(k.vectorType(n, f32), -std::numeric_limits<float>::infinity());
  }
  Value spread(Value one, int64_t n) { return spreadLane(k, one, n); }
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

  Value maximumOf(ArrayRef<Value> row) {
    return combineLanes(k, row, [&](Value a, Value b) { return maximum(a, b); });
  }
  Value sumOf(ArrayRef<Value> row) {
    return combineLanes(k, row, [&](Value a, Value b) { return sum(a, b); });
  }

  void emitRows() {
    RowPieces pieces = cutRow(extent, lanes);
    bool fits = int64_t(pieces.size()) <= k.target.vectorRegisters() / 2;
    if (fits) {
      int64_t atOnce = std::clamp<int64_t>(
          k.target.vectorRegisters() / 2 / int64_t(pieces.size()), 1, 4);
      if (rows != outer && rows % atOnce) // some go over the end of a matrix
        rowLimit = {};
      return k.parallelPieces(outer, atOnce, [&](Value o, int64_t count) {
        ifBelow(k, rowOf(o), rowLimit, [&] {
          emitShortRows(k.mul(o, extent), count, pieces);
        });
      });
    }
    // Exponentials of a long row wait in memory.
    bool inPlace = sink.isDirect() && sink.canFlatten();
    Value waiting = inPlace ? k.output(0) : k.scratch(extent * 4, f32);
    k.parallelLoop(outer, [&](Value o) {
      ifBelow(k, rowOf(o), rowLimit, [&] {
        Value base = k.mul(o, extent);
        emitLongRow(base, waiting, inPlace ? base : k.index(0));
      });
    });
  }

  /// `count` neighbouring rows: while one waits for its maximum or its sum, the
  /// others' exponentials are computed.
  void emitShortRows(Value first, int64_t count, ArrayRef<RowPiece> pieces) {
    SmallVector<SmallVector<Value>> rows;
    SmallVector<Value> bases, maxima, factors;
    for (int64_t i = 0; i < count; ++i) {
      bases.push_back(k.add(first, i * extent));
      rows.push_back(loadRow(k, input, bases.back(), pieces));
      maxima.push_back(maximumOf(rows.back()));
    }
    for (auto [x, max] : llvm::zip(rows, maxima)) {
      for (auto [value, piece] : llvm::zip(x, pieces))
        value = exponential(value, spread(max, piece.width));
      factors.push_back(factorOf(sumOf(x)));
    }
    for (auto [x, base, factor] : llvm::zip(rows, bases, factors)) {
      for (auto [value, piece] : llvm::zip(x, pieces))
        value = scaled(value, spread(factor, piece.width));
      emitRow(k, sink, base, pieces, x);
    }
  }

  void emitLongRow(Value base, Value waiting, Value start) {
    int64_t width = std::min<int64_t>(4 * lanes, llvm::bit_floor(uint64_t(extent)));
    int64_t tail = extent % width, whole = extent - tail;
    RowPieces rest = cutRow(tail, width);
    auto restAt = [&](RowPiece piece) { return k.index(whole + piece.at); };

    SmallVector<Value> maxima = k.loop(
        whole / width, {lowest(width)}, [&](Value i, ValueRange acc) {
          Value x = load(k.add(base, k.mul(i, width)), width);
          return KernelBuilder::Carried{maximum(x, acc[0])};
        });
    for (RowPiece piece : rest)
      maxima.push_back(load(k.add(base, restAt(piece)), piece.width));
    Value max = maximumOf(maxima);

    auto store = [&](Value at, int64_t n) {
      Value e = exponential(load(k.add(base, at), n), spread(max, n));
      k.storeVector(e, waiting, k.add(start, at));
      return e;
    };
    auto type = k.vectorType(width, f32);
    SmallVector<Value> sums{emitSum(k, whole / width, type, [&](Value i, Value s) {
      return sum(s, store(k.mul(i, width), width));
    })};
    for (RowPiece piece : rest)
      sums.push_back(store(restAt(piece), piece.width));
    Value factor = factorOf(sumOf(sums));

    auto finish = [&](Value at, int64_t n) {
      Value e = k.loadVector(waiting, k.add(start, at), n);
      sink.emit({k.add(base, at), at, n}, scaled(e, spread(factor, n)));
    };
    k.loop(whole, width, [&](Value at) { finish(at, width); });
    for (RowPiece piece : rest)
      finish(restAt(piece), piece.width);
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
  /// What a row adds up to: 1, or that in steps of the bytes that it becomes.
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
