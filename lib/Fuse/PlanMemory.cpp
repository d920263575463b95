//===- PlanMemory.cpp - one arena for all kernel results ------------------===//
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Fuse/MemoryPlanner.h"
#include "dyadic/Fuse/Passes.h"
#include "dyadic/Fuse/Views.h"
#include "dyadic/Support/ConstantData.h"

namespace dyadic {
#define GEN_PASS_DEF_PLANMEMORY
#include "dyadic/Fuse/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

/// Cache lines and the widest vectors; also how far a kernel may read past a
/// tensor's end.
static constexpr int64_t kAlignment = 64;

/// A kernel that does nothing but move `value` to another place.
static Value copy(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Operation *constant = value.getDefiningOp();
  if (constant && !constant->hasTrait<OpTrait::ConstantLike>())
    constant = nullptr;
  OpBuilder::InsertionGuard guard(builder);
  auto kernel = KernelOp::create(builder, loc, TypeRange{type},
                                 constant ? ValueRange() : ValueRange(value),
                                 /*arena_offsets=*/nullptr,
                                 /*in_place=*/nullptr, /*layouts=*/nullptr);
  Block *body = builder.createBlock(&kernel.getBody());
  Value input = constant ? Value(builder.clone(*constant)->getResult(0))
                         : Value(body->addArgument(type, loc));
  SmallVector<int64_t> zeros(type.getRank(), 0), ones(type.getRank(), 1);
  Value moved;
  Type element = type.getElementType();
  if (type.getNumElements() == 0) // there is nothing to write
    moved = input;
  else if (element.isUnsignedInteger(8) || element.isSignlessInteger(8) ||
      element.isSignlessInteger(16))
    moved = dyadic::SliceOp::create(builder, loc, type, input, zeros,
                                    type.getShape(), ones);
  else
    moved = qnn::SliceOp::create(builder, loc, type, input, zeros,
                                 type.getShape(), ones);
  YieldOp::create(builder, loc, moved);
  return kernel.getResult(0);
}

/// Makes every returned value the result of a kernel that nothing else reads.
static void copySharedResults(func::ReturnOp returnOp) {
  OpBuilder builder(returnOp);
  llvm::DenseSet<Value> returned;
  for (OpOperand &operand : returnOp->getOpOperands()) {
    Value root = stripReshapes(operand.get());
    bool readByKernel = false;
    forEachReader(root, [&](OpOperand &use) {
      readByKernel |= use.getOwner() != returnOp;
    });
    if (root.getDefiningOp<KernelOp>() && !readByKernel &&
        returned.insert(root).second)
      continue;
    operand.set(copy(builder, operand.get().getLoc(), operand.get()));
    returned.insert(operand.get());
  }
}

static int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  auto kind = elementKindOf(type.getElementType());
  return type.getNumElements() * (kind ? byteWidth(*kind) : 0);
}

static bool isConstant(Value value) {
  Operation *op = stripReshapes(value).getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// Whether the op wants a number, which code can hold, in this operand.
static bool isNumberOfControl(OpOperand &operand) {
  Operation *op = operand.getOwner();
  unsigned numbers = isa<qnn::IfOp>(op) ? 1 : isa<qnn::LoopOp>(op) ? 2 : 0;
  if (isa<qnn::ControlYieldOp>(op) && isa<qnn::LoopOp>(op->getParentOp()))
    numbers = 1;
  return operand.getOperandNumber() < numbers;
}

/// Whether the value that an iteration hands on is another one carried into it,
/// which may be overwritten first.
static bool isOtherCarried(OpOperand &operand) {
  auto loop = dyn_cast<qnn::LoopOp>(operand.getOwner()->getParentOp());
  auto argument = dyn_cast<BlockArgument>(stripReshapes(operand.get()));
  unsigned number = operand.getOperandNumber();
  return loop && argument && number >= 1 && number <= loop.getCarried().size() &&
         argument.getArgNumber() >= 1 &&
         argument.getArgNumber() <= loop.getCarried().size() &&
         argument.getArgNumber() != number;
}

/// Gives constants that control ops read or yield memory, and values that
/// change places from one iteration to the next a copy.
static void copyForControl(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (!qnn::isControl(&op) && !isa<qnn::ControlYieldOp>(op))
      continue;
    OpBuilder builder(&op);
    for (OpOperand &operand : op.getOpOperands()) {
      if (isConstant(operand.get()) ? isNumberOfControl(operand)
                                    : !isOtherCarried(operand))
        continue;
      operand.set(copy(builder, operand.get().getLoc(), operand.get()));
    }
  }
}

