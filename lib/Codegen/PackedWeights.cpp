//===- PackedWeights.cpp --------------------------------------------------===//
#include "PackedWeights.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;

FailureOr<HostTensor> codegen::readWeights(Operation *contraction,
                                           Value weights, NibbleTable &table) {
  std::optional<ArrayRef<int8_t>> codebook;
  if (auto conv = dyn_cast<Conv2DOp>(contraction))
    codebook = conv.getCodebook();
  else if (auto matmul = dyn_cast<MatmulOp>(contraction))
    codebook = matmul.getCodebook();
  auto type = cast<RankedTensorType>(weights.getType());
  if (type.getElementType().isInteger(4)) {
    table.emplace();
    for (int i = 0; i < 16; ++i)
      (*table)[i] = codebook ? (*codebook)[i] : (i ^ 8) - 8;
  }
  return dyadic::readWeights(weights, codebook);
}

void codegen::packNibbles(std::vector<int8_t> &data,
                          const std::array<int8_t, 16> &table, int64_t depth,
                          int64_t group, int64_t lowerOffset, int64_t columns,
                          function_ref<int8_t(int64_t, int64_t)> weight) {
  std::array<uint8_t, 256> numberOf{};
  for (int i = 15; i >= 0; --i)
    numberOf[static_cast<uint8_t>(table[i])] = i;
  auto number = [&](int64_t column, int64_t i) {
    return numberOf[static_cast<uint8_t>(weight(column, i))];
  };
  for (int64_t first = 0; first < depth; first += 2 * group)
    for (int64_t n = 0; n < columns; ++n)
      for (int64_t i = first; i < first + group; ++i)
        data.push_back(
            static_cast<int8_t>(((number(n, i) + lowerOffset) & 15) |
                                number(n, i + group) << 4));
}
