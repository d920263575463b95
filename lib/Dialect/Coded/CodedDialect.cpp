//===- CodedDialect.cpp - weights of few bits as a constant ---------------===//
#include "Elements.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::coded;

#include "dyadic/Dialect/Coded/CodedDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dyadic/Dialect/Coded/CodedAttrs.cpp.inc"

void CodedDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dyadic/Dialect/Coded/CodedAttrs.cpp.inc"
      >();
}

Attribute CodedDialect::parseAttribute(DialectAsmParser &parser, Type type) const {
  StringRef mnemonic;
  Attribute attribute;
  SMLoc loc = parser.getCurrentLocation();
  if (!type) {
    parser.emitError(loc, "expected a type behind the attribute");
    return {};
  }
  if (!generatedAttributeParser(parser, &mnemonic, type, attribute).has_value())
    parser.emitError(loc) << "expected #coded.weights or "
                             "#coded.integers, but got #coded." << mnemonic;
  return attribute;
}

void CodedDialect::printAttribute(Attribute attribute,
                                  DialectAsmPrinter &printer) const {
  (void)generatedAttributePrinter(attribute, printer);
}

ChannelMajor::ChannelMajor(ArrayRef<int64_t> shape, int64_t axis)
    : channels(shape[axis]), channelsFirst(axis == 0) {
  depth = channels ? ShapedType::getNumElements(shape) / channels : 0;
}

LogicalResult WeightsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  RankedTensorType tensor, ElementsAttr codes, ElementsAttr scales,
                                  ElementsAttr zeros, DenseF32ArrayAttr values,
                                  int64_t axis, int64_t group, unsigned bits) {
  if (!tensor || !tensor.getElementType().isF32() || !tensor.hasStaticShape() ||
      tensor.getRank() < 2 || tensor.getNumElements() == 0)
    return emitError() << "expected the type of an f32 tensor of two or more "
                          "dimensions, but got "
                       << tensor;
  if (axis != 0 && axis != tensor.getRank() - 1)
    return emitError() << "expected the first or the last dimension as the axis, "
                          "but got "
                       << axis;
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
    return emitError() << "expected 2, 3, 4 or 8 bits, but got " << bits;
  if (group < 1)
    return emitError() << "expected groups of 1 or more, but got " << group;
  if (values && values.size() != int64_t(1) << bits)
    return emitError() << "expected " << (1 << bits) << " values, but got "
                       << values.size();
  if (values && !llvm::is_sorted(values.asArrayRef()))
    return emitError() << "expected values that ascend";
  auto i8 = IntegerType::get(tensor.getContext(), 8);
  auto ui8 = IntegerType::get(tensor.getContext(), 8, IntegerType::Unsigned);
  if (codes.getShapedType() != tensor.clone(ui8))
    return emitError() << "expected codes of type " << tensor.clone(ui8)
                       << ", but got " << codes.getShapedType();
  ChannelMajor layout(tensor.getShape(), axis);
  auto shape = scales.getShapedType().getShape();
  int64_t groups = llvm::divideCeil(layout.depth, group);
  if (!scales.getElementType().isF32() ||
      (shape != ArrayRef<int64_t>{layout.channels, groups} &&
       shape != ArrayRef<int64_t>{1, 1}))
    return emitError() << "expected scales of type "
                       << RankedTensorType::get({layout.channels, groups},
                                                tensor.getElementType())
                       << " or tensor<1x1xf32>, but got " << scales.getShapedType();
  if (zeros && zeros.getShapedType() != scales.getShapedType().clone(i8))
    return emitError() << "expected zeros of type " << scales.getShapedType().clone(i8)
                       << ", but got " << zeros.getShapedType();
  auto numbers = readConstant(codes);
  if (failed(numbers))
    return success(); // a resource that isn't there yet
  for (uint8_t code : numbers->as<uint8_t>())
    if (code >> bits)
      return emitError() << "expected codes of " << bits << " bits, but got "
                         << unsigned(code);
  return success();
}

FailureOr<CodedWeights> WeightsAttr::read() const {
  auto codes = readConstant(getCodes()), scales = readConstant(getScales());
  if (failed(codes) || failed(scales))
    return failure();
  ChannelMajor layout(getType().getShape(), getAxis());
  CodedWeights weights;
  CodedGrid &grid = weights.grid;
  grid.channels = layout.channels;
  grid.depth = layout.depth;
  grid.group = getGroup();
  grid.bits = getBits();
  grid.values = getValues() ? getValues().asArrayRef().vec()
                            : CodedGrid::integers(getBits());
  grid.scales.assign(scales->as<float>().begin(), scales->as<float>().end());
  if (getZeros()) {
    auto zeros = readConstant(getZeros());
    if (failed(zeros))
      return failure();
    grid.zeros.assign(zeros->as<int8_t>().begin(), zeros->as<int8_t>().end());
  }
  weights.codes.resize(layout.channels * layout.depth);
  ArrayRef<uint8_t> stored = codes->as<uint8_t>();
  for (int64_t o = 0; o < layout.channels; ++o)
    for (int64_t k = 0; k < layout.depth; ++k)
      weights.codes[o * layout.depth + k] = stored[layout(o, k)];
  return weights;
}

FailureOr<WeightsAttr::Iterator>
WeightsAttr::try_value_begin_impl(OverloadToken<float>) const {
  auto weights = read();
  if (failed(weights))
    return failure();
  return beginOf<Iterator, float>(getType(), getAxis(), *weights);
}

WeightsAttr WeightsAttr::get(RankedTensorType type, int64_t axis,
                             const CodedWeights &weights) {
  MLIRContext *context = type.getContext();
  const CodedGrid &grid = weights.grid;
  ChannelMajor layout(type.getShape(), axis);
  HostTensor codes(ElementKind::U8, type.getShape());
  for (int64_t o = 0; o < layout.channels; ++o)
    for (int64_t k = 0; k < layout.depth; ++k)
      codes.as<uint8_t>()[layout(o, k)] = weights.codes[o * layout.depth + k];
  SmallVector<int64_t> shape{1, 1};
  if (grid.scales.size() != 1)
    shape = {grid.channels, grid.groups()};
  HostTensor scales(ElementKind::F32, shape), zeros(ElementKind::I8, shape);
  llvm::copy(grid.scales, scales.as<float>().begin());
  llvm::copy(grid.zeros, zeros.as<int8_t>().begin());
  return get(context, type, makeConstant(std::move(codes), context),
             makeConstant(std::move(scales), context),
             grid.zeros.empty() ? ElementsAttr()
                                : makeConstant(std::move(zeros), context),
             grid.hasIntegers() ? DenseF32ArrayAttr()
                                : DenseF32ArrayAttr::get(context, grid.values),
             axis, grid.group, grid.bits);
}

/// The attribute of that kind that `value` is, if a constant defines it so.
template <typename Attr> static std::optional<Attr> definedAs(Value value) {
  Attribute attribute;
  if (!value || !matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  auto found = dyn_cast<Attr>(attribute);
  return found ? std::optional(found) : std::nullopt;
}

std::optional<WeightsAttr> dyadic::codedWeights(Value value) {
  return definedAs<WeightsAttr>(value);
}

std::optional<IntegersAttr> dyadic::codedIntegers(Value value) {
  return definedAs<IntegersAttr>(value);
}
