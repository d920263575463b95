//===- Movement.cpp - constants and ops that move elements ----------------===//
#include "OpConverter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dyadic::tosa_import {

static FailureOr<Value> convertConst(OpConverter &c, tosa::ConstOp op) {
  Type element = c.resultType().getElementType();
  if (element.isInteger() && !elementKindOf(element))
    return Value(); // an i48: only integer ops read it
  auto tensor = readConstant(op.getValues());
  if (failed(tensor))
    return c.emitError() << "expected elements that are in the module";
  if (element.isInteger())
    return c.create<dyadic::ConstantOp>(c.resultType(), op.getValues());
  if (failed(c.checkTypes(/*orQuantized=*/false)))
    return failure();
  return c.create<qnn::ConstantOp>(
      c.resultType(), makeConstant(std::move(*tensor), op.getContext()));
}

/// An op that does nothing on the tensors that are taken.
template <typename Op>
static FailureOr<Value> convertNothing(OpConverter &c, Op op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)))
    return failure();
  Value input = op->getOperand(0);
  if (input.getType() != c.resultType())
    return c.emitError() << "expected operand and result of one type, but got "
                         << input.getType() << " and " << c.resultType();
  return input;
}

static FailureOr<Value> convertReshape(OpConverter &c, tosa::ReshapeOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)))
    return failure();
  return c.reshape(op.getInput1(), c.resultType().getShape());
}

static FailureOr<Value> convertTranspose(OpConverter &c, tosa::TransposeOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)))
    return failure();
  Shape permutation(op.getPerms().begin(), op.getPerms().end());
  return c.transpose(op.getInput1(), permutation);
}

static FailureOr<Value> convertConcat(OpConverter &c, tosa::ConcatOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)))
    return failure();
  return c.move<qnn::ConcatOp, dyadic::ConcatOp>(
      c.resultType(), op.getInput1(), static_cast<int64_t>(op.getAxis()));
}

static FailureOr<Value> convertSlice(OpConverter &c, tosa::SliceOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)))
    return failure();
  auto start = c.constantShape(op.getStart(), "start");
  if (failed(start))
    return failure();
  return c.move<qnn::SliceOp, dyadic::SliceOp>(
      c.resultType(), op.getInput1(), *start, c.resultType().getShape(),
      Shape(start->size(), 1));
}

/// TOSA counts [before, after] dimension by dimension.
static FailureOr<Value> convertPad(OpConverter &c, tosa::PadOp op) {
  bool integers = isStorage(c.resultType());
  if (failed(c.checkTypes(/*orQuantized=*/integers)))
    return failure();
  auto padding = c.constantShape(op.getPadding(), "padding");
  auto value = c.constant(op.getPadConst(), "pad_const");
  if (failed(padding) || failed(value))
    return failure();
  Shape low, high;
  for (size_t i = 0; i + 1 < padding->size(); i += 2) {
    low.push_back((*padding)[i]);
    high.push_back((*padding)[i + 1]);
  }
  if (integers)
    return c.create<dyadic::PadOp>(c.resultType(), op.getInput1(), low, high,
                                   static_cast<int32_t>(value->get(0)));
  return c.create<qnn::PadOp>(c.resultType(), op.getInput1(), low, high,
                              APFloat(static_cast<float>(value->get(0))));
}

static FailureOr<Value> convertTile(OpConverter &c, tosa::TileOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)))
    return failure();
  auto multiples = c.constantShape(op.getMultiples(), "multiples");
  if (failed(multiples))
    return failure();
  Value tiled = op.getInput1();
  for (auto [axis, count] : llvm::enumerate(*multiples)) {
    if (count == 1)
      continue;
    auto type = cast<RankedTensorType>(tiled.getType());
    Shape shape(type.getShape());
    shape[axis] *= count;
    tiled = c.move<qnn::ConcatOp, dyadic::ConcatOp>(
        type.clone(shape), SmallVector<Value>(count, tiled),
        static_cast<int64_t>(axis));
  }
  return tiled;
}

/// The input row or column that each of `count` outputs reads: the nearest to
/// (i · denominator + offset) / numerator, of two the greater.
static Shape nearest(int64_t count, int64_t extent, int64_t numerator,
                     int64_t denominator, int64_t offset) {
  Shape indices;
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = i * denominator + offset;
    int64_t index = llvm::divideFloorSigned(position, numerator);
    index += 2 * (position - index * numerator) >= numerator;
    indices.push_back(std::clamp<int64_t>(index, 0, extent - 1));
  }
  return indices;
}

static FailureOr<Value> convertResize(OpConverter &c, tosa::ResizeOp op) {
  if (failed(c.checkTypes(/*orQuantized=*/true)))
    return failure();
  if (op.getMode() != tosa::ResizeMode::NEAREST_NEIGHBOR)
    return c.emitError() << "expected mode NEAREST_NEIGHBOR, but got BILINEAR";
  auto scale = c.constantShape(op.getScale(), "scale");
  auto offset = c.constantShape(op.getOffset(), "offset");
  if (failed(scale) || failed(offset))
    return failure();
  for (int64_t factor : *scale)
    if (factor < 1)
      return c.emitError() << "expected scales of at least 1, but got "
                           << factor;
  ArrayRef<int64_t> from = cast<ShapedType>(op.getInput().getType()).getShape(),
                    to = c.resultType().getShape();
  ArrayRef<int64_t> s = *scale;
  return c.move<qnn::ResizeOp, dyadic::ResizeOp>(
      c.resultType(), op.getInput(),
      nearest(to[1], from[1], s[0], s[1], (*offset)[0]),
      nearest(to[2], from[2], s[2], s[3], (*offset)[1]));
}

void addMovement(ConverterTable &table) {
  addConverter<tosa::ConstOp, convertConst>(table);
  addConverter<tosa::IdentityOp, convertNothing<tosa::IdentityOp>>(table);
  addConverter<tosa::CastOp, convertNothing<tosa::CastOp>>(table);
  addConverter<tosa::ReshapeOp, convertReshape>(table);
  addConverter<tosa::TransposeOp, convertTranspose>(table);
  addConverter<tosa::ConcatOp, convertConcat>(table);
  addConverter<tosa::SliceOp, convertSlice>(table);
  addConverter<tosa::PadOp, convertPad>(table);
  addConverter<tosa::TileOp, convertTile>(table);
  addConverter<tosa::ResizeOp, convertResize>(table);
}

} // namespace dyadic::tosa_import
