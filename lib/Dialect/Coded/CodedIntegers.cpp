//===- CodedIntegers.cpp - integers as numbers of four bits times factors -===//
#include "Elements.h"

#include "dyadic/Support/ConstantData.h"

#include "llvm/Support/MathExtras.h"

#include <cstdlib>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::coded;

/// The content of an attribute of these parameters.
static FailureOr<CodedIntegers> readIntegers(RankedTensorType type, ElementsAttr numbers,
                                             ElementsAttr factors, int64_t axis,
                                             int64_t group) {
  auto stored = readConstant(numbers), ofGroups = readConstant(factors);
  if (failed(stored) || failed(ofGroups))
    return failure();
  ChannelMajor layout(type.getShape(), axis);
  ArrayRef<int8_t> values = ofGroups->as<int8_t>();
  CodedIntegers integers{{layout.channels, layout.depth, group, values.vec()}, {}};
  integers.numbers.resize(layout.channels * layout.depth);
  for (int64_t o = 0; o < layout.channels; ++o)
    for (int64_t k = 0; k < layout.depth; ++k)
      integers.numbers[o * layout.depth + k] = stored->as<int8_t>()[layout(o, k)];
  return integers;
}

/// Checks what only the elements tell.
static LogicalResult checkElements(function_ref<InFlightDiagnostic()> emitError,
                                   const CodedIntegers &integers) {
  for (int8_t factor : integers.factors.factors)
    if (factor == 0)
      return emitError() << "expected factors other than 0";
  for (int64_t o = 0; o < integers.factors.channels; ++o)
    for (int64_t k = 0; k < integers.factors.depth; ++k) {
      int product = integers.number(o, k) * integers.factors.at(o, k);
      if (std::abs(product) > GroupFactors::kMostProduct)
        return emitError() << "expected products within ±" << GroupFactors::kMostProduct
                           << ", but element " << k << " of channel " << o << " is "
                           << product;
    }
  return success();
}

LogicalResult IntegersAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   RankedTensorType tensor, ElementsAttr numbers,
                                   ElementsAttr factors, int64_t axis, int64_t group) {
  if (!tensor || !tensor.getElementType().isSignlessInteger(8) ||
      !tensor.hasStaticShape() || tensor.getRank() < 2 || tensor.getNumElements() == 0)
    return emitError() << "expected the type of an i8 tensor of two or more "
                          "dimensions, but got "
                       << tensor;
  if (axis != 0 && axis != tensor.getRank() - 1)
    return emitError() << "expected the first or the last dimension as the axis, "
                          "but got "
                       << axis;
  if (group < 1)
    return emitError() << "expected groups of 1 or more, but got " << group;
  auto i4 = tensor.clone(IntegerType::get(tensor.getContext(), 4));
  if (numbers.getShapedType() != i4)
    return emitError() << "expected numbers of type " << i4 << ", but got "
                       << numbers.getShapedType();
  ChannelMajor layout(tensor.getShape(), axis);
  auto wanted = RankedTensorType::get(
      {layout.channels, static_cast<int64_t>(llvm::divideCeil(layout.depth, group))},
      tensor.getElementType());
  if (factors.getShapedType() != wanted)
    return emitError() << "expected factors of type " << wanted << ", but got "
                       << factors.getShapedType();
  auto read = readIntegers(tensor, numbers, factors, axis, group);
  if (failed(read))
    return success(); // a resource that isn't there yet
  return checkElements(emitError, *read);
}

FailureOr<CodedIntegers> IntegersAttr::read() const {
  return readIntegers(getType(), getNumbers(), getFactors(), getAxis(), getGroup());
}

FailureOr<IntegersAttr::Iterator>
IntegersAttr::try_value_begin_impl(OverloadToken<int8_t>) const {
  auto integers = read();
  if (failed(integers))
    return failure();
  return beginOf<Iterator, int8_t>(getType(), getAxis(), *integers);
}

IntegersAttr IntegersAttr::get(RankedTensorType type, int64_t axis,
                               const CodedIntegers &integers) {
  MLIRContext *context = type.getContext();
  const GroupFactors &factors = integers.factors;
  ChannelMajor layout(type.getShape(), axis);
  HostTensor numbers(ElementKind::I8, type.getShape()),
      ofGroups(ElementKind::I8, {factors.channels, factors.groups()});
  for (int64_t o = 0; o < layout.channels; ++o)
    for (int64_t k = 0; k < layout.depth; ++k)
      numbers.as<int8_t>()[layout(o, k)] = integers.number(o, k);
  llvm::copy(factors.factors, ofGroups.as<int8_t>().begin());
  return get(context, type,
             makeConstant(std::move(numbers), type.clone(IntegerType::get(context, 4))),
             makeConstant(std::move(ofGroups), context), axis, factors.group);
}
