//===- Coded.h - weights of few bits as a constant --------------*- C++ -*-===//
#ifndef DYADIC_DIALECT_CODED_CODED_H
#define DYADIC_DIALECT_CODED_CODED_H

#include "dyadic/Dialect/Coded/CodedGrid.h"
#include "dyadic/Dialect/Coded/CodedIntegers.h"

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <memory>

namespace dyadic::coded {

/// A decoded element.
template <typename T> struct ElementOf {
  std::shared_ptr<const std::vector<T>> elements;
  T operator()(int64_t i) const { return (*elements)[i]; }
};

} // namespace dyadic::coded

#include "dyadic/Dialect/Coded/CodedDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dyadic/Dialect/Coded/CodedAttrs.h.inc"

namespace dyadic {

/// A weight tensor as channels × depth: `axis` is its first or last dimension.
struct ChannelMajor {
  int64_t channels = 0, depth = 0;
  bool channelsFirst = true;

  ChannelMajor(llvm::ArrayRef<int64_t> shape, int64_t axis);
  /// Where element k of channel o is in memory.
  int64_t operator()(int64_t o, int64_t k) const {
    return channelsFirst ? o * depth + k : k * channels + o;
  }
};

/// The coded weights that `value` is, if a constant defines it so.
std::optional<coded::WeightsAttr> codedWeights(mlir::Value value);
/// The integers of four bits with factors that it is likewise.
std::optional<coded::IntegersAttr> codedIntegers(mlir::Value value);

} // namespace dyadic

#endif
