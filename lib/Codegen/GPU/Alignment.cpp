//===- Alignment.cpp ------------------------------------------------------===//
#include "Alignment.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace dyadic;

static constexpr int64_t kMost = 64;

/// The power of two in `value`; zero is a multiple of all.
static int64_t powerOfTwoIn(int64_t value) {
  return value == 0 ? kMost : std::min(kMost, value & -value);
}

/// Addresses are short chains; a deep one is not worth following.
static int64_t divisor(Value index, unsigned depth) {
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return powerOfTwoIn(constant.getSExtValue());
  if (depth == 16)
    return 1;
  auto of = [&](Value value) { return divisor(value, depth + 1); };
  if (auto argument = dyn_cast<BlockArgument>(index)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (loop && argument == loop.getInductionVar())
      return std::min(of(loop.getLowerBound()), of(loop.getStep()));
    return 1;
  }
  Operation *op = index.getDefiningOp();
  if (isa<arith::AddIOp, arith::SubIOp, arith::MinUIOp, arith::MinSIOp,
          arith::MaxUIOp, arith::MaxSIOp>(op))
    return std::min(of(op->getOperand(0)), of(op->getOperand(1)));
  if (isa<arith::MulIOp>(op))
    return std::min(kMost, of(op->getOperand(0)) * of(op->getOperand(1)));
  // a − n·(a / n)
  if (isa<arith::RemUIOp>(op))
    return std::min(of(op->getOperand(0)), of(op->getOperand(1)));
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return std::min(of(select.getTrueValue()), of(select.getFalseValue()));
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op))
    return of(op->getOperand(0));
  if (auto shift = dyn_cast<arith::ShLIOp>(op)) {
    if (matchPattern(shift.getRhs(), m_ConstantInt(&constant)) &&
        constant.ult(6))
      return std::min(kMost, of(shift.getLhs()) << constant.getZExtValue());
  }
  return 1;
}

int64_t codegen::knownDivisor(Value index) { return divisor(index, 0); }
