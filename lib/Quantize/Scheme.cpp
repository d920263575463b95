//===- Scheme.cpp ---------------------------------------------------------===//
#include "dyadic/Quantize/Scheme.h"

#include "llvm/ADT/STLExtras.h"

using namespace dyadic;

static constexpr llvm::StringLiteral kNames[] = {"static", "dynamic",
                                                 "dynamic-tensor", "weight-only"};

llvm::ArrayRef<llvm::StringLiteral> dyadic::schemeNames() { return kNames; }

llvm::StringRef dyadic::nameOf(Scheme scheme) {
  return kNames[static_cast<size_t>(scheme)];
}

std::optional<Scheme> dyadic::parseScheme(llvm::StringRef name) {
  const llvm::StringLiteral *found = llvm::find(kNames, name);
  if (found == std::end(kNames))
    return std::nullopt;
  return static_cast<Scheme>(found - std::begin(kNames));
}
