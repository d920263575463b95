//===- PackedWeights.h - weights of four bits in memory ---------*- C++ -*-===//
#ifndef DYADIC_LIB_CODEGEN_PACKEDWEIGHTS_H
#define DYADIC_LIB_CODEGEN_PACKEDWEIGHTS_H

#include "dyadic/Support/HostTensor.h"
#include "mlir/IR/Value.h"

#include <array>
#include <optional>

namespace dyadic::codegen {

/// What the sixteen values of a weight of four bits mean: the numbers −8 to 7 in
/// two's complement, or a codebook. None for wider weights.
using NibbleTable = std::optional<std::array<int8_t, 16>>;

/// The constant weights of a contraction as numbers, and the table that gave
/// them. Fails where they aren't constant.
mlir::FailureOr<HostTensor> readWeights(mlir::Operation *contraction,
                                        mlir::Value weights,
                                        NibbleTable &table);

/// A panel's weights, two a byte: [depth / 2·group][column][group], where a byte
/// has the weight of position i low, plus `lowerOffset` modulo 16, and that of
/// position i + group high.
/// `depth` is a multiple of 2·group; `weight` gives numbers that `table` has.
void packNibbles(std::vector<int8_t> &data, const std::array<int8_t, 16> &table,
                 int64_t depth, int64_t group, int64_t lowerOffset,
                 int64_t columns,
                 llvm::function_ref<int8_t(int64_t column, int64_t i)> weight);

} // namespace dyadic::codegen

#endif
