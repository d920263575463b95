//===- FuseKernels.cpp - level 3 → 4 --------------------------------------===//
//
//   conv2d → requantize → lookup        becomes        kernel { the three }
//
// A kernel stands where its last op stood, so that whatever its ops read is
// there before it. Results that only one op reads stay inside. Floats that are
// quantized and also read as they are leave it both ways.
//
//===----------------------------------------------------------------------===//
#include "ByteCopies.h"
#include "dyadic/Dialect/Dyadic/Dyadic.h"
#include "dyadic/Dialect/QNN/Control.h"
#include "dyadic/Dialect/QNN/QNN.h"
#include "dyadic/Dialect/Shapes.h"
#include "dyadic/Fuse/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace dyadic {
#define GEN_PASS_DEF_FUSEKERNELS
#include "dyadic/Fuse/Passes.h.inc"
} // namespace dyadic

using namespace mlir;
using namespace dyadic;

static bool isConstant(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>();
}

/// Ops that belong in kernels: all that compute. A reshape is the same bytes.
static bool isComputation(Operation *op) {
  return isa_and_nonnull<qnn::QNNDialect, DyadicDialect>(op->getDialect()) &&
         !isConstant(op) &&
         !isa<qnn::ReshapeOp, dyadic::ReshapeOp, KernelOp>(op) &&
         !qnn::isControl(op) && !op->hasTrait<OpTrait::IsTerminator>();
}

/// Sums of an integer op, which no kernel hands on.
static bool isAccumulator(Value value) {
  return isa_and_nonnull<AccumulatorOpInterface>(value.getDefiningOp());
}

/// The only op that reads `value`, however many of its operands it is.
static Operation *onlyUser(Value value) {
  llvm::SmallPtrSet<Operation *, 4> users(value.user_begin(), value.user_end());
  return users.size() == 1 ? *users.begin() : nullptr;
}

/// Whether what reads `value` can be in one kernel with `op`, which does: nothing
/// else, or a second pointwise op whose operands are `value` and what `op` makes of it.
static bool isReadWith(Value value, Operation *op) {
  Operation *next = op->getNumResults() == 1 ? onlyUser(op->getResult(0)) : nullptr;
  bool joins = next && isPointwise(next) && next->getNumResults() == 1 &&
               shapeOf(next->getResult(0)) == shapeOf(value) &&
               llvm::all_of(next->getOperands(), [&](Value operand) {
                 return operand == value || operand == op->getResult(0);
               });
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    return user == op || (joins && user == next);
  });
}

namespace {
/// Ops that become one kernel, in order. The last one's results leave it, and what others
/// read.
struct Group {
  Operation *anchor = nullptr;
  SmallVector<Operation *> ops;
  /// It ends with these: what came behind might stand behind readers of the floats.
  bool hasCopies = false;
};

class Grouping {
public:
  /// `copies` are those that placeByteCopies() placed.
  Grouping(bool fuse, Operations copies) : fuse(fuse), copies(std::move(copies)) {}

  void add(Operation *op) {
    SmallVector<Group *> producers = joinable(op);
    Group *group;
    if (producers.empty()) {
      groups.push_back(std::make_unique<Group>());
      group = groups.back().get();
      if (!isPointwise(op))
        group->anchor = op;
    } else {
      group = producers.front();
      // A second anchor can't come along.
      for (Group *other : ArrayRef(producers).drop_front())
        if (!other->anchor)
          merge(*group, *other);
      group->hasCopies = copies.contains(op);
    }
    group->ops.push_back(op);
    groupOf[op] = group;
  }

  ArrayRef<std::unique_ptr<Group>> get() const { return groups; }

private:
  /// The groups that a pointwise op can join, the anchored ones first.
  SmallVector<Group *> joinable(Operation *op) {
    llvm::SmallSetVector<Group *, 2> anchored, chains;
    bool isCopy = copies.contains(op);
    if (isPointwise(op))
      for (Value operand : op->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        Group *group = producer ? groupOf.lookup(producer) : nullptr;
        // The loops of a computation are its own, and so are several results'.
        if (group && !isa_and_nonnull<qnn::ComputeOp>(group->anchor) &&
            producer->getNumResults() == 1 &&
            (isCopy || (!group->hasCopies && isReadWith(operand, op))) &&
            shapeOf(operand) == shapeOf(op->getResult(0)) &&
            (fuse || isAccumulator(operand)))
          (group->anchor ? anchored : chains).insert(group);
      }
    SmallVector<Group *> result = anchored.takeVector();
    llvm::append_range(result, chains);
    return result;
  }

