//===- Movement.cpp - transpose, concat, slice, pad, resize ---------------===//
//
// The same loops for both dialects: what moves is storage values or floats.
//
//===----------------------------------------------------------------------===//
#include "Emitters.h"
#include "StridedCopy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static ArrayRef<int64_t> shapeOf(Value value) {
  return tensorTypeOf(value).getShape();
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

static void copyBox(KernelBuilder &k, ResultSink &sink, Value input,
                    ArrayRef<int64_t> extents, ArrayRef<int64_t> inputStrides,
                    ArrayRef<int64_t> outputStrides, int64_t inputOffset,
                    int64_t outputOffset) {
  StridedCopy copy;
  copy.input = k.buffer(input);
  copy.inputOffset = inputOffset;
  copy.outputOffset = outputOffset;
  for (auto [extent, in, out] : llvm::zip_equal(extents, inputStrides, outputStrides))
    copy.loops.push_back({extent, in, out});
  emitCopy(k, sink, std::move(copy));
}

template <typename Op>
static void emit(KernelBuilder &k, ResultSink &sink, Op op,
                 ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> from = stridesOf(shapeOf(op.getInput())), strides;
  for (int64_t dim : permutation)
    strides.push_back(from[dim]);
  ArrayRef<int64_t> shape = shapeOf(op.getOutput());
  copyBox(k, sink, op.getInput(), shape, strides, stridesOf(shape), 0, 0);
}
static void emit(KernelBuilder &k, ResultSink &sink, dyadic::TransposeOp op) {
  emit(k, sink, op, op.getPermutation());
}
static void emit(KernelBuilder &k, ResultSink &sink, qnn::TransposeOp op) {
  emit(k, sink, op, op.getPermutation());
}

static void emitConcat(KernelBuilder &k, ResultSink &sink, ValueRange inputs,
                       int64_t axis, ArrayRef<int64_t> outputShape) {
  SmallVector<int64_t> outputStrides = stridesOf(outputShape);
  int64_t offset = 0;
  for (Value input : inputs) {
    ArrayRef<int64_t> shape = shapeOf(input);
    copyBox(k, sink, input, shape, stridesOf(shape), outputStrides, 0, offset);
    offset += shape[axis] * outputStrides[axis];
  }
}
static void emit(KernelBuilder &k, ResultSink &sink, dyadic::ConcatOp op) {
  emitConcat(k, sink, op.getInputs(), op.getAxis(), shapeOf(op.getOutput()));
}
static void emit(KernelBuilder &k, ResultSink &sink, qnn::ConcatOp op) {
  emitConcat(k, sink, op.getInputs(), op.getAxis(), shapeOf(op.getOutput()));
}

