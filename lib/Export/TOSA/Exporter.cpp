//===- Exporter.cpp -------------------------------------------------------===//
#include "Exporter.h"

using namespace mlir;

namespace dyadic::tosa_export {

int64_t offsetOf(Type type) {
  return getElementTypeOrSelf(type).isUnsignedInteger(8) ? 128 : 0;
}

RankedTensorType exportedType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (offsetOf(type) == 0)
    return tensor;
  return tensor.clone(IntegerType::get(type.getContext(), 8));
}

Value Exporter::splat(RankedTensorType type, int64_t value) {
  auto element = cast<IntegerType>(type.getElementType());
  APInt bits(element.getWidth(), value, /*isSigned=*/true);
  return constant(DenseElementsAttr::get(type, bits));
}

Value Exporter::splat(RankedTensorType type, float value) {
  return constant(DenseElementsAttr::get(type, value));
}

Value Exporter::single(Type elementType, int64_t value) {
  return splat(RankedTensorType::get({1}, elementType), value);
}

Value Exporter::constant(ElementsAttr value) {
  return create<tosa::ConstOp>(value.getType(), value);
}

Value Exporter::shape(ArrayRef<int64_t> extents) {
  auto type = tosa::shapeType::get(b.getContext(), extents.size());
  return create<tosa::ConstShapeOp>(type, b.getIndexTensorAttr(extents));
}

Value Exporter::reshape(Value value, ArrayRef<int64_t> extents) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == extents)
    return value;
  return create<tosa::ReshapeOp>(type.clone(extents), value, shape(extents));
}

Value Exporter::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (llvm::is_sorted(permutation))
    return value;
  auto type = cast<RankedTensorType>(value.getType());
  Shape extents;
  for (int64_t dim : permutation)
    extents.push_back(type.getDimSize(dim));
  SmallVector<int32_t> perms(permutation);
  return create<tosa::TransposeOp>(type.clone(extents), value, perms);
}

Value Exporter::slice(Value value, ArrayRef<int64_t> start,
                      ArrayRef<int64_t> size) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == size)
    return value;
  return create<tosa::SliceOp>(type.clone(size), value, shape(start),
                               shape(size));
}

Value Exporter::toRank(Value value, int64_t rank) {
  ArrayRef<int64_t> from = cast<RankedTensorType>(value.getType()).getShape();
  Shape extents(std::max<int64_t>(rank - from.size(), 0), 1);
  llvm::append_range(extents, from);
  return reshape(value, extents);
}

Value Exporter::multiply(Value lhs, Value rhs, RankedTensorType type) {
  return create<tosa::MulOp>(type, toRank(lhs, type.getRank()),
                             toRank(rhs, type.getRank()),
                             single(b.getI8Type(), 0));
}

Value Exporter::rescale(Value value, RankedTensorType type,
                        const RescaleNumbers &numbers) {
  auto count = static_cast<int64_t>(numbers.multipliers.size());
  SmallVector<int8_t> shifts(numbers.shifts);
  Value multiplier = constant(DenseElementsAttr::get(
      RankedTensorType::get({count}, b.getI32Type()), numbers.multipliers));
  Value shift = constant(
      DenseElementsAttr::get(RankedTensorType::get({count}, b.getI8Type()),
                             ArrayRef<int8_t>(shifts)));
  // Zero points are signless whatever the tensors are.
  auto zeroPoint = [&](Type tensor, int64_t zp) {
    unsigned width = getElementTypeOrSelf(tensor).getIntOrFloatBitWidth();
    APInt bits(width, zp, /*isSigned=*/true, /*implicitTrunc=*/true);
    auto one = RankedTensorType::get({1}, b.getIntegerType(width));
    return constant(DenseElementsAttr::get(one, bits));
  };
  return create<tosa::RescaleOp>(
      type, value, multiplier, shift,
      zeroPoint(value.getType(), numbers.inputZp),
      zeroPoint(type, numbers.outputZp), /*scale32=*/true, numbers.rounding,
      /*per_channel=*/count > 1, numbers.inputUnsigned, numbers.outputUnsigned);
}

Value Exporter::widen(Value value, int64_t zeroPoint, int64_t factor) {
  auto type = exportedType(value.getType());
  RankedTensorType wide = type.clone(b.getI32Type());
  // |value − zeroPoint| < 2^(shift − 1), and the multiplier is below 2^31.
  bool isWord = type.getElementTypeBitWidth() > 8;
  bool folds = !isWord && factor > 0;
  int32_t shift = isWord ? 18 : 15;
  auto multiplier = static_cast<int32_t>((folds ? factor : 1) << shift);
  RescaleNumbers numbers{multiplier, shift};
  numbers.inputZp = zeroPoint - offsetOf(value.getType());
  Value result = rescale(operand(value), wide, numbers);
  if (folds || factor == 1)
    return result;
  Shape ones(wide.getRank(), 1);
  return multiply(result, splat(wide.clone(ones), factor), wide);
}

} // namespace dyadic::tosa_export
