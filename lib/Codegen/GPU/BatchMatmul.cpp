//===- BatchMatmul.cpp - products of two run-time matrices on a GPU -------===//
//
// Tiles where the product is large. Otherwise a thread has four neighbouring
// columns of one row; the right operand's rows are read as vectors.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "FloatTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// Four columns of a row from `column` on; those that aren't there are any.
static Value loadColumns(GPUKernelBuilder &k, Value memref, Value row,
                         Value column, int64_t columns) {
  auto clamp = [&](Value at, int64_t last) {
    return k.add(row, k.b.createOrFold<arith::MinUIOp>(k.loc, at,
                                                       k.index(last)));
  };
  if (columns % 4 == 0)
    return k.loadVector(memref, clamp(column, columns - 4), 4);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < 4; ++i)
    elements.push_back(
        k.loadVector(memref, clamp(k.add(column, i), columns - 1), 1));
  return k.concatenate(elements, 4);
}

/// Large products. Rows of the right operand behind its last one are zeros, as
/// the left operand's columns there are.
static void emitTiles(GPUKernelBuilder &k, qnn::MatmulOp op,
                      const BatchProduct &p, PointwiseEmitter &epilogue) {
  Contraction c;
  c.kind = OperandKind::F32;
  c.activations = k.buffer(op.getLhs());
  c.length = p.depth;
  c.pixels = p.rows;
  c.pixelStride = c.length;
  c.channels = p.columns;
  c.groups = p.batches;
  c.groupStride = p.lhsStride;
  Gather gather(k, c, 4);
  Value right = k.buffer(op.getRhs());
  Value bias = op.getBias() ? k.buffer(op.getBias()) : Value();
  auto type = k.vectorType(4, k.b.getF32Type());
  int64_t bound = llvm::alignTo(c.length, gpu_kernels::kFloatTileDepth);
  gpu_kernels::FloatProduct product{p.batches, c.pixels, c.channels, c.length,
                                    {}, {}, {}, {}, {}};
  product.rowBase = [&](Value matrix, Value row) {
    return k.add(gather.rowBase(row), k.mul(matrix, p.lhsStride));
  };
  product.loadLeft = [&](Value base, Value depth) {
    return gather.loadFloats(base, depth, bound);
  };
  product.loadRight = [&](Value matrix, Value depth, Value column) {
    Value line = k.b.createOrFold<arith::MinUIOp>(k.loc, depth,
                                                  k.index(c.length - 1));
    Value row = k.add(k.mul(matrix, p.rhsStride), k.mul(line, c.channels));
    Value loaded = loadColumns(k, right, row, column, c.channels);
    if (bound == c.length)
      return loaded;
    return Value(arith::SelectOp::create(
        k.b, k.loc, k.less(depth, c.length), loaded, k.splat(type, 0)));
  };
  product.initial = [&](Value, Value column) {
    return bias ? loadColumns(k, bias, k.index(0), column, c.channels)
                : k.splat(type, 0);
  };
  product.position = [&](Value matrix, Value row, Value column,
                         int64_t width) {
    Value pixel = k.add(k.mul(matrix, c.pixels), row);
    return Position{k.add(k.mul(pixel, c.channels), column), column, width};
  };
  gpu_kernels::emitFloatTiles(k, product, epilogue);
}

LogicalResult gpu_kernels::emitBatchMatmul(GPUKernelBuilder &k,
                                           qnn::MatmulOp op) {
  auto p = BatchProduct::of(op);
  if (failed(p))
    return failure();
  int64_t rows = p->rows, columns = p->columns, depth = p->depth;
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();

  constexpr int64_t mostBlocks = 65535; // of a grid's third dimension
  if (suitsFloatTiles(rows, columns, depth) && p->batches <= mostBlocks) {
    emitTiles(k, op, *p, *epilogue);
    return success();
  }

  constexpr int64_t width = 4;
  Value a = k.buffer(op.getLhs()), b = k.buffer(op.getRhs());
  Value bias = op.getBias() ? k.buffer(op.getBias()) : Value();
  int64_t perRow = llvm::divideCeil(columns, width), tail = columns % width;
  k.forThreads(p->batches * rows * perRow, [&](Value item) {
    Value column = k.mul(k.rem(item, perRow), width);
    Value pixel = k.div(item, perRow); // of all batches
    Value batch = k.div(pixel, rows);
    Value aBase = k.add(k.mul(batch, p->lhsStride),
                        k.mul(k.rem(pixel, rows), depth));
    Value bBase = k.add(k.mul(batch, p->rhsStride), column);
    auto emitLanes = [&](int64_t lanes) {
      auto type = k.vectorType(lanes, k.b.getF32Type());
      Value initial =
          bias ? k.loadVector(bias, column, lanes) : k.splat(type, 0);
      Value sum = k.loop(depth, {initial}, [&](Value i, ValueRange sums) {
        Value x = k.loadVector(a, k.add(aBase, i), 1);
        Value w = k.loadVector(b, k.add(bBase, k.mul(i, columns)), lanes);
        Value splat = vector::BroadcastOp::create(k.b, k.loc, type, x);
        return KernelBuilder::Carried{k.warps.multiplyAdd(
            k.b, k.loc, OperandKind::F32, sums.front(), splat, w)};
      }).front();
      epilogue->emit({k.add(k.mul(pixel, columns), column), column, lanes},
                     sum);
    };
    if (!tail)
      return emitLanes(width);
    if (columns < width)
      return emitLanes(tail);
    k.whenElse(k.less(column, columns - tail), [&] { emitLanes(width); },
               [&] { emitLanes(tail); });
  });
  return success();
}
