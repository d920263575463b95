//===- Movement.cpp - transpose, concat, slice, pad, resize ---------------===//
//
// The same loops for both dialects: what moves is storage values or floats.
//
//===----------------------------------------------------------------------===//
#include "Movement.h"

#include "Emitters.h"

#include "dyadic/Dialect/Shapes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

static StridedCopy box(Value memory, ArrayRef<int64_t> extents,
                       ArrayRef<int64_t> inputStrides,
                       ArrayRef<int64_t> outputStrides, int64_t inputOffset,
                       int64_t outputOffset) {
  StridedCopy copy;
  copy.input = memory;
  copy.inputOffset = inputOffset;
  copy.outputOffset = outputOffset;
  for (auto [extent, in, out] : llvm::zip_equal(extents, inputStrides, outputStrides))
    copy.loops.push_back({extent, in, out});
  return copy;
}

using Boxes = SmallVector<StridedCopy>;

/// Whether the kernel's operand is where the result has it.
static bool isInPlace(KernelBuilder &k, Value input) {
  auto argument = dyn_cast<BlockArgument>(input);
  return argument && k.kernel.isInPlace(argument.getArgNumber());
}

static Boxes transposed(KernelBuilder &k, Value input, Value output,
                        ArrayRef<int64_t> permutation,
                        ArrayRef<int64_t> outputStrides) {
  SmallVector<int64_t> from = k.strides(input), strides;
  for (int64_t dim : permutation)
    strides.push_back(from[dim]);
  return {box(k.buffer(input), shapeOf(output), strides, outputStrides, 0, 0)};
}

static Boxes joined(KernelBuilder &k, ValueRange inputs, int64_t axis,
                    ArrayRef<int64_t> outputStrides) {
  int64_t offset = 0;
  Boxes boxes;
  for (Value input : inputs) {
    ArrayRef<int64_t> shape = shapeOf(input);
    if (!isInPlace(k, input))
      boxes.push_back(box(k.buffer(input), shape, k.strides(input),
                          outputStrides, 0, offset));
    offset += shape[axis] * outputStrides[axis];
  }
  return boxes;
}

static Boxes sliced(KernelBuilder &k, Value input, ArrayRef<int64_t> offsets,
                    ArrayRef<int64_t> sizes, ArrayRef<int64_t> steps,
                    ArrayRef<int64_t> outputStrides) {
  if (isInPlace(k, input))
    return {};
  SmallVector<int64_t> strides = k.strides(input);
  int64_t offset = 0;
  for (auto [i, stride] : llvm::enumerate(strides)) {
    offset += offsets[i] * stride;
    stride *= steps[i];
  }
  return {box(k.buffer(input), sizes, strides, outputStrides, offset, 0)};
}

