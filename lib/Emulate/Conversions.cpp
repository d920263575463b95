//===- Conversions.cpp - comparisons, conversions, bit casts --------------===//
#include "Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;

namespace dyadic::emulate {

//===--- Comparisons ------------------------------------------------------===//

template <typename T, typename Op>
static void compareLoop(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]), *y = block.at<T>(instruction.in[1]);
  uint8_t *out = block.at<uint8_t>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = Op::apply(x[i], y[i]);
}

namespace {
#define DYADIC_COMPARISON(NAME, RESULT)                                                \
  struct NAME {                                                                        \
    template <typename T> static bool apply(T x, T y) { return RESULT; }               \
  };
DYADIC_COMPARISON(Equal, x == y)
DYADIC_COMPARISON(NotEqual, x != y)
DYADIC_COMPARISON(Less, x < y)
DYADIC_COMPARISON(LessEqual, x <= y)
DYADIC_COMPARISON(Greater, x > y)
DYADIC_COMPARISON(GreaterEqual, x >= y)
// Of floats: ordered are false and unordered are true if there is a NaN.
DYADIC_COMPARISON(Never, false)
DYADIC_COMPARISON(Always, true)
DYADIC_COMPARISON(Ordered, x == x &&y == y)
DYADIC_COMPARISON(Unordered, x != x || y != y)
DYADIC_COMPARISON(OrderedNotEqual, x < y || x > y)
DYADIC_COMPARISON(UnorderedEqual, !(x < y || x > y))
DYADIC_COMPARISON(UnorderedGreater, !(x <= y))
DYADIC_COMPARISON(UnorderedGreaterEqual, !(x < y))
DYADIC_COMPARISON(UnorderedLess, !(x >= y))
DYADIC_COMPARISON(UnorderedLessEqual, !(x > y))
#undef DYADIC_COMPARISON
} // namespace

template <typename Op> static Execute signedCode(Kind kind) {
  static const Execute codes[] = {nullptr, compareLoop<int8_t, Op>,
                                  compareLoop<int16_t, Op>, compareLoop<int32_t, Op>,
                                  compareLoop<int64_t, Op>};
  return codes[static_cast<unsigned>(kind)];
}
template <typename Op> static Execute unsignedCode(Kind kind) {
  static const Execute codes[] = {compareLoop<uint8_t, Op>, compareLoop<uint8_t, Op>,
                                  compareLoop<uint16_t, Op>, compareLoop<uint32_t, Op>,
                                  compareLoop<uint64_t, Op>};
  return codes[static_cast<unsigned>(kind)];
}
template <typename Op> static Execute floatCode(Kind kind) {
  return kind == Kind::F32 ? compareLoop<float, Op> : compareLoop<double, Op>;
}

static Execute comparison(arith::CmpIPredicate predicate, Kind kind) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq: return unsignedCode<Equal>(kind);
  case P::ne: return unsignedCode<NotEqual>(kind);
  case P::slt: return signedCode<Less>(kind);
  case P::sle: return signedCode<LessEqual>(kind);
  case P::sgt: return signedCode<Greater>(kind);
  case P::sge: return signedCode<GreaterEqual>(kind);
  case P::ult: return unsignedCode<Less>(kind);
  case P::ule: return unsignedCode<LessEqual>(kind);
  case P::ugt: return unsignedCode<Greater>(kind);
  case P::uge: return unsignedCode<GreaterEqual>(kind);
  }
  return nullptr;
}

static Execute comparison(arith::CmpFPredicate predicate, Kind kind) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::AlwaysFalse: return floatCode<Never>(kind);
  case P::OEQ: return floatCode<Equal>(kind);
  case P::OGT: return floatCode<Greater>(kind);
  case P::OGE: return floatCode<GreaterEqual>(kind);
  case P::OLT: return floatCode<Less>(kind);
  case P::OLE: return floatCode<LessEqual>(kind);
  case P::ONE: return floatCode<OrderedNotEqual>(kind);
  case P::ORD: return floatCode<Ordered>(kind);
  case P::UEQ: return floatCode<UnorderedEqual>(kind);
  case P::UGT: return floatCode<UnorderedGreater>(kind);
  case P::UGE: return floatCode<UnorderedGreaterEqual>(kind);
  case P::ULT: return floatCode<UnorderedLess>(kind);
  case P::ULE: return floatCode<UnorderedLessEqual>(kind);
  case P::UNE: return floatCode<NotEqual>(kind);
  case P::UNO: return floatCode<Unordered>(kind);
  case P::AlwaysTrue: return floatCode<Always>(kind);
  }
  return nullptr;
}

