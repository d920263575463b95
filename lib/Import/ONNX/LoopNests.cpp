//===- LoopNests.cpp ----------------------------------------------------------===//
#include "LoopNests.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace dyadic::onnx_import {

Carried emitLoop(
    OpBuilder &b, Location loc, int64_t count, Carried initial,
    function_ref<Carried(OpBuilder &, Location, Value, ValueRange)> body) {
  auto index = [&](int64_t i) { return qnn::indexConstant(b, loc, i); };
  auto loop = scf::ForOp::create(
      b, loc, index(0), index(count), index(1), initial,
      [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
        scf::YieldOp::create(b, loc, body(b, loc, i, carried));
      });
  return Carried(loop.getResults());
}

Carried emitLoops(
    OpBuilder &b, Location loc, ArrayRef<int64_t> shape, Carried initial,
    function_ref<Carried(OpBuilder &, Location, ValueRange, ValueRange)> body) {
  SmallVector<Value> indices;
  std::function<Carried(OpBuilder &, Location, ValueRange)> nest =
      [&](OpBuilder &b, Location loc, ValueRange carried) {
        if (indices.size() == shape.size())
          return body(b, loc, indices, carried);
        return emitLoop(b, loc, shape[indices.size()], Carried(carried),
                        [&](OpBuilder &b, Location loc, Value i,
                            ValueRange carried) {
                          indices.push_back(i);
                          Carried next = nest(b, loc, carried);
                          indices.pop_back();
                          return next;
                        });
      };
  return nest(b, loc, initial);
}

Value loadIndex(OpBuilder &b, Location loc, Value indices, ValueRange position,
                Type element, int64_t extent) {
  Value raw = tensor::ExtractOp::create(b, loc, indices, position);
  Type i64 = b.getI64Type();
  Value i = qnn::castScalar(b, loc, qnn::toScalar(b, loc, raw, element), element,
                            i64);
  auto number = [&](int64_t value) {
    return qnn::scalarConstant(b, loc, i64, value);
  };
  Value isNegative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, i,
                                           number(0));
  Value fromEnd = arith::AddIOp::create(b, loc, i, number(extent));
  i = arith::SelectOp::create(b, loc, isNegative, fromEnd, i);
  i = arith::MaxSIOp::create(b, loc, i, number(0));
  i = arith::MinSIOp::create(b, loc, i, number(std::max<int64_t>(extent - 1, 0)));
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), i);
}

Value emptyLike(OpBuilder &b, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
}

Value copyOf(OpBuilder &b, Location loc, Value tensor) {
  return qnn::mapElements(b, loc, cast<RankedTensorType>(tensor.getType()), tensor,
                          [](OpBuilder &, Location, ValueRange x) { return x[0]; });
}

} // namespace dyadic::onnx_import
