//===- Elements.h - constants of few bits as the elements they are -*- C++ -*-===//
#ifndef DYADIC_LIB_DIALECT_CODED_ELEMENTS_H
#define DYADIC_LIB_DIALECT_CODED_ELEMENTS_H

#include "dyadic/Dialect/Coded/Coded.h"

namespace dyadic::coded {

/// Iterates over the elements of a tensor of `type`, of which `content` has those of each
/// channel, the dimension `axis`.
template <typename Iterator, typename T, typename Content>
Iterator beginOf(mlir::RankedTensorType type, int64_t axis, const Content &content) {
  ChannelMajor layout(type.getShape(), axis);
  auto elements = std::make_shared<std::vector<T>>(layout.channels * layout.depth);
  for (int64_t o = 0; o < layout.channels; ++o)
    for (int64_t k = 0; k < layout.depth; ++k)
      (*elements)[layout(o, k)] = content.at(o, k);
  return Iterator(llvm::seq<int64_t>(0, elements->size()).begin(),
                  ElementOf<T>{std::move(elements)});
}

} // namespace dyadic::coded

#endif
