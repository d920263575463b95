//===- ResultSink.cpp -----------------------------------------------------===//
#include "ResultSink.h"

#include "Addressing.h"
#include "dyadic/Dialect/Dyadic/Layouts.h"

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
  sink.shape = tensorTypeOf(result).getShape();
  sink.flat = sink.direct ? isContiguous(sink.shape, k.outputStrides(0))
                          : sink.pointwise.canFlatten();
  sink.row = sink.shape.empty() ? 1 : sink.shape.back();
  return sink;
}

int64_t ResultSink::width(Type type) const {
  // A register of bytes; behind a fused op every lane is 32 bits wide, and four
  // registers of them end as one of bytes.
  int64_t bits = type.getIntOrFloatBitWidth();
  return k.target.lanes() * (direct && bits == 16 ? 2 : 4);
}

SmallVector<int64_t> ResultSink::addressMemory() {
  isAddress = flat = true;
  return llvm::to_vector(k.outputStrides(0));
}

void ResultSink::emit(Position position, AnchorVectors vectors) {
  if (direct) {
    Value index = isAddress ? position.flat
                            : elementIndex(k, shape, k.outputStrides(0), position);
    k.storeVector(k.truncate(vectors.plain, element), k.output(0), index);
    return;
  }
  if (vectors.plain)
    vectors.plain = k.extend(vectors.plain, element);
  pointwise.emit(position, vectors);
}

void ResultSink::emitAt(Value flatIndex, AnchorVectors vectors) {
  Value channel;
  if (!flat)
    channel = k.b.createOrFold<arith::RemUIOp>(k.loc, flatIndex, k.index(row));
  Value any = vectors.plain ? vectors.plain : vectors.scaled;
  emit({flatIndex, channel, cast<VectorType>(any.getType()).getNumElements()}, vectors);
}
