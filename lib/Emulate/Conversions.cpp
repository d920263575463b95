//===- Conversions.cpp - conversions and bit casts ------------------------===//
#include "BFloat16.h"
#include "Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;

namespace dyadic::emulate {

//===--- Conversions ------------------------------------------------------===//

/// To integers as PTX does it: toward zero, to the nearest number that there
/// is, a NaN to 0.
template <typename To, typename From> static To convertElement(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(x))
      return 0;
    // 2^n is a float although 2^n − 1 may not be one.
    const From above = std::ldexp(From(1), std::numeric_limits<To>::digits);
    if (x >= above)
      return std::numeric_limits<To>::max();
    if (x <= From(std::numeric_limits<To>::min()))
      return std::numeric_limits<To>::min();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <typename To, typename From>
static void convertLoop(Block &block, const Instruction &instruction) {
  const From *x = block.at<From>(instruction.in[0]);
  To *out = block.at<To>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = convertElement<To>(x[i]);
}

/// −1 for true.
template <typename To>
static void fromTrueLoop(Block &block, const Instruction &instruction) {
  const uint8_t *x = block.at<uint8_t>(instruction.in[0]);
  To *out = block.at<To>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = To(0) - To(x[i]);
}

template <typename From>
static void toBitLoop(Block &block, const Instruction &instruction) {
  const From *x = block.at<From>(instruction.in[0]);
  uint8_t *out = block.at<uint8_t>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = x[i] & 1;
}

template <typename From, bool ToSigned> static Execute conversionFrom(Kind to) {
  if constexpr (std::is_integral_v<From>)
    if (to == Kind::I1)
      return toBitLoop<From>;
  switch (to) {
  case Kind::I1:
    return nullptr;
  case Kind::I8:
    return convertLoop<std::conditional_t<ToSigned, int8_t, uint8_t>, From>;
  case Kind::I16:
    return convertLoop<std::conditional_t<ToSigned, int16_t, uint16_t>, From>;
  case Kind::I32:
    return convertLoop<std::conditional_t<ToSigned, int32_t, uint32_t>, From>;
  case Kind::I64:
    return convertLoop<std::conditional_t<ToSigned, int64_t, uint64_t>, From>;
  case Kind::F32:
    return convertLoop<float, From>;
  case Kind::F64:
    return convertLoop<double, From>;
  }
  return nullptr;
}

static Execute conversion(Kind from, bool fromSigned, Kind to, bool toSigned) {
  if (from == Kind::I1 && fromSigned)
    switch (to) {
    case Kind::I8:
      return fromTrueLoop<int8_t>;
    case Kind::I16:
      return fromTrueLoop<int16_t>;
    case Kind::I32:
      return fromTrueLoop<int32_t>;
    case Kind::I64:
      return fromTrueLoop<int64_t>;
    case Kind::F32:
      return fromTrueLoop<float>;
    case Kind::F64:
      return fromTrueLoop<double>;
    default:
      return nullptr;
    }
  switch (from) {
  case Kind::I1:
    return conversionFrom<uint8_t, true>(to);
  case Kind::I8:
    return fromSigned ? conversionFrom<int8_t, true>(to)
                      : conversionFrom<uint8_t, true>(to);
  case Kind::I16:
    return fromSigned ? conversionFrom<int16_t, true>(to)
                      : conversionFrom<uint16_t, true>(to);
  case Kind::I32:
    return fromSigned ? conversionFrom<int32_t, true>(to)
                      : conversionFrom<uint32_t, true>(to);
  case Kind::I64:
    return fromSigned ? conversionFrom<int64_t, true>(to)
                      : conversionFrom<uint64_t, true>(to);
  case Kind::F32:
    return toSigned ? conversionFrom<float, true>(to)
                    : conversionFrom<float, false>(to);
  case Kind::F64:
    return toSigned ? conversionFrom<double, true>(to)
                    : conversionFrom<double, false>(to);
  }
  return nullptr;
}

static void fromBF16Loop(Block &block, const Instruction &instruction) {
  const uint16_t *x = block.at<uint16_t>(instruction.in[0]);
  float *out = block.at<float>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = widenBF16(x[i]);
}
static void toBF16Loop(Block &block, const Instruction &instruction) {
  const float *x = block.at<float>(instruction.in[0]);
  uint16_t *out = block.at<uint16_t>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = roundToBF16(x[i]);
}

LogicalResult compileConversion(Compiler &compiler, Operation *op,
                                const OpEntry &) {
  Type source = getElementTypeOrSelf(op->getOperand(0)),
       result = getElementTypeOrSelf(op->getResult(0));
  if ((source.isBF16() && result.isF32()) || (source.isF32() && result.isBF16())) {
    compiler.emitElementwise(source.isBF16() ? fromBF16Loop : toBF16Loop, op);
    return success();
  }
  if (source.isBF16() || result.isBF16())
    return op->emitError("the emulator knows bf16 from and to f32 only");
  Kind from = slotShape(op->getOperand(0).getType())->kind;
  Kind to = slotShape(op->getResult(0).getType())->kind;
  bool fromSigned =
      !isa<arith::ExtUIOp, arith::UIToFPOp, arith::IndexCastUIOp>(op);
  bool toSigned = !isa<arith::FPToUIOp>(op);
  Execute execute = conversion(from, fromSigned, to, toSigned);
  if (!execute)
    return op->emitError("the emulator does not know the conversion from ")
           << op->getOperand(0).getType() << " to "
           << op->getResult(0).getType();
  compiler.emitElementwise(execute, op);
  return success();
}

//===--- Bit casts --------------------------------------------------------===//

/// Components of `Narrow` next to each other become one of `Wide`: the first is
/// the lowest byte.
template <typename Wide, typename Narrow>
static void joinBits(Block &block, const Instruction &instruction) {
  constexpr unsigned kRatio = sizeof(Wide) / sizeof(Narrow);
  const Narrow *x = block.at<Narrow>(instruction.in[0]);
  Wide *out = block.at<Wide>(instruction.out);
  uint32_t lanes = instruction.lanes;
  for (uint32_t i = 0; i < instruction.count; i += lanes, x += kRatio * lanes)
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      Wide value = 0;
      for (unsigned part = 0; part < kRatio; ++part)
        value |= Wide(x[part * lanes + lane]) << (8 * sizeof(Narrow) * part);
      out[i + lane] = value;
    }
}

