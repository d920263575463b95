//===- ChannelGroups.cpp --------------------------------------------------===//
#include "ChannelGroups.h"

#include "FloatRegions.h"

#include "dyadic/Simplify/ContractionWeights.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace dyadic;

static int64_t channelsOf(Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return shape.empty() ? 1 : shape.back();
}

/// Whether f(t·x) = t·f(x) for a factor t_c > 0 of each channel, in all of the
/// op's operands and its result at once.
static bool isHomogeneous(Operation *op) {
  if (op->getNumResults() != 1 || !op->getNumOperands() || !holdsReals(op->getResult(0)))
    return false;
  int64_t channels = channelsOf(op->getResult(0));
  auto keepsChannels = [&](Value operand) { return channelsOf(operand) == channels; };
  // A constant would have to be scaled, too; biases are in the contractions.
  auto isConstant = [](Value operand) { return matchPattern(operand, m_Constant()); };
  if (!llvm::all_of(op->getOperands(), keepsChannels) ||
      llvm::any_of(op->getOperands(), isConstant))
    return false;
  if (isa<qnn::ReluOp, qnn::LeakyReluOp, qnn::MaxPool2DOp, qnn::AvgPool2DOp, qnn::ResizeOp,
          qnn::AddOp, qnn::SubOp, qnn::MaximumOp, qnn::MinimumOp, qnn::ReshapeOp>(op))
    return true;
  // The others mustn't touch the last dimension.
  int64_t last = cast<RankedTensorType>(op->getOperand(0).getType()).getRank() - 1;
  if (auto mean = dyn_cast<qnn::ReduceMeanOp>(op))
    return !llvm::is_contained(mean.getAxes(), last);
  if (auto transpose = dyn_cast<qnn::TransposeOp>(op))
    return last >= 0 && transpose.getPermutation().back() == last;
  if (auto pad = dyn_cast<qnn::PadOp>(op))
    return pad.getValue().isZero();
  // As many channels as before are all of them.
  return isa<qnn::SliceOp>(op);
}

static bool isScalable(Operation *op) {
  return isa<qnn::Conv2DOp, qnn::MatmulOp>(op) && ContractionWeights::read(op).has_value();
}

SmallVector<ChannelGroup> dyadic::channelGroups(func::FuncOp func) {
  llvm::EquivalenceClasses<Value> classes;
  SmallVector<Value> order;
  llvm::SmallPtrSet<Value, 16> fixed;
  llvm::SmallPtrSet<Operation *, 16> scalable;
  auto fix = [&](ValueRange values) { fixed.insert(values.begin(), values.end()); };

  fix(func.getArguments());
  for (Operation &op : func.getBody().getOps()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    llvm::append_range(order, op.getResults());
    for (Value result : op.getResults())
      classes.insert(result);
    if (isHomogeneous(&op)) {
      for (Value operand : op.getOperands())
        classes.unionSets(operand, op.getResult(0));
    } else if (isScalable(&op)) {
      scalable.insert(&op);
    } else {
      fix(op.getOperands());
      fix(op.getResults());
    }
  }

  // A value that nothing may scale fixes all that scale with it.
  llvm::SmallPtrSet<Value, 16> fixedLeaders;
  for (Value value : fixed)
    if (classes.contains(value))
      fixedLeaders.insert(classes.getLeaderValue(value));
  llvm::MapVector<Value, ChannelGroup> groups;
  for (Value value : order) {
    Value leader = classes.getLeaderValue(value);
    if (fixedLeaders.contains(leader))
      continue;
    ChannelGroup &group = groups[leader];
    group.channels = channelsOf(value);
    group.tensors.push_back(value);
    if (scalable.contains(value.getDefiningOp()))
      group.writers.push_back(value.getDefiningOp());
    for (Operation *user : value.getUsers())
      if (scalable.contains(user) && !llvm::is_contained(group.readers, user))
        group.readers.push_back(user);
  }
  SmallVector<ChannelGroup> result;
  for (auto &[leader, group] : groups)
    if (!group.writers.empty() && !group.readers.empty() && group.channels > 1)
      result.push_back(std::move(group));
  return result;
}