namespace {
/// When an op runs: from its own step to the last of those inside of it.
struct Steps {
  int64_t first = 0, last = 0;
};

/// The steps of a function's ops, in order; branches one after the other.
class Timeline {
public:
  explicit Timeline(Block &block) { number(block); }
  int64_t firstOf(Operation *op) const { return steps.lookup(op).first; }
  int64_t lastOf(Operation *op) const { return steps.lookup(op).last; }
  /// The last step at which the reader needs what it reads: what a region hands
  /// on is moved when it is over.
  int64_t lastRead(const OpOperand &use) const {
    Operation *reader = use.getOwner();
    return lastOf(isa<qnn::ControlYieldOp>(reader) ? reader->getParentOp()
                                                   : reader);
  }

private:
  void number(Block &block) {
    for (Operation &op : block) {
      int64_t first = count++;
      if (qnn::isControl(&op)) {
        for (Region &region : op.getRegions())
          number(region.front());
        ++count;
      }
      steps[&op] = {first, count - 1};
    }
  }

  llvm::DenseMap<Operation *, Steps> steps;
  int64_t count = 0;
};

struct PlanMemoryPass : dyadic::impl::PlanMemoryBase<PlanMemoryPass> {
  using PlanMemoryBase::PlanMemoryBase;

  void runOnOperation() override {
    int64_t arenaBytes = 0;
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (func.isExternal())
        continue;
      auto bytes = plan(func);
      if (failed(bytes))
        return signalPassFailure();
      arenaBytes = std::max(arenaBytes, *bytes);
    }
    getOperation()->setAttr(
        kArenaBytesAttr,
        IntegerAttr::get(IntegerType::get(&getContext(), 64), arenaBytes));
  }

  FailureOr<int64_t> plan(func::FuncOp func) {
    if (!func.getBody().hasOneBlock())
      return func.emitError("expected a function of one block");
    auto returnOp =
        dyn_cast<func::ReturnOp>(func.getBody().front().getTerminator());
    if (!returnOp)
      return func.emitError("expected a function that returns");
    SmallVector<Block *> blocks;
    qnn::forEachBlock(func.getBody().front(),
                      [&](Block &block) { blocks.push_back(&block); });
    for (Block *block : blocks)
      if (failed(checkOps(*block)))
        return failure();
    copySharedResults(returnOp);
    for (Block *block : blocks)
      copyForControl(*block);

    buffers.clear();
    bufferOf.clear();
    std::vector<Placement> placements;
    for (Block *block : blocks) {
      placements.emplace_back(*block);
      if (keepAll && failed(copyParts(*block, placements.back())))
        return failure();
    }
    Timeline timeline(func.getBody().front());
    for (auto [block, placement] : llvm::zip_equal(blocks, placements))
      for (Operation &op : *block)
        if (failed(addBuffers(op, placement, timeline)))
          return failure();
    int64_t bytes = planMemory(buffers, kAlignment);
    for (auto [block, placement] : llvm::zip_equal(blocks, placements))
      for (Operation &op : *block)
        if (failed(setOffsets(op, placement)))
          return failure();
    return llvm::alignTo(bytes, kAlignment) + kAlignment;
  }

  static LogicalResult checkOps(Block &block) {
    for (Operation &op : block.without_terminator())
      if (!isa<KernelOp, qnn::ReshapeOp, dyadic::ReshapeOp>(op) &&
          !qnn::isControl(&op) && !op.hasTrait<OpTrait::ConstantLike>())
        return op.emitError("expected nothing but kernels, reshapes and control "
                            "flow: run --dyadic-fuse-kernels first");
    return success();
  }