template <typename Wide, typename Narrow>
static void splitBits(Block &block, const Instruction &instruction) {
  constexpr unsigned kRatio = sizeof(Wide) / sizeof(Narrow);
  const Wide *x = block.at<Wide>(instruction.in[0]);
  Narrow *out = block.at<Narrow>(instruction.out);
  uint32_t lanes = instruction.lanes;
  for (uint32_t i = 0; i < instruction.count; i += kRatio * lanes, x += lanes)
    for (unsigned part = 0; part < kRatio; ++part)
      for (uint32_t lane = 0; lane < lanes; ++lane)
        out[i + part * lanes + lane] =
            Narrow(x[lane] >> (8 * sizeof(Narrow) * part));
}

LogicalResult compileBitcast(Compiler &compiler, Operation *op,
                             const OpEntry &) {
  Value source = op->getOperand(0), result = op->getResult(0);
  Slot to = *slotShape(result.getType()), from = compiler.slot(source);
  unsigned narrow = byteWidth(from.kind), wide = byteWidth(to.kind);
  if ((from.kind == Kind::I1) != (to.kind == Kind::I1) ||
      narrow * from.components != wide * to.components)
    return op->emitError("the emulator does not know the bit cast from ")
           << source.getType() << " to " << result.getType();
  if (narrow == wide) {
    from.kind = to.kind;
    compiler.alias(result, from);
    return success();
  }
  static const Execute joins[4][4] = {
      {},
      {joinBits<uint16_t, uint8_t>},
      {joinBits<uint32_t, uint8_t>, joinBits<uint32_t, uint16_t>},
      {joinBits<uint64_t, uint8_t>, joinBits<uint64_t, uint16_t>,
       joinBits<uint64_t, uint32_t>}};
  static const Execute splits[4][4] = {
      {},
      {splitBits<uint16_t, uint8_t>},
      {splitBits<uint32_t, uint8_t>, splitBits<uint32_t, uint16_t>},
      {splitBits<uint64_t, uint8_t>, splitBits<uint64_t, uint16_t>,
       splitBits<uint64_t, uint32_t>}};
  Execute execute = narrow < wide
                        ? joins[llvm::Log2_32(wide)][llvm::Log2_32(narrow)]
                        : splits[llvm::Log2_32(narrow)][llvm::Log2_32(wide)];
  compiler.emitElementwise(execute, op);
  return success();
}

} // namespace dyadic::emulate
