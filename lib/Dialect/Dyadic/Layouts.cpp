//===- Layouts.cpp - where the elements of a tensor lie -------------------===//
#include "dyadic/Dialect/Dyadic/Layouts.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace dyadic;

Strides dyadic::stridesOf(ArrayRef<int64_t> shape) {
  Strides strides(shape.size(), 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

bool dyadic::isContiguous(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  int64_t expected = 1;
  for (int64_t i = static_cast<int64_t>(shape.size()) - 1; i >= 0; --i) {
    if (shape[i] == 1)
      continue;
    if (strides[i] != expected)
      return false;
    expected *= shape[i];
  }
  return true;
}

int64_t dyadic::spanOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  int64_t last = 0;
  for (auto [extent, stride] : llvm::zip_equal(shape, strides)) {
    if (extent == 0)
      return 0;
    last += (extent - 1) * stride;
  }
  return last + 1;
}

std::optional<Strides> dyadic::reshapeStrides(ArrayRef<int64_t> from,
                                              ArrayRef<int64_t> strides,
                                              ArrayRef<int64_t> to) {
  if (isContiguous(from, strides))
    return stridesOf(to);
  if (from == to)
    return llvm::to_vector(strides);
  // Runs of dimensions that one stride goes through, innermost first.
  SmallVector<std::pair<int64_t, int64_t>> runs;
  for (int64_t i = static_cast<int64_t>(from.size()) - 1; i >= 0; --i) {
    if (from[i] == 1)
      continue;
    if (!runs.empty() && runs.back().first * runs.back().second == strides[i])
      runs.back().first *= from[i];
    else
      runs.emplace_back(from[i], strides[i]);
  }
  Strides result(to.size(), 1);
  size_t run = 0;
  int64_t inside = 1; // elements of the run that inner dimensions took
  for (int64_t i = static_cast<int64_t>(to.size()) - 1; i >= 0; --i) {
    if (to[i] == 1)
      continue;
    if (run < runs.size() && inside == runs[run].first) {
      ++run;
      inside = 1;
    }
    if (run == runs.size() || runs[run].first % (inside * to[i]) != 0)
      return std::nullopt;
    result[i] = inside * runs[run].second;
    inside *= to[i];
  }
  return result;
}

static bool isReshape(Operation *op) {
  return isa_and_nonnull<qnn::ReshapeOp, dyadic::ReshapeOp>(op);
}

Value dyadic::stripReshapes(Value value) {
  while (isReshape(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

Strides dyadic::memoryStrides(Value value) {
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  Value root = stripReshapes(value);
  auto kernel = root.getDefiningOp<KernelOp>();
  if (!kernel || !kernel.getLayouts())
    return stridesOf(shape);
  auto layout = cast<StridedLayoutAttr>(
      (*kernel.getLayouts())[cast<OpResult>(root).getResultNumber()]);
  // Planning only gives layouts that every reshape can be read with.
  auto strides = reshapeStrides(
      cast<RankedTensorType>(root.getType()).getShape(), layout.getStrides(), shape);
  return strides ? *strides : stridesOf(shape);
}
