//===- RequantizePairs.cpp - sums and products that become bytes at once --===//
//
// Where an instruction set has something better for two tensors of bytes than
// extending both to lanes of 32 bits: the target is handed the bytes, and what is
// between them and the result's bytes is its own.
//
//===----------------------------------------------------------------------===//
#include "Pointwise.h"

#include "dyadic/Support/FixedPoint.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

static Type elementOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

/// I32Attr accessors are unsigned.
static int64_t number(uint32_t x) { return static_cast<int32_t>(x); }

SmallVector<Value> PointwiseEmitter::operandsInSteps(Operation *op, int64_t step,
                                                     const Position &position) {
  SmallVector<Value> operands;
  auto shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  int64_t whole = llvm::alignTo(lanesAt(position), step);
  for (Value tensor : op->getOperands()) {
    Value vector =
        k.truncate(operand(tensor, shape, position), elementOf(tensor));
    operands.push_back(k.widen(vector, whole));
  }
  return operands;
}

/// The product with a factor (docs/Quantization.md, section 7) that `op` rounds, if
/// it rounds one and 16-bit lanes hold what is in between.
static dyadic::MulOp factorProductOf(RequantizeOp op) {
  auto mul = op.getInput().getDefiningOp<dyadic::MulOp>();
  if (!mul || !mul->hasOneUse() || op.getRounding() != Rounding::HalfUp ||
      op.getMultiplier().size() != 1 || op.getShift()[0] != kFactorShift ||
      op.getMultiplier()[0] < 1 || op.getInputZp() != 0 || !elementOf(mul.getLhs()).isInteger(8) ||
      !elementOf(mul.getRhs()).isInteger(16) || mul.getRhsZp() != 0 ||
      !elementOf(op.getOutput()).isInteger(8))
    return {};
  StorageRange x = storageRange(mul.getLhs().getType());
  int64_t zp = number(mul.getLhsZp()),
          magnitude = std::max(x.max - zp, zp - x.min);
  return magnitude * op.getMultiplier()[0] < 1 << 14 ? mul : dyadic::MulOp();
}

Value PointwiseEmitter::requantizeFactor(RequantizeOp op,
                                         const Position &position) {
  dyadic::MulOp mul = factorProductOf(op);
  int64_t count = lanesAt(position), step = 4 * k.target.lanes();
  if (!mul || k.target.lanes() == 1 || count <= step / 2)
    return {};
  auto isUnsigned = [](Value tensor) {
    return elementOf(tensor).isUnsignedInteger();
  };
  SmallVector<Value> operands = operandsInSteps(mul, step, position), bytes;
  int64_t whole = cast<VectorType>(operands[0].getType()).getNumElements();
  for (int64_t at = 0; at < whole; at += step) {
    Value part = k.target.multiplyByFactor(
        k.b, k.loc,
        {sliceLanes(k, operands[0], at, step), sliceLanes(k, operands[1], at, step),
         number(mul.getLhsZp()), op.getMultiplier()[0], number(op.getOutputZp()),
         isUnsigned(mul.getLhs()), isUnsigned(op.getOutput())});
    if (!part)
      return {};
    bytes.push_back(part);
  }
  Value result = sliceLanes(k, k.concatenate(bytes, whole), 0, count);
  StorageRange range = storageRange(op.getOutput().getType());
  int64_t low = number(op.getClampMin()), high = number(op.getClampMax());
  if (low != range.min || high != range.max)
    result = clampInt(result, low, high, isUnsigned(op.getOutput()));
  return k.target.packedRegisters() > 1
             ? result
             : k.extend(result, elementOf(op.getOutput()));
}

Value PointwiseEmitter::requantizePair(RequantizeOp op,
                                       const Position &position) {
  const RequantizePlan &plan = plans.find(op)->second;
  Operation *producer = op.getInput().getDefiningOp();
  int64_t lanes = k.target.lanes(), count = lanesAt(position), step = 4 * lanes;
  if (!isa_and_nonnull<dyadic::AddOp, dyadic::MulOp>(producer) ||
      !producer->hasOneUse() || !plan.useFloat || plan.perChannel ||
      op.getInputZp() != 0 ||
      k.target.packedRegisters() != 4 || count <= step / 2 ||
      !elementOf(op.getOutput()).isInteger(8))
    return {};
  for (Value tensor : producer->getOperands())
    if (!elementOf(tensor).isUnsignedInteger(8))
      return {};
  // The registers of four at a time.
  SmallVector<Value> operands = operandsInSteps(producer, step, position);
  int64_t whole = cast<VectorType>(operands[0].getType()).getNumElements();
  auto compute = [&](Value lhs, Value rhs) {
    if (auto mul = dyn_cast<dyadic::MulOp>(producer))
      return k.target.productOf(k.b, k.loc, lhs, rhs, number(mul.getLhsZp()),
                                number(mul.getRhsZp()));
    auto sum = cast<dyadic::AddOp>(producer);
    int64_t left = number(sum.getLhsMultiplier()),
            right = number(sum.getRhsMultiplier());
    if (std::max(std::abs(left), std::abs(right)) >= 1 << 15)
      return KernelTarget::Values();
    return k.target.weightedSum(k.b, k.loc, lhs, rhs, left, right,
                                -number(sum.getLhsZp()) * left -
                                    number(sum.getRhsZp()) * right);
  };
  Position one{position.flat, position.channel, lanes};
  SmallVector<Value> scales(4, parameter(plan.scale, false, one)), bytes;
  for (int64_t at = 0; at < whole; at += step) {
    KernelTarget::Values words = compute(sliceLanes(k, operands[0], at, step),
                                         sliceLanes(k, operands[1], at, step));
    if (words.empty())
      return {};
    bytes.push_back(packFused(op, words, scales, lanes, LaneOrder::Interleaved));
  }
  return sliceLanes(k, k.concatenate(bytes, whole), 0, count);
}
