//===- MaskedRows.cpp -----------------------------------------------------===//
#include "MaskedRows.h"

#include "dyadic/Dialect/QNN/QNN.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace mlir;
using namespace dyadic;

static bool isNamedMask(func::FuncOp func, unsigned argument) {
  auto name = func.getArgAttrOfType<StringAttr>(argument, kNameAttr);
  return name && name.getValue().contains_insensitive("mask") &&
         !name.getValue().contains_insensitive("pad");
}

/// The elements that are 1; none where one is neither 0 nor 1, or none is 1.
static std::optional<llvm::BitVector> onesOf(const HostTensor &mask) {
  llvm::BitVector ones(mask.numElements());
  for (size_t i = 0; i < ones.size(); ++i) {
    double value = mask.get(i);
    if (value != 0 && value != 1)
      return std::nullopt;
    ones[i] = value == 1;
  }
  return ones.any() ? std::optional(std::move(ones)) : std::nullopt;
}

MaskedRows::MaskedRows(func::FuncOp func, const SampleTensors &samples) {
  for (BlockArgument argument : func.getArguments()) {
    unsigned number = argument.getArgNumber();
    ArrayRef<int64_t> shape = cast<RankedTensorType>(argument.getType()).getShape();
    if (shape.size() != 2 || !isNamedMask(func, number))
      continue;
    std::vector<llvm::BitVector> all;
    for (const auto &inputs : samples)
      if (auto ones = onesOf(inputs[number]))
        all.push_back(std::move(*ones));
    if (all.size() != samples.size())
      continue;
    tokens = shape.back();
    kept = std::move(all);
    return;
  }
}

const llvm::BitVector *MaskedRows::of(size_t sample, ArrayRef<int64_t> shape) const {
  if (kept.empty() || shape.size() < 2 || shape[shape.size() - 2] != tokens)
    return nullptr;
  ArrayRef<int64_t> outer = shape.drop_back();
  int64_t rows = std::accumulate(outer.begin(), outer.end(), int64_t(1), std::multiplies<>());
  const llvm::BitVector &mask = kept[sample];
  return rows == static_cast<int64_t>(mask.size()) && !mask.all() ? &mask : nullptr;
}
