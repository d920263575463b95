//===- Elementwise.cpp - functions of one or two elements, tables ---------===//
#include "OpConverter.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"

#include <cfloat>
#include <cmath>

using namespace mlir;

namespace dyadic::tosa_import {

template <typename Op, typename To>
static FailureOr<Value> convertUnary(OpConverter &c, Op op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)))
    return failure();
  return c.create<To>(c.resultType(), op->getOperand(0));
}

template <typename Op, typename To>
static FailureOr<Value> convertBinary(OpConverter &c, Op op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)))
    return failure();
  return c.create<To>(c.resultType(), op->getOperand(0), op->getOperand(1));
}

template <typename Op, typename To>
static FailureOr<Value> convertExtremum(OpConverter &c, Op op) {
  if (failed(c.expectNaNPropagation(op.getNanMode())))
    return failure();
  return convertBinary<Op, To>(c, op);
}

static FailureOr<Value> convertMul(OpConverter &c, tosa::MulOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)) ||
      failed(c.expectZero(op.getShift(), "shift")))
    return failure();
  return c.create<qnn::MulOp>(c.resultType(), op.getInput1(), op.getInput2());
}

static FailureOr<Value> convertNegate(OpConverter &c, tosa::NegateOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)) ||
      failed(c.expectZero(op.getInput1Zp(), "input1_zp")) ||
      failed(c.expectZero(op.getOutputZp(), "output_zp")))
    return failure();
  return c.create<qnn::NegOp>(c.resultType(), op.getInput1());
}

static FailureOr<Value> convertRsqrt(OpConverter &c, tosa::RsqrtOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)))
    return failure();
  Value root = c.create<qnn::SqrtOp>(c.resultType(), op.getInput1());
  return c.create<qnn::ReciprocalOp>(c.resultType(), root);
}

static FailureOr<Value> convertClamp(OpConverter &c, tosa::ClampOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)) ||
      failed(c.expectNaNPropagation(op.getNanMode())))
    return failure();
  float min = cast<FloatAttr>(op.getMinVal()).getValueAsDouble(),
        max = cast<FloatAttr>(op.getMaxVal()).getValueAsDouble();
  if (min == 0 && max >= FLT_MAX)
    return c.create<qnn::ReluOp>(c.resultType(), op.getInput());
  return c.create<qnn::ClampOp>(c.resultType(), op.getInput(), APFloat(min),
                                APFloat(max));
}

/// A table of storage values belongs to level 3; the casts around it only say
/// that its bytes stand for other numbers outside.
static FailureOr<Value> convertTable(OpConverter &c, tosa::TableOp op) {
  auto storage = [&](Type type) -> RankedTensorType {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape())
      return {};
    Type element = tensor.getElementType();
    if (auto quantized = dyn_cast<quant::UniformQuantizedType>(element))
      element = quantized.isSigned() ? quantized.getStorageType() : Type();
    return element && element.isInteger(8) ? tensor.clone(element)
                                           : RankedTensorType();
  };
  RankedTensorType from = storage(op.getInput1().getType()),
                   to = storage(op.getResult().getType());
  if (!from || !to)
    return c.emitError() << "expected tensors of i8, or quantized to it, but "
                            "got "
                         << op.getInput1().getType() << " and "
                         << op.getResult().getType();
  auto table = c.constant(op.getTable(), "the table");
  if (failed(table))
    return failure();
  if (table->kind != ElementKind::I8 || table->numElements() != 256)
    return c.emitError() << "expected a table of 256 elements of i8, but got "
                         << op.getTable().getType();
  Value input = op.getInput1();
  if (input.getType() != from)
    input = c.create<quant::StorageCastOp>(from, input);
  auto attribute = makeConstant(std::move(*table), op.getContext());
  Value result =
      c.create<LookupOp>(to, input, cast<DenseElementsAttr>(attribute));
  if (to != op.getResult().getType())
    result = c.create<quant::StorageCastOp>(op.getResult().getType(), result);
  return result;
}

void addElementwise(ConverterTable &table) {
  addConverter<tosa::AbsOp, convertUnary<tosa::AbsOp, qnn::AbsOp>>(table);
  addConverter<tosa::ErfOp, convertUnary<tosa::ErfOp, qnn::ErfOp>>(table);
  addConverter<tosa::ExpOp, convertUnary<tosa::ExpOp, qnn::ExpOp>>(table);
  addConverter<tosa::LogOp, convertUnary<tosa::LogOp, qnn::LogOp>>(table);
  addConverter<tosa::ReciprocalOp,
               convertUnary<tosa::ReciprocalOp, qnn::ReciprocalOp>>(table);
  addConverter<tosa::SigmoidOp, convertUnary<tosa::SigmoidOp, qnn::SigmoidOp>>(
      table);
  addConverter<tosa::TanhOp, convertUnary<tosa::TanhOp, qnn::TanhOp>>(table);
  addConverter<tosa::AddOp, convertBinary<tosa::AddOp, qnn::AddOp>>(table);
  addConverter<tosa::SubOp, convertBinary<tosa::SubOp, qnn::SubOp>>(table);
  addConverter<tosa::PowOp, convertBinary<tosa::PowOp, qnn::PowOp>>(table);
  addConverter<tosa::MaximumOp,
               convertExtremum<tosa::MaximumOp, qnn::MaximumOp>>(table);
  addConverter<tosa::MinimumOp,
               convertExtremum<tosa::MinimumOp, qnn::MinimumOp>>(table);
  addConverter<tosa::MulOp, convertMul>(table);
  addConverter<tosa::NegateOp, convertNegate>(table);
  addConverter<tosa::RsqrtOp, convertRsqrt>(table);
  addConverter<tosa::ClampOp, convertClamp>(table);
  addConverter<tosa::TableOp, convertTable>(table);
}

} // namespace dyadic::tosa_import
