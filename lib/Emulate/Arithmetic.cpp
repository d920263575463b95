//===- Arithmetic.cpp - operations on elements ----------------------------===//
#include "Elementwise.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyadic::emulate {

//===--- Operations -------------------------------------------------------===//

namespace {
// C++ promotes narrow unsigned types to int: the result is cut to T again.
struct Add {
  template <typename T> static T apply(T x, T y) { return x + y; }
};
struct Sub {
  template <typename T> static T apply(T x, T y) { return x - y; }
};
struct Mul {
  static uint16_t apply(uint16_t x, uint16_t y) { return uint32_t(x) * y; }
  template <typename T> static T apply(T x, T y) { return x * y; }
};
struct And {
  template <typename T> static T apply(T x, T y) { return x & y; }
};
struct Or {
  template <typename T> static T apply(T x, T y) { return x | y; }
};
struct Xor {
  template <typename T> static T apply(T x, T y) { return x ^ y; }
};
struct MaxS {
  template <typename T> static T apply(T x, T y) {
    return Signed<T>(x) > Signed<T>(y) ? x : y;
  }
};
struct MinS {
  template <typename T> static T apply(T x, T y) {
    return Signed<T>(x) < Signed<T>(y) ? x : y;
  }
};
struct MaxU {
  template <typename T> static T apply(T x, T y) { return x > y ? x : y; }
};
struct MinU {
  template <typename T> static T apply(T x, T y) { return x < y ? x : y; }
};

// As PTX shifts: by the width or more, all bits are gone.
template <typename T> constexpr unsigned kBits = 8 * sizeof(T);
struct Shl {
  template <typename T> static T apply(T x, T y) {
    return y < kBits<T> ? T(uint64_t(x) << y) : T(0);
  }
};
struct ShrU {
  template <typename T> static T apply(T x, T y) {
    return y < kBits<T> ? T(x >> y) : T(0);
  }
};
struct ShrS {
  template <typename T> static T apply(T x, T y) {
    return Signed<T>(x) >> (y < kBits<T> ? y : kBits<T> - 1);
  }
};

// y is not 0; the most negative number over −1 wraps.
struct DivU {
  template <typename T> static T apply(T x, T y) { return x / y; }
};
struct RemU {
  template <typename T> static T apply(T x, T y) { return x % y; }
};
struct CeilDivU {
  template <typename T> static T apply(T x, T y) {
    return x / y + (x % y != 0);
  }
};
struct DivS {
  template <typename T> static T apply(T x, T y) {
    return Signed<T>(y) == -1 ? T(0 - x) : T(Signed<T>(x) / Signed<T>(y));
  }
};
struct RemS {
  template <typename T> static T apply(T x, T y) {
    return Signed<T>(y) == -1 ? T(0) : T(Signed<T>(x) % Signed<T>(y));
  }
};
struct CeilDivS {
  template <typename T> static T apply(T x, T y) {
    bool sameSign = (Signed<T>(x) < 0) == (Signed<T>(y) < 0);
    return DivS::apply(x, y) + (RemS::apply(x, y) != 0 && sameSign);
  }
};
struct FloorDivS {
  template <typename T> static T apply(T x, T y) {
    bool sameSign = (Signed<T>(x) < 0) == (Signed<T>(y) < 0);
    return DivS::apply(x, y) - (RemS::apply(x, y) != 0 && !sameSign);
  }
};

struct DivF {
  template <typename T> static T apply(T x, T y) { return x / y; }
};
struct RemF {
  template <typename T> static T apply(T x, T y) { return std::fmod(x, y); }
};
/// A NaN wins; −0 is less than +0.
struct Maximum {
  template <typename T> static T apply(T x, T y) {
    if (std::isnan(x) || std::isnan(y))
      return std::numeric_limits<T>::quiet_NaN();
    if (x == y)
      return std::signbit(x) ? y : x;
    return x > y ? x : y;
  }
};
struct Minimum {
  template <typename T> static T apply(T x, T y) {
    if (std::isnan(x) || std::isnan(y))
      return std::numeric_limits<T>::quiet_NaN();
    if (x == y)
      return std::signbit(x) ? x : y;
    return x < y ? x : y;
  }
};
/// A NaN loses; as PTX, −0 is less than +0.
struct MaxNum {
  template <typename T> static T apply(T x, T y) {
    return std::isnan(x) ? y : std::isnan(y) ? x : Maximum::apply(x, y);
  }
};
struct MinNum {
  template <typename T> static T apply(T x, T y) {
    return std::isnan(x) ? y : std::isnan(y) ? x : Minimum::apply(x, y);
  }
};
} // namespace

