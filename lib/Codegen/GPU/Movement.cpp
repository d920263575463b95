//===- Movement.cpp - transpose, concat, slice, pad, resize ---------------===//
//
// A thread has a few neighbouring elements of the result and finds where they
// come from: in one piece, or one by one.
//
//===----------------------------------------------------------------------===//
#include "../Movement.h"

#include "Emitters.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static Type memoryElement(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

/// `width` elements from `index` on that lie `stride` apart.
static Value loadApart(GPUKernelBuilder &k, Value memref, Value index,
                       int64_t stride, int64_t width) {
  if (stride == 1)
    return k.loadVector(memref, index, width);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i)
    elements.push_back(memref::LoadOp::create(k.b, k.loc, memref,
                                              k.add(index, i * stride)));
  return vector::FromElementsOp::create(
      k.b, k.loc, k.vectorType(width, memoryElement(memref)), elements);
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

namespace {
class BoxEmitter {
public:
  BoxEmitter(GPUKernelBuilder &k, ResultSink &sink, const StridedCopy &copy)
      : k(k), sink(sink), copy(copy),
        loops(joinLoops(copy.loops, sink.canFlatten())), last(loops.back()) {
    SmallVector<int64_t> extents;
    for (const CopyLoop &loop : ArrayRef(loops).drop_back())
      extents.push_back(loop.extent);
    // Columns of the result that don't lie side by side go one by one.
    int64_t most =
        last.outputStride == 1 ? sink.width(memoryElement(copy.input)) : 1;
    grid = k.divide(extents, last.extent, most);
  }

  int64_t size() const { return grid.size(); }

  void emit(Value number) {
    k.emitPiece(grid, number, [&](ValueRange at, Value start, int64_t width) {
      Value in = k.add(k.mul(start, last.inputStride), copy.inputOffset);
      Value out = k.add(k.mul(start, last.outputStride), copy.outputOffset);
      for (auto [i, loop] : llvm::zip(at, loops)) {
        in = k.add(in, k.mul(i, loop.inputStride));
        out = k.add(out, k.mul(i, loop.outputStride));
      }
      Value channel;
      if (!sink.canFlatten())
        channel = k.add(start, copy.outputOffset % sink.rowExtent());
      sink.emit({out, channel, width},
                loadApart(k, copy.input, in, last.inputStride, width));
    });
  }

private:
  GPUKernelBuilder &k;
  ResultSink &sink;
  const StridedCopy &copy;
  SmallVector<CopyLoop> loops;
  CopyLoop last;
  PieceGrid grid;
};
} // namespace

/// All boxes in one launch: the threads of one follow those of another.
static void emitBoxes(GPUKernelBuilder &k, ResultSink &sink,
                      ArrayRef<StridedCopy> copies) {
  std::vector<BoxEmitter> boxes;
  int64_t size = 0;
  for (const StridedCopy &copy : copies) {
    boxes.emplace_back(k, sink, copy);
    size += boxes.back().size();
  }
  k.forThreads(size, [&](Value item) {
    std::function<void(size_t, int64_t)> emit = [&](size_t i, int64_t begin) {
      BoxEmitter &box = boxes[i];
      int64_t end = begin + box.size();
      auto own = [&] { box.emit(k.add(item, -begin)); };
      if (i + 1 == boxes.size())
        return own();
      k.whenElse(k.less(item, end), own, [&] { emit(i + 1, end); });
    };
    emit(0, 0);
  });
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

namespace {
class BorderEmitter {
public:
  BorderEmitter(GPUKernelBuilder &k, ResultSink &sink, const Border &border)
      : k(k), sink(sink), border(border), input(k.buffer(border.input)),
        shape(tensorTypeOf(border.input).getShape()),
        outputShape(tensorTypeOf(border.output).getShape()),
        inputStrides(stridesOf(shape)), outputStrides(stridesOf(outputShape)) {}

  void emit() {
    // The dimensions that one run of memory makes up on both sides.
    size_t rank = shape.size(), inner = rank;
    while (inner > 0 && !isPadded(inner - 1) &&
           (sink.canFlatten() || inner == rank))
      --inner;
    bool lanewise = rank && inner == rank;
    inner -= lanewise;
    int64_t run = ShapedType::getNumElements(outputShape.drop_front(inner));
    k.forPieces(outputShape.take_front(inner), run,
                sink.width(memoryElement(input)),
                [&](ValueRange at, Value start, int64_t width) {
                  emitPiece(at, start, width, lanewise);
                });
  }

private:
  bool isPadded(size_t dim) const { return border.low[dim] || border.high[dim]; }

  /// Adds the input's offset at index `i` of `dim`, and whether it is inside.
  void locate(Value i, size_t dim, Value &source, Value &inside) {
    if (!isPadded(dim)) {
      source = k.add(source, k.mul(i, inputStrides[dim]));
      return;
    }
    Value own = k.b.createOrFold<arith::SubIOp>(k.loc, i,
                                                k.index(border.low[dim]));
    source = k.add(source, k.mul(own, inputStrides[dim]));
    Value within = k.less(own, shape[dim]);
    inside = inside ? arith::AndIOp::create(k.b, k.loc, inside, within) : within;
  }

  Value loadInside(Value inside, Value source, int64_t width) {
    if (!inside)
      return k.loadVector(input, source, width);
    auto type = k.vectorType(width, memoryElement(input));
    auto branch = scf::IfOp::create(k.b, k.loc, type, inside, true);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(k.b, k.loc, k.loadVector(input, source, width));
    k.b.setInsertionPointToStart(branch.elseBlock());
    Value fill = arith::ConstantOp::create(
        k.b, k.loc, DenseElementsAttr::get(type, border.fill));
    scf::YieldOp::create(k.b, k.loc, fill);
    return branch.getResult(0);
  }

  void emitPiece(ValueRange at, Value start, int64_t width, bool lanewise) {
    Value source = k.index(0), inside, flat = start;
    for (auto [dim, i] : llvm::enumerate(at)) {
      locate(i, dim, source, inside);
      flat = k.add(flat, k.mul(i, outputStrides[dim]));
    }
    Value channel = sink.canFlatten() ? Value() : start;
    if (!lanewise)
      return sink.emit({flat, channel, width},
                       loadInside(inside, k.add(source, start), width));
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < width; ++i) {
      Value from = source, within = inside;
      locate(k.add(start, i), at.size(), from, within);
      lanes.push_back(loadInside(within, from, 1));
    }
    sink.emit({flat, channel, width}, k.concatenate(lanes, width));
  }

  GPUKernelBuilder &k;
  ResultSink &sink;
  const Border &border;
  Value input;
  ArrayRef<int64_t> shape, outputShape;
  SmallVector<int64_t> inputStrides, outputStrides;
};
} // namespace

LogicalResult gpu_kernels::emitMovement(GPUKernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  if (isa<dyadic::ResizeOp, qnn::ResizeOp>(anchor))
    emitResize(k, *sink, anchor);
  else if (auto border = describeBorder(anchor))
    BorderEmitter(k, *sink, *border).emit();
  else
    emitBoxes(k, *sink, describeCopies(k, anchor,
                             stridesOf(tensorTypeOf(anchor->getResult(0)).getShape())));
  return success();
}
