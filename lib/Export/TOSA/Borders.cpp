//===- Borders.cpp - quantize, dequantize and floats between --------------===//
#include "Exporter.h"

#include "dyadic/Dialect/QNN/QNN.h"

using namespace mlir;

namespace dyadic::tosa_export {

static int64_t signedValue(uint32_t x) { return static_cast<int32_t>(x); }

static Value scaled(Exporter &e, Value value, float factor) {
  auto type = cast<RankedTensorType>(value.getType());
  Shape ones(type.getRank(), 1);
  return e.multiply(value, e.splat(type.clone(ones), factor), type);
}

/// A cast to integers rounds to the nearest even; clamping before it with
/// nan_mode IGNORE makes NaN the least value, as ours does.
static FailureOr<Value> exportQuantize(Exporter &e, QuantizeOp op) {
  RankedTensorType type = e.resultType();
  int64_t zp = signedValue(op.getZeroPoint());
  StorageRange range = storageRange(op.getOutput().getType());
  Value real = scaled(e, e.operand(op.getInput()),
                      op.getInverseScale().convertToFloat());
  real = e.create<tosa::ClampOp>(
      real.getType(), real, e.b.getF32FloatAttr(range.min - zp),
      e.b.getF32FloatAttr(range.max - zp), tosa::NanPropagationMode::IGNORE);
  RankedTensorType wide = type.clone(e.b.getI32Type());
  Value integer = e.create<tosa::CastOp>(wide, real);
  if (int64_t shift = zp - offsetOf(op.getOutput().getType())) {
    Shape ones(type.getRank(), 1);
    integer = e.create<tosa::AddOp>(wide, integer,
                                    e.splat(wide.clone(ones), shift));
  }
  return e.create<tosa::CastOp>(type, integer);
}

static FailureOr<Value> exportDequantize(Exporter &e, DequantizeOp op) {
  auto from = cast<RankedTensorType>(op.getInput().getType());
  Value wide = from.getElementType().isInteger(32)
                   ? e.operand(op.getInput())
                   : e.widen(op.getInput(), signedValue(op.getZeroPoint()));
  Value real = e.create<tosa::CastOp>(e.resultType(), wide);
  return scaled(e, real, op.getScale().convertToFloat());
}

static FailureOr<Value> exportSoftmax(Exporter &e, qnn::SoftmaxOp op) {
  RankedTensorType type = e.resultType();
  auto axis = static_cast<uint32_t>(op.getAxis());
  Shape extents(type.getShape());
  extents[axis] = 1;
  RankedTensorType row = type.clone(extents);
  Value x = e.operand(op.getInput());
  Value most = e.create<tosa::ReduceMaxOp>(row, x, axis);
  Value exp =
      e.create<tosa::ExpOp>(type, e.create<tosa::SubOp>(type, x, most));
  Value sum = e.create<tosa::ReduceSumOp>(row, exp, axis);
  return e.multiply(exp, e.create<tosa::ReciprocalOp>(row, sum), type);
}

void addBorders(ExportTable &table) {
  addExport<QuantizeOp, exportQuantize>(table);
  addExport<DequantizeOp, exportDequantize>(table);
  addExport<qnn::SoftmaxOp, exportSoftmax>(table);
}

} // namespace dyadic::tosa_export
