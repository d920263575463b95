//===- ExpandMath.cpp -----------------------------------------------------===//
#include "ExpandMath.h"

#include "llvm/CodeGen/ISDOpcodes.h"
#include "llvm/CodeGen/TargetLowering.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/CodeGenTypes/MachineValueType.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace dyadic {

/// LLVM's code generator's name of an intrinsic that may be a call otherwise.
static std::optional<unsigned> opcodeOf(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::fma:
    return ISD::FMA;
  case Intrinsic::roundeven:
    return ISD::FROUNDEVEN;
  case Intrinsic::rint:
    return ISD::FRINT;
  case Intrinsic::nearbyint:
    return ISD::FNEARBYINT;
  case Intrinsic::floor:
    return ISD::FFLOOR;
  case Intrinsic::ceil:
    return ISD::FCEIL;
  case Intrinsic::trunc:
    return ISD::FTRUNC;
  case Intrinsic::round:
    return ISD::FROUND;
  case Intrinsic::minnum:
    return ISD::FMINNUM;
  case Intrinsic::maxnum:
    return ISD::FMAXNUM;
  case Intrinsic::minimum:
    return ISD::FMINIMUM;
  case Intrinsic::maximum:
    return ISD::FMAXIMUM;
  default:
    return std::nullopt;
  }
}

namespace {
struct Expander {
  IRBuilder<> b;
  Value *x, *y = nullptr;
  Type *type;

  explicit Expander(IntrinsicInst *call)
      : b(call), x(call->getArgOperand(0)), type(call->getType()) {
    if (call->arg_size() > 1)
      y = call->getArgOperand(1);
  }

  Value *constant(double value) { return ConstantFP::get(type, value); }
  Type *integers() {
    Type *bits = b.getIntNTy(type->getScalarSizeInBits());
    auto *vector = dyn_cast<VectorType>(type);
    return vector ? VectorType::get(bits, vector->getElementCount()) : bits;
  }
  Value *abs() { return b.CreateUnaryIntrinsic(Intrinsic::fabs, x); }

  /// To the nearest integer, halves to even: adding 2^23 (f32) drops the fraction.
  Value *roundEven() {
    bool isFloat = type->getScalarType()->isFloatTy();
    Value *magic = constant(isFloat ? 0x1p23 : 0x1p52);
    Value *magnitude = abs();
    Value *rounded = b.CreateFSub(b.CreateFAdd(magnitude, magic), magic);
    rounded = b.CreateBinaryIntrinsic(Intrinsic::copysign, rounded, x);
    // Large ones are integers already, NaNs stay.
    return b.CreateSelect(b.CreateFCmpOLT(magnitude, magic), rounded, x);
  }

  /// `nearest` moved by one where `isOff`; the sign of zero is x's.
  Value *step(Value *nearest, Value *isOff, double by) {
    Value *moved = b.CreateFAdd(nearest, constant(by));
    return b.CreateBinaryIntrinsic(Intrinsic::copysign,
                                   b.CreateSelect(isOff, moved, nearest), x);
  }
  Value *floor() {
    Value *nearest = roundEven();
    Value *moved = b.CreateFAdd(nearest, constant(-1));
    return b.CreateSelect(b.CreateFCmpOGT(nearest, x), moved, nearest);
  }
  Value *ceil() {
    Value *nearest = roundEven();
    return step(nearest, b.CreateFCmpOLT(nearest, x), 1);
  }
  Value *trunc() {
    Value *magnitude = abs(), *value = x;
    x = magnitude;
    Value *down = floor();
    x = value;
    return b.CreateBinaryIntrinsic(Intrinsic::copysign, down, x);
  }
  Value *round() {
    Value *down = trunc();
    Value *rest = b.CreateUnaryIntrinsic(Intrinsic::fabs, b.CreateFSub(x, down));
    Value *one = b.CreateBinaryIntrinsic(Intrinsic::copysign, constant(1), x);
    return b.CreateSelect(b.CreateFCmpOGE(rest, constant(0.5)),
                          b.CreateFAdd(down, one), down);
  }

