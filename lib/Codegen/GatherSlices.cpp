//===- GatherSlices.cpp - slices at run-time indices ----------------------===//
//
// An index may be anything: it is wrapped and clamped as docs/Spec.md says, so
// that no kernel reads outside of the tensor.
//
//===----------------------------------------------------------------------===//

#include "CodedTable.h"
#include "Emitters.h"
#include "ResultSink.h"
#include "Trim.h"

#include "dyadic/Dialect/Coded/Coded.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// The place in [0, extent) that `index`, a number of a tensor of `element`s,
/// means.
static Value placeOf(KernelBuilder &k, Value index, Type element,
                     int64_t extent) {
  OpBuilder &b = k.b;
  Type wide = b.getI64Type();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, k.loc, wide, value);
  };
  if (element.isUnsignedInteger() || element.isInteger(1))
    index = arith::ExtUIOp::create(b, k.loc, wide, index);
  else if (element.getIntOrFloatBitWidth() < 64)
    index = arith::ExtSIOp::create(b, k.loc, wide, index);
  Value isNegative = arith::CmpIOp::create(
      b, k.loc, arith::CmpIPredicate::slt, index, constant(0));
  Value fromEnd = arith::AddIOp::create(b, k.loc, index, constant(extent));
  index = arith::SelectOp::create(b, k.loc, isNegative, fromEnd, index);
  index = arith::MaxSIOp::create(b, k.loc, index, constant(0));
  index = arith::MinSIOp::create(b, k.loc, index, constant(extent - 1));
  return arith::IndexCastOp::create(b, k.loc, b.getIndexType(), index);
}

template <typename Op>
static void emitPieces(KernelBuilder &k, ResultSink &sink, Op op) {
  RankedTensorType type = tensorTypeOf(op.getInput());
  ArrayRef<int64_t> shape = type.getShape();
  int64_t axis = op.getAxis(), extent = shape[axis];
  int64_t outer = ShapedType::getNumElements(shape.take_front(axis));
  int64_t inner = ShapedType::getNumElements(shape.drop_front(axis + 1));
  int64_t count = tensorTypeOf(op.getIndices()).getNumElements();
  int64_t row = sink.canFlatten() ? inner : std::min(inner, sink.rowExtent());
  Value input = k.buffer(op.getInput()), indices = k.buffer(op.getIndices());
  Type element = tensorTypeOf(op.getIndices()).getElementType();
  Value limit = limitOfRows(k, op.getIndices(), 0);
  k.forPieces({outer, count, inner / row}, row, sink.width(type.getElementType()),
              [&](ValueRange at, Value start, int64_t width) {
                ifBelow(k, at[1], limit, [&] {
                  Value index =
                      memref::LoadOp::create(k.b, k.loc, indices, at[1]);
                  Value place = placeOf(k, index, element, extent);
                  Value within = k.add(k.mul(at[2], row), start);
                  Value from = k.add(k.mul(at[0], extent), place);
                  Value to = k.add(k.mul(at[0], count), at[1]);
                  Value slice = k.loadVector(
                      input, k.add(k.mul(from, inner), within), width);
                  sink.emitAt(k.add(k.mul(to, inner), within), slice);
                });
              });
}

/// The same for rows of a table of few bits.
static void emitCodedRows(KernelBuilder &k, ResultSink &sink, qnn::GatherOp op,
                          CodedTable &table) {
  RankedTensorType type = tensorTypeOf(op.getInput());
  int64_t extent = type.getDimSize(0), inner = type.getDimSize(1);
  int64_t count = tensorTypeOf(op.getIndices()).getNumElements();
  Value indices = k.buffer(op.getIndices());
  Type element = tensorTypeOf(op.getIndices()).getElementType();
  Value limit = limitOfRows(k, op.getIndices(), 0);
  k.forPieces({count}, inner, table.pieceWidth(),
              [&](ValueRange at, Value start, int64_t width) {
                ifBelow(k, at[0], limit, [&] {
                  Value index = memref::LoadOp::create(k.b, k.loc, indices, at[0]);
                  Value row = placeOf(k, index, element, extent);
                  Value to = k.add(k.mul(at[0], inner), start);
                  table.forVectors(row, start, width, [&](int64_t offset, Value vector) {
                    sink.emitAt(k.add(to, offset), vector);
                  });
                });
              });
}

/// The table that a gather of whole rows reads, if it is of few bits.
static std::optional<CodedTable> codedTable(KernelBuilder &k, const ResultSink &sink,
                                            qnn::GatherOp op) {
  auto coded = codedWeights(op.getInput());
  if (!coded || op.getAxis() != 0 || coded->getAxis() != 0 ||
      coded->getType().getRank() != 2 ||
      (!sink.canFlatten() && sink.rowExtent() < coded->getType().getDimSize(1)))
    return std::nullopt;
  auto weights = coded->read();
  if (failed(weights) || !CodedTable::suits(k, weights->grid))
    return std::nullopt;
  return CodedTable(k, *weights);
}

LogicalResult codegen::emitGather(KernelBuilder &k, Operation *anchor) {
  auto sink = ResultSink::create(k, anchor);
  if (failed(sink))
    return failure();
  if (auto op = dyn_cast<dyadic::GatherOp>(anchor))
    emitPieces(k, *sink, op);
  else if (auto table = codedTable(k, *sink, cast<qnn::GatherOp>(anchor)))
    emitCodedRows(k, *sink, cast<qnn::GatherOp>(anchor), *table);
  else
    emitPieces(k, *sink, cast<qnn::GatherOp>(anchor));
  return success();
}