/// Division of active threads by zero is a fault; the rest don't matter.
template <typename T, typename Op>
static void divisionLoop(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]),
          *y = block.at<T>(instruction.in[1]);
  T *out = block.at<T>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i) {
    if (y[i] != 0) {
      out[i] = Op::apply(x[i], y[i]);
      continue;
    }
    unsigned lane = i % instruction.lanes;
    if (instruction.lanes == 1 || block.isActive(lane))
      return block.fail(instruction, lane, "division by zero");
    out[i] = 0;
  }
}
template <typename Op> static constexpr ElementwiseCode divisions() {
  return {{nullptr, divisionLoop<uint8_t, Op>, divisionLoop<uint16_t, Op>,
           divisionLoop<uint32_t, Op>, divisionLoop<uint64_t, Op>}};
}

// Modulo 2, addition is exclusive or and multiplication is and.
const ElementwiseCode addCode =
    join(integers<Add>(binaryLoop<uint8_t, Xor>), floats<Add>());
const ElementwiseCode subCode =
    join(integers<Sub>(binaryLoop<uint8_t, Xor>), floats<Sub>());
const ElementwiseCode mulCode =
    join(integers<Mul>(binaryLoop<uint8_t, And>), floats<Mul>());
const ElementwiseCode andCode = integers<And>(binaryLoop<uint8_t, And>);
const ElementwiseCode orCode = integers<Or>(binaryLoop<uint8_t, Or>);
const ElementwiseCode xorCode = integers<Xor>(binaryLoop<uint8_t, Xor>);
const ElementwiseCode shlCode = integers<Shl>();
const ElementwiseCode shrSCode = integers<ShrS>();
const ElementwiseCode shrUCode = integers<ShrU>();
const ElementwiseCode maxSCode = integers<MaxS>(binaryLoop<uint8_t, And>);
const ElementwiseCode minSCode = integers<MinS>(binaryLoop<uint8_t, Or>);
const ElementwiseCode maxUCode = integers<MaxU>(binaryLoop<uint8_t, Or>);
const ElementwiseCode minUCode = integers<MinU>(binaryLoop<uint8_t, And>);
const ElementwiseCode divSCode = divisions<DivS>();
const ElementwiseCode divUCode = divisions<DivU>();
const ElementwiseCode remSCode = divisions<RemS>();
const ElementwiseCode remUCode = divisions<RemU>();
const ElementwiseCode ceilDivSCode = divisions<CeilDivS>();
const ElementwiseCode ceilDivUCode = divisions<CeilDivU>();
const ElementwiseCode floorDivSCode = divisions<FloorDivS>();
const ElementwiseCode divFCode = floats<DivF>();
const ElementwiseCode remFCode = floats<RemF>();
const ElementwiseCode maximumCode = floats<Maximum>();
const ElementwiseCode minimumCode = floats<Minimum>();
const ElementwiseCode maxNumCode = floats<MaxNum>();
const ElementwiseCode minNumCode = floats<MinNum>();

//===--- Handlers ---------------------------------------------------------===//

LogicalResult compileElementwise(Compiler &compiler, Operation *op,
                                 const OpEntry &entry) {
  Kind kind = slotShape(op->getResult(0).getType())->kind;
  Execute execute = entry.elementwise->byKind[static_cast<unsigned>(kind)];
  if (!execute)
    return op->emitError("the emulator does not know '")
           << op->getName() << "' on " << op->getResult(0).getType();
  compiler.emitElementwise(execute, op);
  return success();
}

/// A condition for each element, or one for all components of a vector.
template <typename T, bool OneForAll>
static void selectLoop(Block &block, const Instruction &instruction) {
  const uint8_t *condition = block.at<uint8_t>(instruction.in[0]);
  const T *x = block.at<T>(instruction.in[1]),
          *y = block.at<T>(instruction.in[2]);
  T *out = block.at<T>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; i += instruction.lanes)
    for (uint32_t lane = 0; lane < instruction.lanes; ++lane)
      out[i + lane] =
          condition[OneForAll ? lane : i + lane] ? x[i + lane] : y[i + lane];
}

LogicalResult compileSelect(Compiler &compiler, Operation *op,
                            const OpEntry &) {
  bool oneForAll = !isa<VectorType>(op->getOperand(0).getType());
  Slot shape = *slotShape(op->getResult(0).getType());
  static const Execute codes[2][4] = {
      {selectLoop<uint8_t, false>, selectLoop<uint16_t, false>,
       selectLoop<uint32_t, false>, selectLoop<uint64_t, false>},
      {selectLoop<uint8_t, true>, selectLoop<uint16_t, true>,
       selectLoop<uint32_t, true>, selectLoop<uint64_t, true>}};
  compiler.emitElementwise(
      codes[oneForAll][llvm::Log2_32(byteWidth(shape.kind))], op);
  return success();
}

} // namespace dyadic::emulate
