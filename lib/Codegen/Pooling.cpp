//===- Pooling.cpp - folds over windows of images -------------------------===//
//
// Lanes are channels. Maxima of bytes stay bytes, so that one register holds a
// block of them; sums are i32 or f32 lanes.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "ResultSink.h"
#include "Trim.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
struct Window {
  Value input;
  ArrayRef<int64_t> inputShape, outputShape, kernel, strides;
  int64_t top = 0, left = 0;
  Value columnLimit; // of the result; null: all

  template <typename Op> static Window read(KernelBuilder &k, Op op) {
    return {op.getInput(),
            tensorTypeOf(op.getInput()).getShape(),
            tensorTypeOf(op.getOutput()).getShape(),
            op.getKernel(),
            op.getStrides(),
            0,
            0,
            limitOf(k, op.getOutput(), 2)};
  }
};

class PoolEmitter {
public:
  PoolEmitter(KernelBuilder &k, ResultSink &sink, const Window &window)
      : k(k), sink(sink), window(window), input(k.buffer(window.input)),
        element(tensorTypeOf(window.input).getElementType()),
        channels(window.inputShape[3]) {
    auto strides = k.strides(window.input);
    imageStride = strides[0];
    rowStride = strides[1];
    pixelStride = strides[2];
  }

  /// The result is in the input's type.
  void emitMaximum() {
    forBlocks([&](Value first, const Position &at) {
      Value result = foldWindow(
          load(first, at.width), first, window.kernel,
          [&](Value acc, Value x) { return maximum(acc, load(x, at.width)); });
      sink.emit(at, result);
    });
  }

  /// Σ (x − zeroPoint) in i32.
  void emitSum(int64_t zeroPoint) {
    int64_t count = window.kernel[0] * window.kernel[1];
    forBlocks([&](Value first, const Position &at) {
      auto type = k.vectorType(at.width, k.b.getI32Type());
      Value sum = foldWindow(k.splatInt(type, -zeroPoint * count), first,
                             window.kernel, addElement(at.width));
      sink.emit(at, sum);
    });
  }

  /// Float means over windows inside the image.
  void emitMean() {
    float factor = 1.0f / (window.kernel[0] * window.kernel[1]);
    forBlocks([&](Value first, const Position &at) {
      auto type = k.vectorType(at.width, k.b.getF32Type());
      Value sum =
          foldWindow(k.splat(type, 0), first, window.kernel, addElement(at.width));
      Value mean = arith::MulFOp::create(k.b, k.loc, sum, k.splat(type, factor));
      sink.emit(at, mean);
    });
  }

  /// Float means over the part of each window that lies inside the image.
  void emitPaddedMean(bool countAll) {
    forPieces([&](const Piece &piece) {
      Range rows = inside(piece.y, 0, window.top),
            columns = inside(piece.x, 1, window.left);
      Value count = k.index(window.kernel[0] * window.kernel[1]);
      if (!countAll)
        count = arith::MulIOp::create(k.b, k.loc, size(rows), size(columns));
      Type f32 = k.b.getF32Type();
      Value whole = arith::IndexCastOp::create(k.b, k.loc, k.b.getI32Type(), count);
      Value divisor = arith::SIToFPOp::create(k.b, k.loc, f32, whole);
      auto type = k.vectorType(piece.width, f32);
      Value sum = forRange(rows, k.splat(type, 0), [&](Value row, Value sum) {
        Value start =
            k.add(k.add(piece.image, k.mul(row, rowStride)), piece.channel);
        return forRange(columns, sum, [&](Value column, Value sum) -> Value {
          Value x = load(k.add(start, k.mul(column, pixelStride)), piece.width);
          return arith::AddFOp::create(k.b, k.loc, sum, x);
        });
      });
      Value divisors = vector::BroadcastOp::create(k.b, k.loc, type, divisor);
      Value mean = arith::DivFOp::create(k.b, k.loc, sum, divisors);
      sink.emit(piece.position(), mean);
    });
  }

private:
  /// Above this many positions a window is a loop over its rows.
  static constexpr int64_t kMaxUnrolled = 32;

  using Combine = llvm::function_ref<Value(Value acc, Value at)>;
  struct Range {
    Value begin, end;
  };

  Value load(Value at, int64_t width) { return k.loadVector(input, at, width); }

  /// A block of channels of one window: its image's first element, the window's
  /// row and column in the result, and where the block is there.
  struct Piece {
    Value image, y, x, channel, flat;
    int64_t width;
    SmallVector<Coordinate, 4> coordinates;

    Position position() const {
      return {flat, channel, width, 1, 0, coordinates};
    }
  };

  void forPieces(llvm::function_ref<void(const Piece &)> body) {
    int64_t rows = window.outputShape[1], columns = window.outputShape[2];
    k.forPieces({window.outputShape[0], rows, columns}, channels,
                sink.width(element),
                [&](ValueRange at, Value channel, int64_t width) {
                  Value image = k.mul(at[0], imageStride);
                  Value pixel = k.add(
                      k.mul(k.add(k.mul(at[0], rows), at[1]), columns), at[2]);
                  Value flat = k.add(k.mul(pixel, channels), channel);
                  ifBelow(k, at[2], window.columnLimit, [&] {
                    body({image, at[1], at[2], channel, flat, width,
                          {{at[0], window.outputShape[0]}, {at[1], rows},
                           {at[2], columns}, {channel, channels}}});
                  });
                });
  }

