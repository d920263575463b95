//===- BatchMatmul.cpp - products of two run-time matrices ----------------===//
//
// The right operand is read in place: with one product an instruction, a row
// of it is already what a packed panel would be.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "Emitters.h"

#include "dyadic/Dialect/QNN/QNN.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

std::optional<int64_t> codegen::batchStride(ArrayRef<int64_t> shape,
                                            int64_t batches) {
  int64_t matrix = shape[shape.size() - 2] * shape.back();
  int64_t own = ShapedType::getNumElements(shape) / matrix;
  if (own == batches)
    return matrix;
  return own == 1 ? std::optional<int64_t>(0) : std::nullopt;
}

LogicalResult codegen::emitBatchMatmul(KernelBuilder &k, qnn::MatmulOp op) {
  ArrayRef<int64_t> lhs = shapeOf(op.getLhs()), rhs = shapeOf(op.getRhs()),
                    out = shapeOf(op.getOutput());
  int64_t rows = out[out.size() - 2], columns = out.back(), depth = lhs.back();
  int64_t batches = ShapedType::getNumElements(out) / (rows * columns);
  auto lhsStride = batchStride(lhs, batches), rhsStride = batchStride(rhs, batches);
  if (!lhsStride || !rhsStride)
    return op.emitError("expected batches of equal extents, or one matrix for "
                        "all: code generation has no other broadcast yet");
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();

  constexpr OperandKind f32 = OperandKind::F32;
  RegisterTile tile = k.target.chooseTile({f32, batches, rows, columns, depth});
  int64_t lanes = k.target.lanes(), width = tile.vectors * lanes;
  Value a = k.buffer(op.getLhs()), b = k.buffer(op.getRhs());
  Value bias = op.getBias() ? k.buffer(op.getBias()) : Value();

  // `count` rows × `valid` columns from (row, column) on.
  auto emitTile = [&](Value batch, Value row, int64_t count, Value column,
                      int64_t valid) {
    Value aBase = k.add(k.mul(batch, *lhsStride), k.mul(row, depth));
    Value bBase = k.add(k.mul(batch, *rhsStride), column);
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
        for (int64_t p = 0; p < count; ++p) {
          Value one =
              k.loadVector(a, k.add(k.add(aBase, i), p * depth), 1);
          Value splat = vector::BroadcastOp::create(k.b, k.loc, type, one);
          next[v * count + p] = k.target.multiplyAdd(
              k.b, k.loc, f32, sums[v * count + p], splat, weights);
        }
      }
      return next;
    });
    for (int64_t p = 0; p < count; ++p)
      for (auto [v, w] : llvm::enumerate(widths)) {
        Value at = k.add(column, v * lanes);
        Value pixel = k.add(k.add(k.mul(batch, rows), row), p);
        epilogue->emit({k.add(k.mul(pixel, columns), at), at, w},
                       acc[v * count + p]);
      }
  };

  k.parallelLoop(batches, [&](Value batch) {
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
