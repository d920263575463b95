//===- ChannelGroups.cpp --------------------------------------------------===//
#include "ChannelGroups.h"

#include "FloatRegions.h"

#include "dyadic/Simplify/ContractionWeights.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace dyadic;

int64_t dyadic::channelsOf(Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return shape.empty() ? 1 : shape.back();
}

bool ChannelGroup::replacesTables() const {
  return llvm::any_of(writers, [](const Writer &writer) {
    return writer.function && !isComputedFromSums(writer.function, FloatReasons());
  });
}

static bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

static bool keepsChannels(Operation *op) {
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return channelsOf(operand) == channelsOf(op->getResult(0));
  });
}

namespace {
/// An operand whose channels the result has: channel c of the operand is channel
/// c + `shift` of the result.
struct Link {
  Value operand;
  int64_t shift = 0;
};

/// Sets of values whose channels scale together.
class LinkedChannels {
public:
  struct Place {
    Value leader;
    /// Channel c of the value is channel c + `first` of the leader.
    int64_t first;
  };

  Place find(Value value) const {
    Place place{value, 0};
    for (auto next = parents.find(value); next != parents.end();
         next = parents.find(place.leader)) {
      place.leader = next->second.leader;
      place.first += next->second.first;
    }
    return place;
  }

  /// Channel c of `a` is channel c + `shift` of `b`. Fails where that would make two
  /// channels of one tensor the same.
  LogicalResult unite(Value a, Value b, int64_t shift) {
    Place from = find(a), to = find(b);
    int64_t first = to.first + shift - from.first;
    if (from.leader == to.leader)
      return success(first == 0);
    parents[from.leader] = {to.leader, first};
    return success();
  }

private:
  llvm::DenseMap<Value, Place> parents;
};
} // namespace

/// The operands that f(t·x) = t·f(x) holds for together, for a factor t_c > 0 of
/// each channel; empty if there are none. The others stay as they are.
static SmallVector<Link> homogeneousOperands(Operation *op) {
  if (op->getNumResults() != 1 || !op->getNumOperands() || !holdsReals(op->getResult(0)))
    return {};
  // A constant would have to be scaled, too; biases are in the contractions.
  if (llvm::any_of(op->getOperands(), isConstant))
    return {};
  int64_t last = cast<RankedTensorType>(op->getOperand(0).getType()).getRank() - 1;
  auto concat = dyn_cast<qnn::ConcatOp>(op);
  if (concat && static_cast<int64_t>(concat.getAxis()) == last) {
    SmallVector<Link> links;
    int64_t at = 0;
    for (Value input : concat.getInputs()) {
      links.push_back({input, at});
      at += channelsOf(input);
    }
    return links;
  }
  if (auto mul = dyn_cast<qnn::MulOp>(op)) {
    // A gate stays as it is.
    if (mul.getLhs() != mul.getRhs())
      for (Value operand : op->getOperands())
        if (operand.getType() == mul.getType())
          return {{operand, 0}};
    return {};
  }
  if (!keepsChannels(op))
    return {};
  // Some mustn't touch the last dimension.
  auto mean = dyn_cast<qnn::ReduceMeanOp>(op);
  auto transpose = dyn_cast<qnn::TransposeOp>(op);
  auto pad = dyn_cast<qnn::PadOp>(op);
  bool isHomogeneous =
      isa<qnn::ReluOp, qnn::LeakyReluOp, qnn::MaxPool2DOp, qnn::AvgPool2DOp, qnn::ResizeOp,
          qnn::AddOp, qnn::SubOp, qnn::MaximumOp, qnn::MinimumOp, qnn::ReshapeOp>(op) ||
      (mean && !llvm::is_contained(mean.getAxes(), last)) ||
      (transpose && last >= 0 && transpose.getPermutation().back() == last) ||
      (pad && pad.getValue().isZero()) ||
      // As many channels as before are all of them.
      isa<qnn::SliceOp, qnn::ConcatOp>(op);
  if (!isHomogeneous)
    return {};
  return llvm::map_to_vector(op->getOperands(), [](Value operand) { return Link{operand}; });
}

static bool isScalable(Operation *op) {
  return isa<qnn::Conv2DOp, qnn::MatmulOp>(op) && ContractionWeights::read(op).has_value();
}