  /// Calls `body` with the first element of a block of channels of each window
  /// and with the block's place in the result.
  void forBlocks(llvm::function_ref<void(Value, const Position &)> body) {
    forPieces([&](const Piece &piece) {
      Value corner =
          k.add(k.add(piece.image, k.mul(piece.y, window.strides[0] * rowStride)),
                k.mul(piece.x, window.strides[1] * pixelStride));
      body(k.add(corner, piece.channel), piece.position());
    });
  }

  Value foldWindow(Value initial, Value first, ArrayRef<int64_t> kernel,
                   Combine combine) {
    auto foldRow = [&](Value acc, Value start) {
      for (int64_t j = 0; j < kernel[1]; ++j)
        acc = combine(acc, k.add(start, j * pixelStride));
      return acc;
    };
    if (kernel[0] * kernel[1] > kMaxUnrolled) {
      auto folded = k.loop(kernel[0], {initial}, [&](Value i, ValueRange acc) {
        return KernelBuilder::Carried{
            foldRow(acc[0], k.add(first, k.mul(i, rowStride)))};
      });
      return folded[0];
    }
    for (int64_t i = 0; i < kernel[0]; ++i)
      initial = foldRow(initial, k.add(first, i * rowStride));
    return initial;
  }

  Value maximum(Value a, Value b) {
    if (element.isF32()) {
      // One instruction; like the interpreter's, it keeps `a` when unordered.
      Value greater = arith::CmpFOp::create(k.b, k.loc,
                                            arith::CmpFPredicate::OGT, b, a);
      return arith::SelectOp::create(k.b, k.loc, greater, b, a);
    }
    if (element.isUnsignedInteger())
      return arith::MaxUIOp::create(k.b, k.loc, a, b);
    return arith::MaxSIOp::create(k.b, k.loc, a, b);
  }

  std::function<Value(Value, Value)> addElement(int64_t width) {
    return [this, width](Value acc, Value at) -> Value {
      Value x = k.extend(load(at, width), element);
      if (element.isF32())
        return arith::AddFOp::create(k.b, k.loc, acc, x);
      return arith::AddIOp::create(k.b, k.loc, acc, x);
    };
  }

  //===--- Windows over the border -----------------------------------------===//

  /// The rows (dim 0) or columns (1) of the image under the window at `i`.
  Range inside(Value i, unsigned dim, int64_t pad) {
    Value begin = arith::SubIOp::create(
        k.b, k.loc, k.mul(i, window.strides[dim]), k.index(pad));
    Value end = k.add(begin, window.kernel[dim]);
    return {arith::MaxSIOp::create(k.b, k.loc, begin, k.index(0)),
            arith::MinSIOp::create(k.b, k.loc, end,
                                   k.index(window.inputShape[1 + dim]))};
  }

  Value size(Range range) {
    // The padding may be wider than the window: then nothing is inside.
    Value count = arith::SubIOp::create(k.b, k.loc, range.end, range.begin);
    return arith::MaxSIOp::create(k.b, k.loc, count, k.index(1));
  }

  Value forRange(Range range, Value initial,
                 llvm::function_ref<Value(Value, Value)> body) {
    auto loop = scf::ForOp::create(k.b, k.loc, range.begin, range.end,
                                   k.index(1), initial);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
    scf::YieldOp::create(k.b, k.loc, next);
    return loop.getResult(0);
  }

  KernelBuilder &k;
  ResultSink &sink;
  const Window &window;
  Value input;
  Type element;
  int64_t channels;
  /// Of the input in memory.
  int64_t imageStride, rowStride, pixelStride;
};
} // namespace

static bool hasPads(ArrayRef<int64_t> pads) {
  return llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
}

LogicalResult codegen::emitPool2D(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  if (auto op = dyn_cast<dyadic::MaxPool2DOp>(anchor)) {
    PoolEmitter(k, *sink, Window::read(k, op)).emitMaximum();
  } else if (auto op = dyn_cast<dyadic::SumPool2DOp>(anchor)) {
    PoolEmitter(k, *sink, Window::read(k, op))
        .emitSum(static_cast<int32_t>(op.getInputZp()));
  } else if (auto op = dyn_cast<qnn::MaxPool2DOp>(anchor)) {
    if (hasPads(op.getPads()))
      return op.emitError("expected no padding: run "
                          "--dyadic-materialize-padding first");
    PoolEmitter(k, *sink, Window::read(k, op)).emitMaximum();
  } else {
    auto mean = cast<qnn::AvgPool2DOp>(anchor);
    Window window = Window::read(k, mean);
    window.top = mean.getPads()[0];
    window.left = mean.getPads()[1];
    PoolEmitter emitter(k, *sink, window);
    if (hasPads(mean.getPads()))
      emitter.emitPaddedMean(mean.getCountIncludePad());
    else
      emitter.emitMean();
  }
  return success();
}