  Value *less(bool isMinimum) {
    return isMinimum ? b.CreateFCmpOLT(x, y) : b.CreateFCmpOGT(x, y);
  }
  /// A NaN gives way to the other operand.
  Value *number(bool isMinimum) {
    Value *value = b.CreateSelect(less(isMinimum), x, y);
    return b.CreateSelect(b.CreateFCmpUNO(y, y), x, value);
  }
  /// A NaN wins, and -0 is less than +0.
  Value *extreme(bool isMinimum) {
    Type *bits = integers();
    Value *i = b.CreateBitCast(x, bits), *j = b.CreateBitCast(y, bits);
    Value *equal =
        b.CreateBitCast(isMinimum ? b.CreateOr(i, j) : b.CreateAnd(i, j), type);
    Value *value = b.CreateSelect(less(isMinimum), x, y);
    value = b.CreateSelect(b.CreateFCmpOEQ(x, y), equal, value);
    return b.CreateSelect(b.CreateFCmpUNO(x, y), b.CreateFAdd(x, y), value);
  }

  Value *expand(IntrinsicInst *call) {
    switch (call->getIntrinsicID()) {
    case Intrinsic::fma:
      return b.CreateFAdd(b.CreateFMul(x, y), call->getArgOperand(2));
    case Intrinsic::roundeven:
    case Intrinsic::rint:
    case Intrinsic::nearbyint:
      return roundEven();
    case Intrinsic::floor:
      return floor();
    case Intrinsic::ceil:
      return ceil();
    case Intrinsic::trunc:
      return trunc();
    case Intrinsic::round:
      return round();
    case Intrinsic::minnum:
      return number(true);
    case Intrinsic::maxnum:
      return number(false);
    case Intrinsic::minimum:
      return extreme(true);
    case Intrinsic::maximum:
      return extreme(false);
    default:
      return nullptr;
    }
  }
};
} // namespace

/// What a reduction of a vector does with two elements.
static std::optional<Intrinsic::ID> elementOf(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::vector_reduce_fmax:
    return Intrinsic::maxnum;
  case Intrinsic::vector_reduce_fmin:
    return Intrinsic::minnum;
  case Intrinsic::vector_reduce_fmaximum:
    return Intrinsic::maximum;
  case Intrinsic::vector_reduce_fminimum:
    return Intrinsic::minimum;
  default:
    return std::nullopt;
  }
}

/// Writes a reduction element by element.
static void unrollReduction(IntrinsicInst *call, Intrinsic::ID element,
                            SmallVectorImpl<IntrinsicInst *> &calls) {
  IRBuilder<> b(call);
  Value *vector = call->getArgOperand(0);
  unsigned count =
      cast<FixedVectorType>(vector->getType())->getNumElements();
  Value *result = b.CreateExtractElement(vector, uint64_t(0));
  for (unsigned i = 1; i < count; ++i) {
    result = b.CreateBinaryIntrinsic(element, result,
                                     b.CreateExtractElement(vector, i));
    calls.push_back(cast<IntrinsicInst>(result));
  }
  call->replaceAllUsesWith(result);
  call->eraseFromParent();
}

void expandMath(Function &function, TargetMachine &machine) {
  const TargetLowering *lowering =
      machine.getSubtargetImpl(function)->getTargetLowering();
  auto isCall = [&](Intrinsic::ID id, Type *scalar) {
    auto opcode = opcodeOf(id);
    return opcode && (scalar->isFloatTy() || scalar->isDoubleTy()) &&
           !lowering->isOperationLegalOrCustom(*opcode, MVT::getVT(scalar));
  };
  SmallVector<IntrinsicInst *> calls, reductions;
  for (Instruction &instruction : instructions(function)) {
    auto *call = dyn_cast<IntrinsicInst>(&instruction);
    if (!call)
      continue;
    Type *scalar = call->getType()->getScalarType();
    auto element = elementOf(call->getIntrinsicID());
    if (element && isCall(*element, scalar))
      reductions.push_back(call);
    else if (isCall(call->getIntrinsicID(), scalar))
      calls.push_back(call);
  }
  for (IntrinsicInst *call : reductions)
    unrollReduction(call, *elementOf(call->getIntrinsicID()), calls);
  for (IntrinsicInst *call : calls) {
    call->replaceAllUsesWith(Expander(call).expand(call));
    call->eraseFromParent();
  }
}

} // namespace dyadic
