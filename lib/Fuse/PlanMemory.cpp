//===- PlanMemory.cpp - one arena for all kernel results ------------------===//
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Fuse/MemoryPlanner.h"
#include "dyadic/Fuse/Passes.h"
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

static bool isReshape(Operation *op) {
  return isa_and_nonnull<qnn::ReshapeOp, dyadic::ReshapeOp>(op);
}

/// The value whose bytes `value` is.
static Value rootOf(Value value) {
  while (isReshape(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// Calls `visit` for every op but reshapes that reads the bytes of `value`.
static void forEachReader(Value value,
                          llvm::function_ref<void(Operation *)> visit) {
  for (Operation *user : value.getUsers())
    if (isReshape(user))
      forEachReader(user->getResult(0), visit);
    else
      visit(user);
}

/// A kernel that does nothing but move `value` to another place.
static Value copy(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Operation *constant = value.getDefiningOp();
  if (constant && !constant->hasTrait<OpTrait::ConstantLike>())
    constant = nullptr;
  OpBuilder::InsertionGuard guard(builder);
  auto kernel = KernelOp::create(builder, loc, TypeRange{type},
                                 constant ? ValueRange() : ValueRange(value),
                                 /*arena_offsets=*/nullptr);
  Block *body = builder.createBlock(&kernel.getBody());
  Value input = constant ? Value(builder.clone(*constant)->getResult(0))
                         : Value(body->addArgument(type, loc));
  SmallVector<int64_t> zeros(type.getRank(), 0), ones(type.getRank(), 1);
  Value moved;
  if (type.getElementType().isF32())
    moved = qnn::SliceOp::create(builder, loc, type, input, zeros,
                                 type.getShape(), ones);
  else
    moved = dyadic::SliceOp::create(builder, loc, type, input, zeros,
                                    type.getShape(), ones);
  YieldOp::create(builder, loc, moved);
  return kernel.getResult(0);
}

/// Makes every returned value the result of a kernel that nothing else reads.
static void copySharedResults(func::ReturnOp returnOp) {
  OpBuilder builder(returnOp);
  llvm::DenseSet<Value> returned;
  for (OpOperand &operand : returnOp->getOpOperands()) {
    Value root = rootOf(operand.get());
    bool readByKernel = false;
    forEachReader(root, [&](Operation *reader) {
      readByKernel |= reader != returnOp;
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
      if (!isa<KernelOp>(op) && !isReshape(&op) &&
          !op.hasTrait<OpTrait::ConstantLike>())
        return op.emitError("expected nothing but kernels and reshapes: run "
                            "--dyadic-fuse-kernels first");
    copySharedResults(returnOp);

    llvm::DenseMap<Operation *, int64_t> steps;
    for (Operation &op : block)
      steps[&op] = steps.size();
    SmallVector<PlannedBuffer> buffers;
    llvm::DenseMap<Value, size_t> bufferOf; // of the results in the arena
    for (auto kernel : block.getOps<KernelOp>())
      for (Value result : kernel.getResults()) {
        PlannedBuffer buffer{bytesOf(result), steps[kernel], steps[kernel]};
        bool isReturned = false;
        forEachReader(result, [&](Operation *reader) {
          isReturned |= reader == returnOp;
          buffer.last = std::max(buffer.last, steps[reader]);
        });
        if (isReturned)
          continue;
        if (keepAll) {
          buffer.first = 0;
          buffer.last = INT64_MAX;
        }
        bufferOf[result] = buffers.size();
        buffers.push_back(buffer);
      }

    int64_t bytes = planMemory(buffers, kAlignment);
    for (auto kernel : block.getOps<KernelOp>())
      kernel.setArenaOffsets(
          llvm::map_to_vector(kernel.getResults(), [&](Value result) -> int64_t {
            auto it = bufferOf.find(result);
            return it == bufferOf.end() ? -1 : buffers[it->second].offset;
          }));
    return llvm::alignTo(bytes, kAlignment) + kAlignment;
  }
};
} // namespace
