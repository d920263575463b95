//===- RoundingNames.cpp --------------------------------------------------===//
#include "dyadic/Quantize/RoundingNames.h"

#include "llvm/ADT/STLExtras.h"

using namespace dyadic;

static constexpr llvm::StringLiteral kNames[] = {"nearest", "gptq", "adaround", "awq", "best"};

llvm::ArrayRef<llvm::StringLiteral> dyadic::weightRoundingNames() { return kNames; }

llvm::StringRef dyadic::nameOf(WeightRounding rounding) {
  return kNames[static_cast<size_t>(rounding)];
}

std::optional<WeightRounding> dyadic::parseWeightRounding(llvm::StringRef name) {
  const auto *found = llvm::find(kNames, name);
  if (found == std::end(kNames))
    return std::nullopt;
  return static_cast<WeightRounding>(found - std::begin(kNames));
}
