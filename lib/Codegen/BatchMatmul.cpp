//===- BatchMatmul.cpp - products of two run-time matrices ----------------===//
//
// The right operand is read in place: with one product an instruction, a row
// of it is already what a packed panel would be.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "Emitters.h"

#include "dyadic/Dialect/Shapes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

FailureOr<BatchProduct> BatchProduct::of(qnn::MatmulOp op) {
  ArrayRef<int64_t> lhs = shapeOf(op.getLhs()), out = shapeOf(op.getOutput());
  BatchProduct p{0, out[out.size() - 2], out.back(), lhs.back(), 0, 0};
  p.batches = ShapedType::getNumElements(out) / (p.rows * p.columns);
  auto stride = [&](ArrayRef<int64_t> shape) -> std::optional<int64_t> {
    int64_t matrix = shape[shape.size() - 2] * shape.back();
    int64_t own = ShapedType::getNumElements(shape) / matrix;
    if (own == p.batches)
      return matrix;
    return own == 1 ? std::optional<int64_t>(0) : std::nullopt;
  };
  auto left = stride(lhs), right = stride(shapeOf(op.getRhs()));
  if (!left || !right)
    return op.emitError("expected batches of equal extents, or one matrix for "
                        "all: code generation has no other broadcast yet");
  p.lhsStride = *left;
  p.rhsStride = *right;
  return p;
}

LogicalResult codegen::emitBatchMatmul(KernelBuilder &k, qnn::MatmulOp op) {
  auto p = BatchProduct::of(op);
  if (failed(p))
    return failure();
  int64_t rows = p->rows, columns = p->columns, depth = p->depth;
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();

  constexpr OperandKind f32 = OperandKind::F32;
  RegisterTile tile = k.target.chooseTile({f32, p->batches, rows, columns, depth});
  int64_t lanes = k.target.lanes(), width = tile.vectors * lanes;
  Value a = k.buffer(op.getLhs()), b = k.buffer(op.getRhs());
  Value bias = op.getBias() ? k.buffer(op.getBias()) : Value();

  // `count` rows × `valid` columns from (row, column) on.
  auto emitTile = [&](Value batch, Value row, int64_t count, Value column,
                      int64_t valid) {
    Value aBase = k.add(k.mul(batch, p->lhsStride), k.mul(row, depth));
    Value bBase = k.add(k.mul(batch, p->rhsStride), column);
    // The last columns are read as a narrower vector, never past the end.
    SmallVector<int64_t> widths;
    for (int64_t done = 0; done < valid; done += lanes)
      widths.push_back(std::min(lanes, valid - done));
    KernelBuilder::Carried acc;
    for (auto [v, w] : llvm::enumerate(widths)) {
      auto type = k.vectorType(w, k.b.getF32Type());
      Value initial =
          bias ? k.loadVector(bias, k.add(column, v * lanes), w) : k.splat(type, 0);
      acc.append(count, initial);
    }
    acc = k.loop(depth, acc, [&](Value i, ValueRange sums) {
      KernelBuilder::Carried next(sums.size());
      Value bRow = k.add(bBase, k.mul(i, columns));
      for (auto [v, w] : llvm::enumerate(widths)) {
        auto type = k.vectorType(w, k.b.getF32Type());
        Value weights = k.loadVector(b, k.add(bRow, v * lanes), w);
        for (int64_t r = 0; r < count; ++r) {
          Value one =
              k.loadVector(a, k.add(k.add(aBase, i), r * depth), 1);
          Value splat = vector::BroadcastOp::create(k.b, k.loc, type, one);
          next[v * count + r] = k.target.multiplyAdd(
              k.b, k.loc, f32, sums[v * count + r], splat, weights);
        }
      }
      return next;
    });
    for (int64_t r = 0; r < count; ++r)
      for (auto [v, w] : llvm::enumerate(widths)) {
        Value at = k.add(column, v * lanes);
        Value pixel = k.add(k.add(k.mul(batch, rows), row), r);
        epilogue->emit({k.add(k.mul(pixel, columns), at), at, w},
                       acc[v * count + r]);
      }
  };

  k.parallelLoop(p->batches, [&](Value batch) {
    auto rowsAt = [&](Value row, int64_t count) {
      int64_t tail = columns % width;
      k.loop(columns - tail, width, [&](Value column) {
        emitTile(batch, row, count, column, width);
      });
      if (tail)
        emitTile(batch, row, count, k.index(columns - tail), tail);
    };
    k.parallelPieces(rows, tile.pixels, rowsAt);
  });
  return success();
}
