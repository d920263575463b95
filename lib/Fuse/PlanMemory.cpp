//===- PlanMemory.cpp - one arena for all kernel results ------------------===//
#include "dyadic/Dialect/Dyadic/Dyadic.h"
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
  if (element.isUnsignedInteger(8) || element.isSignlessInteger(8) ||
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

namespace {
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
    Block &block = func.getBody().front();
    auto returnOp = dyn_cast<func::ReturnOp>(block.getTerminator());
    if (!returnOp)
      return func.emitError("expected a function that returns");
    for (Operation &op : block.without_terminator())
      if (!isa<KernelOp>(op) && !isa<qnn::ReshapeOp, dyadic::ReshapeOp>(op) &&
          !op.hasTrait<OpTrait::ConstantLike>())
        return op.emitError("expected nothing but kernels and reshapes: run "
                            "--dyadic-fuse-kernels first");
    copySharedResults(returnOp);

    Placement placement(block);
    if (keepAll && failed(copyParts(block, placement)))
      return failure();

    // Parts of a tensor live in its buffer, which is there for all of them.
    llvm::DenseMap<Operation *, int64_t> steps;
    for (Operation &op : block)
      steps[&op] = steps.size();
    SmallVector<PlannedBuffer> buffers;
    llvm::DenseMap<Value, size_t> bufferOf; // of the roots in the arena
    for (auto kernel : block.getOps<KernelOp>())
      for (Value result : kernel.getResults()) {
        int64_t last = steps[kernel];
        bool isReturned = false;
        forEachReader(result, [&](OpOperand &use) {
          isReturned |= use.getOwner() == returnOp;
          last = std::max(last, steps[use.getOwner()]);
        });
        if (isReturned)
          continue;
        auto place = placement.of(result);
        if (!place)
          return refuse(kernel);
        auto [known, isNew] = bufferOf.try_emplace(place->root, buffers.size());
        if (isNew)
          buffers.push_back({bytesOf(place->root), steps[kernel], last});
        PlannedBuffer &buffer = buffers[known->second];
        buffer.last = std::max(buffer.last, last);
        if (keepAll) {
          buffer.first = 0;
          buffer.last = INT64_MAX;
        }
      }

    int64_t bytes = planMemory(buffers, kAlignment);
    for (auto kernel : block.getOps<KernelOp>()) {
      SmallVector<int64_t> offsets;
      SmallVector<Attribute> layouts;
      bool isPart = false;
      for (Value result : kernel.getResults()) {
        auto type = cast<RankedTensorType>(result.getType());
        auto place = placement.of(result);
        if (!place)
          return refuse(kernel);
        auto it = bufferOf.find(place->root);
        int64_t elementBytes = bytesOf(result) / std::max<int64_t>(type.getNumElements(), 1);
        offsets.push_back(it == bufferOf.end()
                              ? -1
                              : buffers[it->second].offset + place->offset * elementBytes);
        layouts.push_back(StridedLayoutAttr::get(&getContext(), 0, place->strides));
        isPart |= placement.find(result) != nullptr;
      }
      kernel.setArenaOffsets(offsets);
      if (isPart)
        kernel.setLayoutsAttr(ArrayAttr::get(&getContext(), layouts));
      else
        kernel.removeLayoutsAttr();
    }
    return llvm::alignTo(bytes, kAlignment) + kAlignment;
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
};
} // namespace