LogicalResult compileCompare(Compiler &compiler, Operation *op, const OpEntry &) {
  Kind kind = slotShape(op->getOperand(0).getType())->kind;
  Execute execute = nullptr;
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    execute = comparison(compare.getPredicate(), kind);
  else
    execute = comparison(cast<arith::CmpFOp>(op).getPredicate(), kind);
  if (!execute)
    return op->emitError("the emulator does not know this comparison on ")
           << op->getOperand(0).getType();
  compiler.emitElementwise(execute, op);
  return success();
}

//===--- Conversions ------------------------------------------------------===//

/// To integers as PTX does it: toward zero, to the nearest number that there is,
/// a NaN to 0.
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
template <typename To> static void fromTrueLoop(Block &block, const Instruction &instruction) {
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
  case Kind::I1: return nullptr;
  case Kind::I8: return convertLoop<std::conditional_t<ToSigned, int8_t, uint8_t>, From>;
  case Kind::I16: return convertLoop<std::conditional_t<ToSigned, int16_t, uint16_t>, From>;
  case Kind::I32: return convertLoop<std::conditional_t<ToSigned, int32_t, uint32_t>, From>;
  case Kind::I64: return convertLoop<std::conditional_t<ToSigned, int64_t, uint64_t>, From>;
  case Kind::F32: return convertLoop<float, From>;
  case Kind::F64: return convertLoop<double, From>;
  }
  return nullptr;
}

static Execute conversion(Kind from, bool fromSigned, Kind to, bool toSigned) {
  if (from == Kind::I1 && fromSigned)
    switch (to) {
    case Kind::I8: return fromTrueLoop<int8_t>;
    case Kind::I16: return fromTrueLoop<int16_t>;
    case Kind::I32: return fromTrueLoop<int32_t>;
    case Kind::I64: return fromTrueLoop<int64_t>;
    case Kind::F32: return fromTrueLoop<float>;
    case Kind::F64: return fromTrueLoop<double>;
    default: return nullptr;
    }
  switch (from) {
  case Kind::I1: return conversionFrom<uint8_t, true>(to);
  case Kind::I8:
    return fromSigned ? conversionFrom<int8_t, true>(to) : conversionFrom<uint8_t, true>(to);
  case Kind::I16:
    return fromSigned ? conversionFrom<int16_t, true>(to) : conversionFrom<uint16_t, true>(to);
  case Kind::I32:
    return fromSigned ? conversionFrom<int32_t, true>(to) : conversionFrom<uint32_t, true>(to);
  case Kind::I64:
    return fromSigned ? conversionFrom<int64_t, true>(to) : conversionFrom<uint64_t, true>(to);
  case Kind::F32:
    return toSigned ? conversionFrom<float, true>(to) : conversionFrom<float, false>(to);
  case Kind::F64:
    return toSigned ? conversionFrom<double, true>(to) : conversionFrom<double, false>(to);
  }
  return nullptr;
}

LogicalResult compileConversion(Compiler &compiler, Operation *op, const OpEntry &) {
  Kind from = slotShape(op->getOperand(0).getType())->kind;
  Kind to = slotShape(op->getResult(0).getType())->kind;
  bool fromSigned = !isa<arith::ExtUIOp, arith::UIToFPOp, arith::IndexCastUIOp>(op);
  bool toSigned = !isa<arith::FPToUIOp>(op);
  Execute execute = conversion(from, fromSigned, to, toSigned);
  if (!execute)
    return op->emitError("the emulator does not know the conversion from ")
           << op->getOperand(0).getType() << " to " << op->getResult(0).getType();
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
        out[i + part * lanes + lane] = Narrow(x[lane] >> (8 * sizeof(Narrow) * part));
}

LogicalResult compileBitcast(Compiler &compiler, Operation *op, const OpEntry &) {
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
  Execute execute = narrow < wide ? joins[llvm::Log2_32(wide)][llvm::Log2_32(narrow)]
                                  : splits[llvm::Log2_32(narrow)][llvm::Log2_32(wide)];
  compiler.emitElementwise(execute, op);
  return success();
}

} // namespace dyadic::emulate
