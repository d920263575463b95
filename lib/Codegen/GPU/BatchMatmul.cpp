//===- BatchMatmul.cpp - products of two run-time matrices on a GPU -------===//
//
// A thread has four neighbouring columns of one row; the right operand's rows
// are read as vectors.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

LogicalResult gpu_kernels::emitBatchMatmul(GPUKernelBuilder &k,
                                           qnn::MatmulOp op) {
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

  constexpr int64_t width = 4;
  Value a = k.buffer(op.getLhs()), b = k.buffer(op.getRhs());
  Value bias = op.getBias() ? k.buffer(op.getBias()) : Value();
  int64_t perRow = llvm::divideCeil(columns, width), tail = columns % width;
  k.forThreads(batches * rows * perRow, [&](Value item) {
    Value column = k.mul(k.rem(item, perRow), width);
    Value pixel = k.div(item, perRow); // of all batches
    Value batch = k.div(pixel, rows);
    Value aBase = k.add(k.mul(batch, *lhsStride),
                        k.mul(k.rem(pixel, rows), depth));
    Value bBase = k.add(k.mul(batch, *rhsStride), column);
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
