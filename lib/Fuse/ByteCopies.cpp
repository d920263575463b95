//===- ByteCopies.cpp -----------------------------------------------------===//
//
//   %f = layer_norm …                 %f = layer_norm …
//   %s = add %f, %y        becomes    %m = mul %f, %constant
//   %m = mul %f, %constant            %q = quantize %m
//   %q = quantize %m                  %s = add %f, %y
//
//===----------------------------------------------------------------------===//
#include "ByteCopies.h"

#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/Shapes.h"
#include "dyadic/Fuse/Views.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace dyadic;

/// The only operand that isn't a constant.
static Value variableOperand(Operation *op) {
  llvm::SmallSetVector<Value, 2> variables;
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    if (!producer || !producer->hasTrait<OpTrait::ConstantLike>())
      variables.insert(operand);
  }
  return variables.size() == 1 ? variables.front() : Value();
}

/// Whether the kernel of the floats should make their bytes, too. One that only moves them
/// may have nothing left to do where it has no other result.
static bool takesCopy(Value floats) {
  return !isMovement(floats.getDefiningOp()) &&
         cast<RankedTensorType>(floats.getType()).getElementType().isF32();
}

/// The ops from floats with several readers to bytes of them; none where others have a
/// say in the bytes or are the only ones to read them.
static SmallVector<Operation *> copyEndingAt(QuantizeOp quantize) {
  SmallVector<Operation *> chain;
  if (quantize->hasOneUse() && isPointwise(*quantize->user_begin()))
    return chain; // one kernel with what reads them
  for (Operation *op = quantize; isPointwise(op);) {
    Value read = variableOperand(op);
    Operation *producer = read ? read.getDefiningOp() : nullptr;
    if (!producer || producer->getBlock() != op->getBlock() ||
        shapeOf(read) != shapeOf(op->getResult(0)))
      break;
    chain.insert(chain.begin(), op);
    bool isShared = llvm::any_of(read.getUsers(), [&](Operation *user) { return user != op; });
    if (isShared)
      return takesCopy(read) ? chain : SmallVector<Operation *>();
    op = producer;
  }
  return {};
}

Operations dyadic::placeByteCopies(Block &block) {
  Operations placed;
  for (auto quantize : llvm::make_early_inc_range(block.getOps<QuantizeOp>())) {
    SmallVector<Operation *> chain = copyEndingAt(quantize);
    if (chain.empty())
      continue;
    // Kernels have copies of the constants, wherever those are.
    Operation *last = variableOperand(chain.front()).getDefiningOp();
    for (Operation *op : chain) {
      op->moveAfter(last);
      last = op;
    }
    placed.insert(chain.begin(), chain.end());
  }
  return placed;
}
