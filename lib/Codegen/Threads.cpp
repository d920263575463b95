//===- Threads.cpp - loops of a kernel divided among threads --------------===//
#include "KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
/// The numbers of threads for nested loops that come closest to even parts.
class Spread {
public:
  Spread(ArrayRef<int64_t> iterations, int64_t threads)
      : iterations(iterations), current(iterations.size(), 1), best(current) {
    search(0, threads, 1);
  }
  ArrayRef<int64_t> counts() const { return best; }

private:
  /// Later loops must be clearly better: what the first ones give is in one
  /// piece of memory.
  static constexpr double kBetter = 1.05;

  void search(size_t level, int64_t threads, double evenness) {
    if (level == iterations.size()) {
      if (threads == 1 && evenness > bestEvenness * kBetter) {
        bestEvenness = evenness;
        best = current;
      }
      return;
    }
    for (int64_t count = threads; count >= 1; --count) {
      if (threads % count)
        continue;
      current[level] = count;
      double largest = llvm::divideCeil(iterations[level], count);
      search(level + 1, threads / count,
             evenness * iterations[level] / (count * largest));
    }
  }

  ArrayRef<int64_t> iterations;
  SmallVector<int64_t> current, best;
  double bestEvenness = 0;
};
} // namespace

SmallVector<KernelBuilder::Share>
KernelBuilder::share(ArrayRef<int64_t> iterations) {
  SmallVector<Share> shares(iterations.size());
  bool canDivide =
      llvm::any_of(iterations, [](int64_t count) { return count > 1; });
  if (threadCount == 1 || isDivided || !canDivide)
    return shares;
  Value left = thread;
  for (auto [share, count] :
       llvm::zip(shares, Spread(iterations, threadCount).counts())) {
    if (count == 1)
      continue;
    share.count = count;
    share.index = b.createOrFold<arith::RemUIOp>(loc, left, index(count));
    left = b.createOrFold<arith::DivUIOp>(loc, left, index(count));
  }
  return shares;
}

void KernelBuilder::divide(Operation *op, Block *block,
                           function_ref<void()> body) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(block, block->without_terminator().end());
  divided.insert(op);
  bool outside = !isDivided;
  isDivided = true;
  body();
  if (outside)
    isDivided = false;
}

Value KernelBuilder::minimum(Value value, int64_t bound) {
  return b.createOrFold<arith::MinUIOp>(loc, value, index(bound));
}

/// [begin, end) of `count` iterations.
static std::pair<Value, Value> partOf(KernelBuilder &k,
                                      const KernelBuilder::Share &share,
                                      int64_t count) {
  auto border = [&](Value number) -> Value {
    if (count % share.count == 0)
      return k.mul(number, count / share.count);
    return arith::DivUIOp::create(k.b, k.loc, k.mul(number, count),
                                  k.index(share.count));
  };
  return {border(share.index), border(k.add(share.index, 1))};
}

void KernelBuilder::loop(Share share, int64_t count, int64_t step,
                         function_ref<void(Value)> body) {
  if (share.count == 1)
    return loop(count, step, body);
  if (count <= 0)
    return;
  auto [begin, end] = partOf(*this, share, llvm::divideCeil(count, step));
  auto loop = scf::ForOp::create(b, loc, mul(begin, step), mul(end, step),
                                 index(step));
  divide(loop, loop.getBody(), [&] { body(loop.getInductionVar()); });
}

void KernelBuilder::pieces(Share share, int64_t count, int64_t width,
                           RunBody body) {
  if (share.count == 1)
    return pieces(count, width, body);
  int64_t tail = count % width, whole = count / width;
  auto [begin, end] = partOf(*this, share, whole + (tail != 0));
  if (whole) {
    auto loop = scf::ForOp::create(
        b, loc, mul(begin, width),
        mul(tail ? minimum(end, whole) : end, width), index(width));
    divide(loop, loop.getBody(),
           [&] { body(loop.getInductionVar(), width); });
  }
  if (!tail)
    return;
  Value isLast = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                       share.index, index(share.count - 1));
  auto branch = scf::IfOp::create(b, loc, isLast, /*withElseRegion=*/false);
  divide(branch, branch.thenBlock(),
         [&] { body(index(count - tail), tail); });
}

void KernelBuilder::onOneThread(function_ref<void()> body) {
  if (threadCount == 1 || isDivided)
    return body();
  Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                        thread, index(0));
  auto branch = scf::IfOp::create(b, loc, isFirst, /*withElseRegion=*/false);
  divide(branch, branch.thenBlock(), body);
}

/// Whether `memref` is memory of the function itself, or its thread's `scratch`.
static bool isOwnMemory(Value memref, Value scratch) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref == scratch || memref.getDefiningOp<memref::AllocaOp>();
}

bool KernelBuilder::storesAreDivided() {
  if (divided.empty())
    return true;
  auto isDividedOp = [&](Operation *op) {
    for (; op && op != function; op = op->getParentOp())
      if (divided.contains(op))
        return true;
    return false;
  };
  auto result = function->walk([&](MemoryEffectOpInterface op) {
    SmallVector<MemoryEffects::EffectInstance> effects;
    op.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects)
      if (isa<MemoryEffects::Write>(effect.getEffect()) &&
          !(effect.getValue() && isOwnMemory(effect.getValue(), scratchArgument)) &&
          !isDividedOp(op))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return !result.wasInterrupted();
}
