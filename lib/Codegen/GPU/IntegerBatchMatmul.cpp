//===- IntegerBatchMatmul.cpp - dyadic.batch_matmul on a GPU --------------===//
//
// A thread has one element of the result. Neighbouring threads have neighbouring
// columns.
//
//===----------------------------------------------------------------------===//
#include "../Contraction.h"
#include "Emitters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

LogicalResult gpu_kernels::emitIntegerBatchMatmul(GPUKernelBuilder &k,
                                                  Operation *anchor) {
  auto op = cast<BatchMatmulOp>(anchor);
  auto epilogue = PointwiseEmitter::create(k);
  if (failed(epilogue))
    return failure();
  ProductStrides s = productStrides(k, op);
  auto type = k.vectorType(1, k.b.getI32Type());
  // x[at] − zeroPoint
  auto load = [&](Value operand, Value at, int32_t zeroPoint) -> Value {
    Value x = k.extend(
        k.loadVector(k.buffer(operand), at, 1),
        cast<RankedTensorType>(operand.getType()).getElementType());
    return arith::SubIOp::create(k.b, k.loc, x, k.splatInt(type, zeroPoint));
  };
  int64_t batches = 1;
  for (const ProductStrides::Batch &batch : s.batches)
    batches *= batch.extent;
  k.forThreads(batches * s.rows * s.columns, [&](Value item) {
    Value column = k.rem(item, s.columns), rest = k.div(item, s.columns);
    Value row = k.rem(rest, s.rows);
    rest = k.div(rest, s.rows);
    Value l = k.mul(row, s.lhsRow), r = k.mul(column, s.rhsColumn),
          out = k.add(k.mul(row, s.outRow), column);
    for (const ProductStrides::Batch &batch : llvm::reverse(s.batches)) {
      Value i = k.rem(rest, batch.extent);
      rest = k.div(rest, batch.extent);
      l = k.add(l, k.mul(i, batch.lhs));
      r = k.add(r, k.mul(i, batch.rhs));
      out = k.add(out, k.mul(i, batch.out));
    }
    Value sum = k.loop(s.depth, {k.splatInt(type, 0)}, [&](Value i,
                                                          ValueRange sums) {
      Value x = load(op.getLhs(), k.add(l, i), op.getLhsZp());
      Value w = load(op.getRhs(), k.add(r, k.mul(i, s.rhsDepth)), op.getRhsZp());
      Value product = arith::MulIOp::create(k.b, k.loc, x, w);
      return KernelBuilder::Carried{
          arith::AddIOp::create(k.b, k.loc, sums.front(), product)};
    }).front();
    epilogue->emit({out, column, 1}, sum);
  });
  return success();
}