/// The contraction in front of `op` if `op` ends a function of its sums that is more
/// than clamping them: what a table would give 8-bit numbers can be had from
/// unrounded sums at once, with a factor for each channel. Not from exponentials: a
/// GELU for each sum makes MiniLM an eighth slower.
static Operation *contractionOfFunction(Operation *op) {
  if (op->getNumResults() != 1 || isa<qnn::ReluOp, qnn::ClampOp, qnn::GeluOp>(op))
    return nullptr;
  Operation *contraction = contractionBehind(op, FloatReasons());
  return contraction && isScalable(contraction) &&
                 channelsOf(contraction->getResult(0)) == channelsOf(op->getResult(0))
             ? contraction
             : nullptr;
}

/// Channels were counted from the first of one of the tensors.
static void countFromFirst(ChannelGroup &group) {
  int64_t least = INT64_MAX, end = INT64_MIN;
  for (const ChannelGroup::Tensor &tensor : group.tensors) {
    least = std::min(least, tensor.first);
    end = std::max(end, tensor.first + channelsOf(tensor.value));
  }
  auto shift = [&](auto &members) {
    for (auto &member : members)
      member.first -= least;
  };
  shift(group.tensors);
  shift(group.writers);
  shift(group.readers);
  group.channels = end - least;
}

SmallVector<ChannelGroup> dyadic::floatGroups(func::FuncOp func) {
  SmallVector<ChannelGroup> groups;
  for (Operation &op : func.getBody().getOps()) {
    if (!isComputation(&op) || op.getNumResults() != 1 || isa<qnn::QuantizableOpInterface>(op))
      continue;
    Value result = op.getResult(0);
    ChannelGroup group;
    group.channels = channelsOf(result);
    group.tensors.push_back({result, 0});
    group.writers.push_back({nullptr, &op, 0});
    for (Operation *user : result.getUsers())
      if (isScalable(user) && user->getOperand(0) == result)
        group.readers.push_back({user, 0});
    if (!group.readers.empty() && group.channels > 1)
      groups.push_back(std::move(group));
  }
  return groups;
}

SmallVector<ChannelGroup> dyadic::channelGroups(func::FuncOp func) {
  LinkedChannels linked;
  SmallVector<Value> order;
  llvm::SmallPtrSet<Value, 16> fixed;
  llvm::DenseMap<Operation *, ChannelGroup::Writer> writers;
  llvm::SmallPtrSet<Operation *, 16> scalable;
  auto fix = [&](ValueRange values) { fixed.insert(values.begin(), values.end()); };

  fix(func.getArguments());
  for (Operation &op : func.getBody().getOps()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    llvm::append_range(order, op.getResults());
    if (SmallVector<Link> links = homogeneousOperands(&op); !links.empty()) {
      for (Value operand : op.getOperands())
        if (llvm::none_of(links, [&](const Link &link) { return link.operand == operand; }))
          fix(operand);
      for (const Link &link : links)
        if (failed(linked.unite(link.operand, op.getResult(0), link.shift)))
          fix(link.operand);
    } else if (isScalable(&op)) {
      scalable.insert(&op);
      writers[&op] = {&op, nullptr, 0};
    } else if (Operation *contraction = contractionOfFunction(&op)) {
      fix(op.getOperands());
      writers[&op] = {contraction, &op, 0};
    } else {
      fix(op.getOperands());
      fix(op.getResults());
    }
  }

  // A value that nothing may scale fixes all that scale with it.
  llvm::SmallPtrSet<Value, 16> fixedLeaders;
  for (Value value : fixed)
    fixedLeaders.insert(linked.find(value).leader);
  llvm::MapVector<Value, ChannelGroup> groups;
  for (Value value : order) {
    auto [leader, first] = linked.find(value);
    if (fixedLeaders.contains(leader))
      continue;
    ChannelGroup &group = groups[leader];
    group.tensors.push_back({value, first});
    if (auto writer = writers.find(value.getDefiningOp()); writer != writers.end()) {
      group.writers.push_back(writer->second);
      group.writers.back().first = first;
    }
    for (Operation *user : value.getUsers())
      if (scalable.contains(user) && user->getOperand(0) == value)
        group.readers.push_back({user, first});
  }
  SmallVector<ChannelGroup> result;
  for (auto &[leader, group] : groups) {
    countFromFirst(group);
    if (!group.writers.empty() && !group.readers.empty() && group.channels > 1)
      result.push_back(std::move(group));
  }
  return result;
}