  void addBuffer(Value value, int64_t first, int64_t last) {
    // Parts of a tensor live in its buffer, which is there for all of them.
    auto [known, isNew] = bufferOf.try_emplace(value, buffers.size());
    if (isNew)
      buffers.push_back({bytesOf(value), first, last});
    PlannedBuffer &buffer = buffers[known->second];
    buffer.last = std::max(buffer.last, last);
    if (keepAll) {
      buffer.first = 0;
      buffer.last = INT64_MAX;
    }
  }

  LogicalResult addBuffers(Operation &op, const Placement &placement,
                           const Timeline &timeline) {
    auto kernel = dyn_cast<KernelOp>(op);
    if (!kernel && !qnn::isControl(&op))
      return success();
    for (Value result : op.getResults()) {
      int64_t last = timeline.lastOf(&op);
      bool isReturned = false;
      forEachReader(result, [&](OpOperand &use) {
        isReturned |= isa<func::ReturnOp>(use.getOwner());
        last = std::max(last, timeline.lastRead(use));
      });
      if (isReturned)
        continue;
      auto place = placement.of(result);
      if (!place)
        return refuse(kernel);
      addBuffer(place->root, timeline.firstOf(&op), last);
    }
    if (auto loop = dyn_cast<qnn::LoopOp>(op))
      addBuffer(loop.getBody().getArgument(0), timeline.firstOf(loop),
                timeline.lastOf(loop));
    return success();
  }

  LogicalResult setOffsets(Operation &op, const Placement &placement) {
    if (auto kernel = dyn_cast<KernelOp>(op))
      return setOffsets(kernel, placement);
    if (!qnn::isControl(&op))
      return success();
    SmallVector<int64_t> offsets;
    for (Value result : op.getResults())
      offsets.push_back(buffers[bufferOf.lookup(result)].offset);
    if (auto loop = dyn_cast<qnn::LoopOp>(op)) {
      Value iteration = loop.getBody().getArgument(0);
      offsets.push_back(buffers[bufferOf.lookup(iteration)].offset);
      loop.setArenaOffsets(offsets);
    } else {
      cast<qnn::IfOp>(op).setArenaOffsets(offsets);
    }
    return success();
  }

  LogicalResult setOffsets(KernelOp kernel, const Placement &placement) {
    SmallVector<int64_t> offsets;
    SmallVector<Attribute> layouts;
    bool isPart = false;
    for (Value result : kernel.getResults()) {
      auto type = cast<RankedTensorType>(result.getType());
      auto place = placement.of(result);
      if (!place)
        return refuse(kernel);
      auto it = bufferOf.find(place->root);
      int64_t elementBytes =
          bytesOf(result) / std::max<int64_t>(type.getNumElements(), 1);
      offsets.push_back(it == bufferOf.end()
                            ? -1
                            : buffers[it->second].offset +
                                  place->offset * elementBytes);
      layouts.push_back(
          StridedLayoutAttr::get(&getContext(), 0, place->strides));
      isPart |= placement.find(result) != nullptr;
    }
    kernel.setArenaOffsets(offsets);
    if (isPart)
      kernel.setLayoutsAttr(ArrayAttr::get(&getContext(), layouts));
    else
      kernel.removeLayoutsAttr();
    return success();
  }

  static LogicalResult refuse(KernelOp kernel) {
    return kernel.emitError("expected operands in place that every reshape can "
                            "be read with: run --dyadic-place-views");
  }

  /// Puts a copy of its own behind every kernel whose result is part of another,
  /// to be read afterwards.
  static LogicalResult copyParts(Block &block, const Placement &placement) {
    for (auto kernel : llvm::to_vector(block.getOps<KernelOp>()))
      for (auto [result, yielded] :
           llvm::zip_equal(kernel.getResults(), kernel.getYield().getValues())) {
        if (!placement.of(result))
          return refuse(kernel);
        if (!placement.find(result))
          continue;
        OpBuilder builder(kernel->getContext());
        builder.setInsertionPointAfter(kernel);
        copy(builder, yielded.getLoc(), result);
      }
    return success();
  }

  SmallVector<PlannedBuffer> buffers;
  llvm::DenseMap<Value, size_t> bufferOf; // of the roots in the arena
};
} // namespace
