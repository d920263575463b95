//===- ResultSink.cpp -----------------------------------------------------===//
#include "ResultSink.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

FailureOr<ResultSink> ResultSink::create(KernelBuilder &k, Operation *anchor) {
  for (Value operand : anchor->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    if (producer && !producer->hasTrait<OpTrait::ConstantLike>())
      return anchor->emitError("expected operands that are in memory, but got "
                               "one made in the same kernel by '")
             << producer->getName() << "'";
  }
  auto pointwise = PointwiseEmitter::create(k);
  if (failed(pointwise))
    return failure();
  ResultSink sink(k, std::move(*pointwise));
  Value result = anchor->getResult(0);
  OperandRange yielded = k.kernel.getYield().getValues();
  sink.element = tensorTypeOf(result).getElementType();
  sink.direct = yielded.size() == 1 && yielded.front() == result;
  sink.flat = sink.direct || sink.pointwise.canFlatten();
  auto shape = tensorTypeOf(result).getShape();
  sink.row = shape.empty() ? 1 : shape.back();
  return sink;
}

int64_t ResultSink::width(Type type) const {
  // A register of bytes; behind a fused op every lane is 32 bits wide, and four
  // registers of them end as one of bytes.
  int64_t bits = type.getIntOrFloatBitWidth();
  return k.target.lanes() * (direct && bits == 16 ? 2 : 4);
}

void ResultSink::emit(Position position, Value vector) {
  if (direct) {
    k.storeVector(k.truncate(vector, element), k.output(0), position.flat);
    return;
  }
  pointwise.emit(position, k.extend(vector, element));
}

void ResultSink::emitAt(Value flatIndex, Value vector) {
  Value channel;
  if (!flat)
    channel = k.b.createOrFold<arith::RemUIOp>(k.loc, flatIndex, k.index(row));
  emit({flatIndex, channel, cast<VectorType>(vector.getType()).getNumElements()},
       vector);
}

void codegen::forVectors(KernelBuilder &k, int64_t count, int64_t width,
                         function_ref<void(Value, int64_t)> body) {
  int64_t tail = count % width;
  k.loop(count - tail, width, [&](Value start) { body(start, width); });
  if (tail)
    body(k.index(count - tail), tail);
}
