//===- Contractions.cpp - convolutions and matrix products ----------------===//
#include "OpConverter.h"

using namespace mlir;

namespace dyadic::tosa_import {

/// TOSA repeats a bias of one element; ours has one per channel.
static FailureOr<Value> convertBias(OpConverter &c, Value bias,
                                    int64_t channels) {
  if (cast<RankedTensorType>(bias.getType()).getDimSize(0) == channels)
    return bias;
  auto one = c.constant(bias, "a bias of one element");
  if (failed(one))
    return failure();
  auto type = RankedTensorType::get({channels}, c.b.getF32Type());
  return c.create<qnn::ConstantOp>(
      type, DenseElementsAttr::get(type, one->as<float>().front()));
}

/// TOSA's pad is [top, bottom, left, right], ours [top, left, bottom, right].
template <typename Op>
static FailureOr<Value> emitConv(OpConverter &c, Op op, Value filter,
                                 int64_t groups) {
  if (failed(c.checkTypes(/*orQuantized=*/false)) ||
      failed(c.expectZero(op.getInputZp(), "input_zp")) ||
      failed(c.expectZero(op.getWeightZp(), "weight_zp")))
    return failure();
  auto bias = convertBias(c, op.getBias(), c.resultType().getDimSize(3));
  if (failed(bias))
    return failure();
  ArrayRef<int64_t> pad = op.getPad();
  Shape pads{pad[0], pad[2], pad[1], pad[3]};
  return c.create<qnn::Conv2DOp>(c.resultType(), op.getInput(), filter, *bias,
                                 op.getStride(), pads, op.getDilation(),
                                 groups);
}

static FailureOr<Value> convertConv2D(OpConverter &c, tosa::Conv2DOp op) {
  return emitConv(c, op, op.getWeight(), 1);
}

/// KH×KW×C×M → (C·M)×KH×KW×1: output channel c·M + m reads input channel c.
static FailureOr<Value> convertDepthwise(OpConverter &c,
                                         tosa::DepthwiseConv2DOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)))
    return failure();
  ArrayRef<int64_t> shape =
      cast<ShapedType>(op.getWeight().getType()).getShape();
  Value filter = c.transpose(op.getWeight(), {2, 3, 0, 1});
  filter = c.reshape(filter, {shape[2] * shape[3], shape[0], shape[1], 1});
  return emitConv(c, op, filter, shape[2]);
}

static FailureOr<Value> convertMatMul(OpConverter &c, tosa::MatMulOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/false)) ||
      failed(c.expectZero(op.getAZp(), "a_zp")) ||
      failed(c.expectZero(op.getBZp(), "b_zp")))
    return failure();
  // The quantizer gives a constant right side of two dimensions integer
  // weights; a batch of one is no batch.
  Value rhs = op.getB();
  auto type = cast<RankedTensorType>(rhs.getType());
  if (type.getDimSize(0) == 1)
    rhs = c.reshape(rhs, type.getShape().drop_front());
  return c.create<qnn::MatmulOp>(c.resultType(), op.getA(), rhs, Value());
}

void addContractions(ConverterTable &table) {
  addConverter<tosa::Conv2DOp, convertConv2D>(table);
  addConverter<tosa::DepthwiseConv2DOp, convertDepthwise>(table);
  addConverter<tosa::MatMulOp, convertMatMul>(table);
}

} // namespace dyadic::tosa_import
