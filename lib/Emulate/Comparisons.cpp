//===- Comparisons.cpp - arith.cmpi and arith.cmpf ------------------------===//
#include "Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace dyadic::emulate {

template <typename T, typename Op>
static void compareLoop(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]),
          *y = block.at<T>(instruction.in[1]);
  uint8_t *out = block.at<uint8_t>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i)
    out[i] = Op::apply(x[i], y[i]);
}

namespace {
#define DYADIC_COMPARISON(NAME, RESULT)                                        \
  struct NAME {                                                                \
    template <typename T> static bool apply(T x, T y) { return RESULT; }       \
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
DYADIC_COMPARISON(Ordered, x == x && y == y)
DYADIC_COMPARISON(Unordered, x != x || y != y)
DYADIC_COMPARISON(OrderedNotEqual, x<y || x> y)
DYADIC_COMPARISON(UnorderedEqual, !(x < y || x > y))
DYADIC_COMPARISON(UnorderedGreater, !(x <= y))
DYADIC_COMPARISON(UnorderedGreaterEqual, !(x < y))
DYADIC_COMPARISON(UnorderedLess, !(x >= y))
DYADIC_COMPARISON(UnorderedLessEqual, !(x > y))
#undef DYADIC_COMPARISON
} // namespace

template <typename Op> static Execute signedCode(Kind kind) {
  static const Execute codes[] = {
      nullptr, compareLoop<int8_t, Op>, compareLoop<int16_t, Op>,
      compareLoop<int32_t, Op>, compareLoop<int64_t, Op>};
  return codes[static_cast<unsigned>(kind)];
}
template <typename Op> static Execute unsignedCode(Kind kind) {
  static const Execute codes[] = {
      compareLoop<uint8_t, Op>, compareLoop<uint8_t, Op>,
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
  case P::eq:
    return unsignedCode<Equal>(kind);
  case P::ne:
    return unsignedCode<NotEqual>(kind);
  case P::slt:
    return signedCode<Less>(kind);
  case P::sle:
    return signedCode<LessEqual>(kind);
  case P::sgt:
    return signedCode<Greater>(kind);
  case P::sge:
    return signedCode<GreaterEqual>(kind);
  case P::ult:
    return unsignedCode<Less>(kind);
  case P::ule:
    return unsignedCode<LessEqual>(kind);
  case P::ugt:
    return unsignedCode<Greater>(kind);
  case P::uge:
    return unsignedCode<GreaterEqual>(kind);
  }
  return nullptr;
}

static Execute comparison(arith::CmpFPredicate predicate, Kind kind) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::AlwaysFalse:
    return floatCode<Never>(kind);
  case P::OEQ:
    return floatCode<Equal>(kind);
  case P::OGT:
    return floatCode<Greater>(kind);
  case P::OGE:
    return floatCode<GreaterEqual>(kind);
  case P::OLT:
    return floatCode<Less>(kind);
  case P::OLE:
    return floatCode<LessEqual>(kind);
  case P::ONE:
    return floatCode<OrderedNotEqual>(kind);
  case P::ORD:
    return floatCode<Ordered>(kind);
  case P::UEQ:
    return floatCode<UnorderedEqual>(kind);
  case P::UGT:
    return floatCode<UnorderedGreater>(kind);
  case P::UGE:
    return floatCode<UnorderedGreaterEqual>(kind);
  case P::ULT:
    return floatCode<UnorderedLess>(kind);
  case P::ULE:
    return floatCode<UnorderedLessEqual>(kind);
  case P::UNE:
    return floatCode<NotEqual>(kind);
  case P::UNO:
    return floatCode<Unordered>(kind);
  case P::AlwaysTrue:
    return floatCode<Always>(kind);
  }
  return nullptr;
}

LogicalResult compileCompare(Compiler &compiler, Operation *op,
                             const OpEntry &) {
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

} // namespace dyadic::emulate
