//===- Elementwise.h - loops over the elements of slots ---------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_ELEMENTWISE_H
#define DYADIC_LIB_EMULATE_ELEMENTWISE_H

#include "Block.h"
#include "OpTable.h"

#include <type_traits>

namespace dyadic::emulate {

/// The loop for `Op::apply(x, y)`. All threads compute, also inactive ones:
/// nobody reads what they get.
template <typename T, typename Op>
void binaryLoop(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]),
          *y = block.at<T>(instruction.in[1]);
  T *out = block.at<T>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = Op::apply(x[i], y[i]);
}

template <typename T, typename Op>
void unaryLoop(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]);
  T *out = block.at<T>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = Op::apply(x[i]);
}

template <typename T, typename Op>
void ternaryLoop(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]),
          *y = block.at<T>(instruction.in[1]),
          *z = block.at<T>(instruction.in[2]);
  T *out = block.at<T>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = Op::apply(x[i], y[i], z[i]);
}

/// Unsigned types where an operation wraps; `Bool` where i1 is sound.
template <typename Op>
constexpr ElementwiseCode integers(Execute bits = nullptr) {
  return {{bits, binaryLoop<uint8_t, Op>, binaryLoop<uint16_t, Op>,
           binaryLoop<uint32_t, Op>, binaryLoop<uint64_t, Op>}};
}
template <typename Op> constexpr ElementwiseCode floats() {
  ElementwiseCode code;
  code.byKind[unsigned(Kind::F32)] = binaryLoop<float, Op>;
  code.byKind[unsigned(Kind::F64)] = binaryLoop<double, Op>;
  return code;
}
template <typename Op> constexpr ElementwiseCode unaryFloats() {
  ElementwiseCode code;
  code.byKind[unsigned(Kind::F32)] = unaryLoop<float, Op>;
  code.byKind[unsigned(Kind::F64)] = unaryLoop<double, Op>;
  return code;
}
template <typename Op> constexpr ElementwiseCode unaryIntegers() {
  return {{nullptr, unaryLoop<uint8_t, Op>, unaryLoop<uint16_t, Op>,
           unaryLoop<uint32_t, Op>, unaryLoop<uint64_t, Op>}};
}
/// Both at once.
constexpr ElementwiseCode join(ElementwiseCode integer,
                               ElementwiseCode floating) {
  integer.byKind[unsigned(Kind::F32)] = floating.byKind[unsigned(Kind::F32)];
  integer.byKind[unsigned(Kind::F64)] = floating.byKind[unsigned(Kind::F64)];
  return integer;
}

template <typename T> using Signed = std::make_signed_t<T>;

} // namespace dyadic::emulate

#endif
