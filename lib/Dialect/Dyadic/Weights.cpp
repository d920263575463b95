//===- Weights.cpp - constant operands of contractions --------------------===//
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Support/ConstantData.h"

using namespace mlir;
using namespace dyadic;

static constexpr int64_t kCodebookEntries = 16;

FailureOr<HostTensor>
dyadic::readWeights(Value weights, std::optional<ArrayRef<int8_t>> codebook) {
  FailureOr<HostTensor> numbers = readConstant(weights);
  if (failed(numbers) || !codebook)
    return numbers;
  for (int8_t &weight : numbers->as<int8_t>())
    weight = (*codebook)[weight & (kCodebookEntries - 1)];
  return numbers;
}

/// (C25)
static LogicalResult checkCodebook(Operation *op, Value weights,
                                   std::optional<ArrayRef<int8_t>> codebook) {
  if (!codebook)
    return success();
  if (codebook->size() != kCodebookEntries)
    return op->emitOpError() << "expected a codebook of 16 entries, but got "
                             << codebook->size();
  Type element = cast<RankedTensorType>(weights.getType()).getElementType();
  if (!element.isInteger(4))
    return op->emitOpError()
           << "expected weights of type i4 with a codebook, but got " << element;
  return success();
}

LogicalResult Conv2DOp::verify() {
  return checkCodebook(*this, getFilter(), getCodebook());
}

LogicalResult MatmulOp::verify() {
  return checkCodebook(*this, getRhs(), getCodebook());
}
