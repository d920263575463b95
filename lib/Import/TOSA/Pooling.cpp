//===- Pooling.cpp - pools and reductions ---------------------------------===//
#include "OpConverter.h"

using namespace mlir;

namespace dyadic::tosa_import {

/// TOSA's [top, bottom, left, right] as [top, left, bottom, right].
static Shape padsOf(ArrayRef<int64_t> pad) {
  return {pad[0], pad[2], pad[1], pad[3]};
}

static FailureOr<Value> convertMaxPool(OpConverter &c, tosa::MaxPool2dOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)) ||
      failed(c.expectNaNPropagation(op.getNanMode())))
    return failure();
  if (isStorage(c.resultType())) {
    // The least value wins nowhere.
    Value padded = c.padImage(op.getInput(), op.getPad(),
                              storageRange(c.resultType()).min);
    return c.create<dyadic::MaxPool2DOp>(c.resultType(), padded,
                                         op.getKernel(), op.getStride());
  }
  return c.create<qnn::MaxPool2DOp>(c.resultType(), op.getInput(),
                                    op.getKernel(), op.getStride(),
                                    padsOf(op.getPad()));
}

static FailureOr<Value> convertAvgPool(OpConverter &c, tosa::AvgPool2dOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)) ||
      failed(c.expectZero(op.getInputZp(), "input_zp")) ||
      failed(c.expectZero(op.getOutputZp(), "output_zp")))
    return failure();
  // Neither counts the border.
  return c.create<qnn::AvgPool2DOp>(c.resultType(), op.getInput(),
                                    op.getKernel(), op.getStride(),
                                    padsOf(op.getPad()));
}

static FailureOr<Value> convertReduceSum(OpConverter &c, tosa::ReduceSumOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)))
    return failure();
  int64_t axis = op.getAxis();
  int64_t extent = cast<ShapedType>(op.getInput().getType()).getDimSize(axis);
  Value mean =
      c.create<qnn::ReduceMeanOp>(c.resultType(), op.getInput(),
                                  ArrayRef<int64_t>(axis), /*keep_dims=*/true);
  return c.create<qnn::MulOp>(c.resultType(), mean, c.scalar(extent));
}

/// The maximum along one dimension, as a pool over an image whose rows are that
/// dimension and whose channels are all dimensions behind it.
static Value emitMaximum(OpConverter &c, Value input, int64_t axis) {
  ArrayRef<int64_t> shape = cast<ShapedType>(input.getType()).getShape();
  int64_t outer = 1, inner = 1;
  for (auto [i, extent] : llvm::enumerate(shape))
    if (static_cast<int64_t>(i) != axis)
      (static_cast<int64_t>(i) < axis ? outer : inner) *= extent;
  Value image = c.reshape(input, {outer, shape[axis], 1, inner});
  auto type = cast<RankedTensorType>(image.getType());
  Value pooled = c.move<qnn::MaxPool2DOp, dyadic::MaxPool2DOp>(
      type.clone({outer, 1, 1, inner}), image,
      ArrayRef<int64_t>{shape[axis], 1});
  return c.reshape(pooled, c.resultType().getShape());
}

static FailureOr<Value> convertReduceMax(OpConverter &c, tosa::ReduceMaxOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)) ||
      failed(c.expectNaNPropagation(op.getNanMode())))
    return failure();
  return emitMaximum(c, op.getInput(), op.getAxis());
}

static FailureOr<Value> convertReduceMin(OpConverter &c, tosa::ReduceMinOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)) ||
      failed(c.expectNaNPropagation(op.getNanMode())))
    return failure();
  Value negated = c.create<qnn::NegOp>(op.getInput().getType(), op.getInput());
  Value maximum = emitMaximum(c, negated, op.getAxis());
  return c.create<qnn::NegOp>(c.resultType(), maximum);
}

void addPooling(ConverterTable &table) {
  addConverter<tosa::MaxPool2dOp, convertMaxPool>(table);
  addConverter<tosa::AvgPool2dOp, convertAvgPool>(table);
  addConverter<tosa::ReduceSumOp, convertReduceSum>(table);
  addConverter<tosa::ReduceMaxOp, convertReduceMax>(table);
  addConverter<tosa::ReduceMinOp, convertReduceMin>(table);
}

} // namespace dyadic::tosa_import