template <typename Op>
static void emitSlice(KernelBuilder &k, ResultSink &sink, Op op) {
  SmallVector<int64_t> strides = stridesOf(shapeOf(op.getInput()));
  int64_t offset = 0;
  for (auto [i, stride] : llvm::enumerate(strides)) {
    offset += op.getOffsets()[i] * stride;
    stride *= op.getStrides()[i];
  }
  copyBox(k, sink, op.getInput(), op.getSizes(), strides,
          stridesOf(op.getSizes()), offset, 0);
}
static void emit(KernelBuilder &k, ResultSink &sink, dyadic::SliceOp op) {
  emitSlice(k, sink, op);
}
static void emit(KernelBuilder &k, ResultSink &sink, qnn::SliceOp op) {
  emitSlice(k, sink, op);
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

namespace {
/// Writes the result front to back: the border before a row, the row, the
/// border behind it, where a "row" is what the inner dimensions make up.
class PadEmitter {
public:
  PadEmitter(KernelBuilder &k, ResultSink &sink, Value input, Value output,
             ArrayRef<int64_t> low, ArrayRef<int64_t> high)
      : k(k), sink(sink), input(k.buffer(input)), shape(shapeOf(input)),
        low(low), high(high), inputStrides(stridesOf(shape)),
        outputStrides(stridesOf(shapeOf(output))),
        element(cast<MemRefType>(this->input.getType()).getElementType()) {
    while (inner > 0 && low[inner - 1] == 0 && high[inner - 1] == 0)
      --inner;
  }

  void emit(Attribute value) {
    fill = value;
    emitLevel(0, k.index(0), k.index(0));
  }

private:
  /// The part of the result that belongs to one index of all dimensions before
  /// `level`.
  void emitLevel(size_t level, Value in, Value out) {
    if (level == inner) // no border at all
      return copyRun(ShapedType::getNumElements(shape), 0, in, out);
    int64_t extent = shape[level], step = outputStrides[level];
    bool isLast = level + 1 == shape.size();
    fillRun(low[level] * step, 0, out);
    Value start = k.add(out, low[level] * step);
    // Between the innermost borders lies one run.
    if (level + 1 == inner)
      copyRun(extent * inputStrides[level], isLast ? low[level] : 0, in, start);
    else
      k.loop(extent, [&](Value i) {
        emitLevel(level + 1, k.add(in, k.mul(i, inputStrides[level])),
                  k.add(start, k.mul(i, step)));
      });
    fillRun(high[level] * step, isLast ? low[level] + extent : 0,
            k.add(start, extent * step));
  }

  void copyRun(int64_t count, int64_t channel, Value in, Value out) {
    emitRun(
        k, sink, count, channel, out,
        [&](Value at, int64_t width) {
          return k.loadVector(input, k.add(in, at), width);
        },
        element);
  }

  void fillRun(int64_t count, int64_t channel, Value out) {
    emitRun(
        k, sink, count, channel, out,
        [&](Value, int64_t width) -> Value {
          auto type = k.vectorType(width, element);
          return arith::ConstantOp::create(k.b, k.loc,
                                           DenseElementsAttr::get(type, fill));
        },
        element);
  }

  KernelBuilder &k;
  ResultSink &sink;
  Value input;
  ArrayRef<int64_t> shape, low, high;
  SmallVector<int64_t> inputStrides, outputStrides;
  Type element;
  Attribute fill;
  /// Dimensions from here on have no border.
  size_t inner = shape.size();
};
} // namespace

static void emit(KernelBuilder &k, ResultSink &sink, dyadic::PadOp op) {
  auto memory = memoryElementType(op.getInput().getType().getElementType());
  APInt value(32, static_cast<uint32_t>(op.getValue()));
  PadEmitter(k, sink, op.getInput(), op.getOutput(), op.getLow(), op.getHigh())
      .emit(IntegerAttr::get(memory, value.trunc(memory.getIntOrFloatBitWidth())));
}
static void emit(KernelBuilder &k, ResultSink &sink, qnn::PadOp op) {
  PadEmitter(k, sink, op.getInput(), op.getOutput(), op.getLow(), op.getHigh())
      .emit(op.getValueAttr());
}

//===----------------------------------------------------------------------===//
// Resize
//===----------------------------------------------------------------------===//

template <typename Op>
static void emitResize(KernelBuilder &k, ResultSink &sink, Op op) {
  ArrayRef<int64_t> in = shapeOf(op.getInput()), out = shapeOf(op.getOutput());
  int64_t channels = in[3];
  auto offsets = [&](ArrayRef<int64_t> indices, int64_t stride) {
    return k.constants<int64_t>(llvm::map_to_vector(
        indices, [&](int64_t i) { return i * stride; }));
  };
  auto offsetAt = [&](Value table, Value i) -> Value {
    Value offset = memref::LoadOp::create(k.b, k.loc, table, i);
    return arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), offset);
  };
  Value rows = offsets(op.getRows(), in[2] * channels),
        columns = offsets(op.getCols(), channels), input = k.buffer(op.getInput());
  Type element = cast<MemRefType>(input.getType()).getElementType();
  k.loop(out[0], [&](Value n) {
    Value imageIn = k.mul(n, in[1] * in[2] * channels);
    k.loop(out[1], [&](Value y) {
      Value rowIn = k.add(imageIn, offsetAt(rows, y));
      Value rowOut = k.mul(k.add(k.mul(n, out[1]), y), out[2] * channels);
      k.loop(out[2], [&](Value x) {
        Value from = k.add(rowIn, offsetAt(columns, x));
        emitRun(
            k, sink, channels, 0, k.add(rowOut, k.mul(x, channels)),
            [&](Value at, int64_t width) {
              return k.loadVector(input, k.add(from, at), width);
            },
            element);
      });
    });
  });
}
static void emit(KernelBuilder &k, ResultSink &sink, dyadic::ResizeOp op) {
  emitResize(k, sink, op);
}
static void emit(KernelBuilder &k, ResultSink &sink, qnn::ResizeOp op) {
  emitResize(k, sink, op);
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

template <typename Op>
static bool tryEmit(KernelBuilder &k, ResultSink &sink, Operation *anchor) {
  auto op = dyn_cast<Op>(anchor);
  if (op)
    emit(k, sink, op);
  return static_cast<bool>(op);
}

template <typename... Ops>
static void emitOneOf(KernelBuilder &k, ResultSink &sink, Operation *anchor) {
  (tryEmit<Ops>(k, sink, anchor) || ...);
}

LogicalResult codegen::emitMovement(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  emitOneOf<dyadic::TransposeOp, dyadic::ConcatOp, dyadic::SliceOp,
            dyadic::PadOp, dyadic::ResizeOp, qnn::TransposeOp, qnn::ConcatOp,
            qnn::SliceOp, qnn::PadOp, qnn::ResizeOp>(k, *sink, anchor);
  return success();
}