Boxes codegen::describeCopies(KernelBuilder &k, Operation *anchor,
                              ArrayRef<int64_t> outputStrides) {
  return llvm::TypeSwitch<Operation *, Boxes>(anchor)
      .Case<dyadic::TransposeOp, qnn::TransposeOp>([&](auto op) {
        return transposed(k, op.getInput(), op.getOutput(), op.getPermutation(),
                          outputStrides);
      })
      .Case<dyadic::ConcatOp, qnn::ConcatOp>([&](auto op) {
        return joined(k, op.getInputs(), op.getAxis(), outputStrides);
      })
      .Case<dyadic::SliceOp, qnn::SliceOp>([&](auto op) {
        return sliced(k, op.getInput(), op.getOffsets(), op.getSizes(),
                      op.getStrides(), outputStrides);
      })
      .Default([](Operation *) { return Boxes(); });
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

namespace {
/// Writes the result front to back: the border before a row, the row, the
/// border behind it, where a "row" is what the inner dimensions make up.
class PadEmitter {
public:
  PadEmitter(KernelBuilder &k, ResultSink &sink, const Border &border)
      : k(k), sink(sink), input(k.buffer(border.input)),
        shape(shapeOf(border.input)), low(border.low), high(border.high),
        inputStrides(stridesOf(shape)),
        outputStrides(stridesOf(shapeOf(border.output))),
        element(cast<MemRefType>(input.getType()).getElementType()),
        fill(border.fill) {
    bool inPlace = isInPlace(k, border.input);
    fillsOnly = inPlace || !k.isRowMajor(border.input);
    if (fillsOnly && !inPlace) {
      interior = box(input, shape, k.strides(border.input), outputStrides, 0, 0);
      for (auto [pad, stride] : llvm::zip_equal(low, outputStrides))
        interior->outputOffset += pad * stride;
    }
    while (inner > 0 && low[inner - 1] == 0 && high[inner - 1] == 0)
      --inner;
  }

  void emit() {
    emitLevel(0, k.index(0), k.index(0));
    if (interior)
      emitCopy(k, sink, *interior);
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
      k.parallelLoop(extent, [&](Value i) {
        emitLevel(level + 1, k.add(in, k.mul(i, inputStrides[level])),
                  k.add(start, k.mul(i, step)));
      });
    fillRun(high[level] * step, isLast ? low[level] + extent : 0,
            k.add(start, extent * step));
  }

  void copyRun(int64_t count, int64_t channel, Value in, Value out) {
    if (fillsOnly)
      return;
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
  /// The interior is in place, or it is strided and copied by itself.
  bool fillsOnly;
  std::optional<StridedCopy> interior;
};
} // namespace

std::optional<Border> codegen::describeBorder(Operation *anchor) {
  if (auto op = dyn_cast<qnn::PadOp>(anchor))
    return Border{op.getInput(), op.getOutput(), op.getLow(), op.getHigh(),
                  op.getValueAttr()};
  auto op = dyn_cast<dyadic::PadOp>(anchor);
  if (!op)
    return std::nullopt;
  auto memory = memoryElementType(op.getInput().getType().getElementType());
  APInt value(32, static_cast<uint32_t>(op.getValue()));
  auto fill =
      IntegerAttr::get(memory, value.trunc(memory.getIntOrFloatBitWidth()));
  return Border{op.getInput(), op.getOutput(), op.getLow(), op.getHigh(), fill};
}

//===----------------------------------------------------------------------===//
// Resize
//===----------------------------------------------------------------------===//

template <typename Op>
static void emitSampling(KernelBuilder &k, ResultSink &sink, Op op) {
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
  SmallVector<int64_t> strides = k.strides(op.getInput());
  Value rows = offsets(op.getRows(), strides[1]),
        columns = offsets(op.getCols(), strides[2]), input = k.buffer(op.getInput());
  Type element = cast<MemRefType>(input.getType()).getElementType();
  k.forPieces(
      out.drop_back(), channels, sink.width(element),
      [&](ValueRange at, Value channel, int64_t width) {
        Value pixel = k.add(k.mul(k.add(k.mul(at[0], out[1]), at[1]), out[2]),
                            at[2]);
        Value from = k.add(k.mul(at[0], strides[0]), offsetAt(rows, at[1]));
        from = k.add(from, offsetAt(columns, at[2]));
        sink.emit({k.add(k.mul(pixel, channels), channel), channel, width, 1, 0,
                   {{at[0], out[0]}, {at[1], out[1]}, {at[2], out[2]},
                    {channel, channels}}},
                  k.loadVector(input, k.add(from, channel), width));
      });
}

void codegen::emitResize(KernelBuilder &k, ResultSink &sink, Operation *anchor) {
  if (auto op = dyn_cast<dyadic::ResizeOp>(anchor))
    return emitSampling(k, sink, op);
  emitSampling(k, sink, cast<qnn::ResizeOp>(anchor));
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

LogicalResult codegen::emitMovement(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  if (isa<dyadic::ResizeOp, qnn::ResizeOp>(anchor)) {
    emitResize(k, *sink, anchor);
  } else if (auto border = describeBorder(anchor)) {
    PadEmitter(k, *sink, *border).emit();
  } else {
    SmallVector<int64_t> strides = sink->isDirect()
                                       ? sink->addressMemory()
                                       : stridesOf(shapeOf(anchor->getResult(0)));
    for (StridedCopy &copy : describeCopies(k, anchor, strides))
      emitCopy(k, *sink, std::move(copy));
  }
  return success();
}