  void merge(Group &into, Group &from) {
    llvm::append_range(into.ops, from.ops);
    llvm::sort(into.ops, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    for (Operation *op : from.ops)
      groupOf[op] = &into;
    from.ops.clear();
  }

  bool fuse;
  Operations copies;
  std::vector<std::unique_ptr<Group>> groups;
  llvm::DenseMap<Operation *, Group *> groupOf;
};
} // namespace

/// Replaces the ops of a group by a kernel where the last of them stood.
static void makeKernel(const Group &group) {
  Operation *last = group.ops.back();
  llvm::SmallPtrSet<Operation *, 8> members(group.ops.begin(), group.ops.end());
  llvm::SetVector<Value> inputs;
  llvm::SetVector<Operation *> constants;
  for (Operation *op : group.ops)
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && isConstant(producer))
        constants.insert(producer);
      else if (!producer || !members.contains(producer))
        inputs.insert(operand);
    }

  OpBuilder builder(last);
  SmallVector<Value> results;
  for (Operation *op : group.ops)
    if (op == last || llvm::any_of(op->getUsers(), [&](Operation *user) {
          return !members.contains(user);
        }))
      llvm::append_range(results, op->getResults());
  Location loc = (group.anchor ? group.anchor : last)->getLoc();
  auto kernel =
      KernelOp::create(builder, loc, TypeRange(ValueRange(results)),
                       inputs.getArrayRef(), /*arena_offsets=*/nullptr,
                       /*in_place=*/nullptr, /*layouts=*/nullptr);
  Block *body = builder.createBlock(&kernel.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *constant : constants)
    builder.clone(*constant, mapping);
  for (Operation *op : group.ops)
    builder.clone(*op, mapping);
  YieldOp::create(builder, last->getLoc(),
                  llvm::map_to_vector(results, [&](Value result) {
                    return mapping.lookup(result);
                  }));
  for (auto [result, output] : llvm::zip_equal(results, kernel->getResults()))
    result.replaceUsesWithIf(output, [&](OpOperand &use) {
      return !members.contains(use.getOwner());
    });
  for (Operation *op : llvm::reverse(group.ops))
    op->erase();
}

/// Gives every reader of a sum its own copy of the op that makes it.
static void splitAccumulators(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (!isComputation(&op) || !isAccumulator(op.getResult(0)))
      continue;
    Value sum = op.getResult(0);
    while (!sum.use_empty() && !onlyUser(sum)) {
      Operation *user = *sum.user_begin();
      OpBuilder builder(&op);
      user->replaceUsesOfWith(sum, builder.clone(op)->getResult(0));
    }
  }
}

namespace {
struct FuseKernelsPass : dyadic::impl::FuseKernelsBase<FuseKernelsPass> {
  using FuseKernelsBase::FuseKernelsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (!func.getBody().hasOneBlock()) {
      func.emitError("expected a function of one block");
      return signalPassFailure();
    }
    // Each region of control flow has kernels of its own.
    bool valid = true;
    qnn::forEachBlock(func.getBody().front(),
                      [&](Block &block) { valid &= succeeded(fuseBlock(block)); });
    if (!valid)
      signalPassFailure();
  }

  LogicalResult fuseBlock(Block &block) {
    eraseUnused(block);
    splitAccumulators(block);

    Grouping grouping(fuse, fuse ? placeByteCopies(block) : Operations());
    for (Operation &op : block) {
      if (isa_and_nonnull<quant::QuantDialect>(op.getDialect())) {
        return op.emitError("expected integer or f32 tensors: run "
                            "--lower-qnn-to-dyadic first");
      }
      if (isComputation(&op))
        grouping.add(&op);
    }
    for (const std::unique_ptr<Group> &group : grouping.get()) {
      if (group->ops.empty())
        continue;
      makeKernel(*group);
      ++numKernels;
    }
    eraseUnused(block);
    return success();
  }

  static void eraseUnused(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};
} // namespace
