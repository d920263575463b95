//===- JoinedGroups.cpp - grouped convolutions of few channels on x86 -----===//
//
// Four groups of four channels each are sixteen sums. A pixel's activations of
// all of them are one load; vpermd gives the lanes of each group its own four.
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

bool X86Target::joinsGroups(OperandKind kind, int64_t groups,
                            int64_t length) const {
  return kind == OperandKind::U8 && hasDot() && length % 4 == 0 &&
         groups * length <= 4 * lanes();
}

KernelTarget::Values X86Target::stepOfJoinedGroups(OpBuilder &b, Location loc,
                                                   const TileStep &step,
                                                   ValueRange sums) const {
  VectorOps ops(b, loc);
  int64_t words = step.depth / 4, columns = lanes() / step.joinedGroups;
  Values next(sums);
  for (auto [sum, pixel] : llvm::zip_equal(next, step.pixels)) {
    Value all = ops.bitcast(
        step.joinedGroups * words, b.getI32Type(),
        ops.load(step.joinedGroups * step.depth, step.activations, pixel));
    for (int64_t i = 0; i < words; ++i) {
      SmallVector<int64_t> from;
      for (int64_t lane = 0; lane < lanes(); ++lane)
        from.push_back(lane / columns * words + i);
      Value x = ops.bitcast(4 * lanes(), b.getI8Type(),
                            ops.shuffle(all, all, from));
      Value w = ops.load(4 * lanes(), step.weights,
                         ops.add(step.weight, 4 * i * lanes()));
      sum = dot(b, loc, step.operand, sum, x, w);
    }
  }
  return next;
}
