//===- FormTeams.cpp - one parallel region an inference -------------------===//
//
// The function that calls kernels becomes what one thread of a team does: its
// calls of each kernel, and a wait for the others where they must be done. The
// public function starts the team (Runtime/threads.c).
//
//===----------------------------------------------------------------------===//
#include "dyadic/Emit/Passes.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace dyadic {
#define GEN_PASS_DEF_FORMTEAMSPASS
#include "dyadic/Emit/Passes.h.inc"

namespace {

constexpr const char *kRunTeam = "dyadic_run_team";
constexpr const char *kWait = "dyadic_team_wait";
/// A thread's line of memory for waits (struct gate in Runtime/threads.c).
constexpr int64_t kGateBytes = 64;

/// The iterations of a parallel loop as the code generator writes it: one
/// dimension, from 0 in steps of 1.
std::optional<int64_t> iterationsOf(scf::ParallelOp loop) {
  APInt lower, upper, step;
  if (loop.getNumLoops() != 1 || loop.getNumReductions() ||
      !matchPattern(loop.getLowerBound()[0], m_ConstantInt(&lower)) ||
      !matchPattern(loop.getUpperBound()[0], m_ConstantInt(&upper)) ||
      !matchPattern(loop.getStep()[0], m_ConstantInt(&step)) ||
      !lower.isZero() || !step.isOne())
    return std::nullopt;
  return upper.getSExtValue();
}

/// Whether the op loads one of the program's constants, such as the extent that
/// belongs to a length: every thread may do it, whenever it needs to.
bool readsConstants(Operation &op) {
  auto load = dyn_cast<memref::LoadOp>(op);
  if (!load)
    return false;
  Value source = load.getMemRef();
  while (auto view = source.getDefiningOp<ViewLikeOpInterface>())
    source = view.getViewSource();
  return source.getDefiningOp<memref::GetGlobalOp>() != nullptr;
}

/// Rewrites one function.
class TeamBuilder {
public:
  TeamBuilder(func::FuncOp run, int64_t threads)
      : run(run), threads(threads), loc(run.getLoc()), b(run),
        pointer(LLVM::LLVMPointerType::get(run.getContext())),
        i64(b.getI64Type()) {}

  void build() {
    makeThread();
    fillThread();
    startTeam();
  }

private:
  /// `@<run>.thread(arguments, thread, threads, gates)`, with the arguments of
  /// `run` as it has them.
  void makeThread() {
    thread = func::FuncOp::create(
        b, loc, (run.getName() + ".thread").str(),
        b.getFunctionType({pointer, i64, i64, pointer}, {}));
    thread.setPrivate();
    Block *entry = thread.addEntryBlock();
    b.setInsertionPointToStart(entry);
    LLVMTypeConverter converter(run.getContext());
    for (auto [i, argument] : llvm::enumerate(run.getArguments())) {
      Value place = LLVM::GEPOp::create(b, loc, pointer, pointer,
                                        entry->getArgument(0),
                                        ArrayRef<LLVM::GEPArg>{int32_t(i)});
      auto type = dyn_cast<MemRefType>(argument.getType());
      if (!type) { // the length
        Value value = LLVM::LoadOp::create(b, loc, i64, place);
        mapping.map(argument, arith::IndexCastOp::create(
                                  b, loc, argument.getType(), value));
        continue;
      }
      Value address = LLVM::LoadOp::create(b, loc, pointer, place);
      Value descriptor = MemRefDescriptor::fromStaticShape(b, loc, converter,
                                                           type, address);
      mapping.map(argument, UnrealizedConversionCastOp::create(
                                b, loc, type, descriptor)
                                .getResult(0));
    }
    Type index = b.getIndexType();
    number = arith::IndexCastOp::create(b, loc, index, entry->getArgument(1));
    count = arith::IndexCastOp::create(b, loc, index, entry->getArgument(2));
    isFirst = arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::eq, number,
        arith::ConstantIndexOp::create(b, loc, 0));
  }

  void fillThread() {
    for (Operation &op : run.front().without_terminator()) {
      if (auto loop = dyn_cast<scf::ParallelOp>(op)) {
        if (last != Work::None)
          wait();
        share(loop);
        last = Work::Shared;
      } else if (isMemoryEffectFree(&op) || readsConstants(op)) {
        // Where a call that joins the others on one thread finds it.
        OpBuilder::InsertionGuard guard(b);
        if (last == Work::Alone)
          b.setInsertionPoint(branch);
        b.clone(op, mapping);
      } else {
        if (last == Work::Shared)
          wait();
        alone(op);
        last = Work::Alone;
      }
    }
    func::ReturnOp::create(b, loc);
  }

  void wait() {
    Block &entry = thread.front();
    LLVM::CallOp::create(b, loc, TypeRange(), kWait,
                         ValueRange{entry.getArgument(3), entry.getArgument(1),
                                    entry.getArgument(2)});
  }

  /// Iterations number, number + count, …: there may be fewer threads than the
  /// kernels are divided for.
  void share(scf::ParallelOp loop) {
    auto mine = scf::ForOp::create(b, loop.getLoc(), number,
                                   mapping.lookup(loop.getUpperBound()[0]),
                                   count);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(mine.getBody());
    mapping.map(loop.getInductionVars()[0], mine.getInductionVar());
    for (Operation &op : loop.getBody()->without_terminator())
      b.clone(op, mapping);
  }

  /// On the first thread, with what precedes it there.
  void alone(Operation &op) {
    if (last != Work::Alone)
      branch = scf::IfOp::create(b, op.getLoc(), isFirst, false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    b.clone(op, mapping);
  }

  /// The new body of `run`.
  void startTeam() {
    Block &body = run.front();
    while (&body.back() != &body.front())
      body.back().erase();
    body.front().erase();
    b.setInsertionPointToEnd(&body);
    auto number = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, loc, value, 64);
    };
    Value arguments = LLVM::AllocaOp::create(b, loc, pointer, pointer,
                                             number(run.getNumArguments()), 8);
    Value gates = LLVM::AllocaOp::create(b, loc, pointer, b.getI8Type(),
                                         number(kGateBytes * threads),
                                         kGateBytes);
    for (auto [i, argument] : llvm::enumerate(run.getArguments())) {
      Value stored = argument;
      if (isa<MemRefType>(argument.getType())) {
        stored = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, argument);
        stored = arith::IndexCastOp::create(b, loc, i64, stored);
        stored = LLVM::IntToPtrOp::create(b, loc, pointer, stored);
      } else { // the length
        stored = arith::IndexCastOp::create(b, loc, i64, stored);
      }
      Value place = LLVM::GEPOp::create(b, loc, pointer, pointer, arguments,
                                        ArrayRef<LLVM::GEPArg>{int32_t(i)});
      LLVM::StoreOp::create(b, loc, stored, place);
    }
    Value function = func::ConstantOp::create(
        b, loc, thread.getFunctionType(), thread.getName());
    function = UnrealizedConversionCastOp::create(b, loc, pointer, function)
                   .getResult(0);
    LLVM::CallOp::create(
        b, loc, TypeRange(), kRunTeam,
        ValueRange{function, arguments, number(threads), gates});
    func::ReturnOp::create(b, loc);
  }

  func::FuncOp run, thread;
  int64_t threads;
  Location loc;
  OpBuilder b;
  Type pointer, i64;
  IRMapping mapping;
  Value number, count, isFirst;
  scf::IfOp branch;
  enum class Work { None, Shared, Alone } last = Work::None;
};

struct FormTeams : impl::FormTeamsPassBase<FormTeams> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool found = false;
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      int64_t threads = 0;
      for (auto loop : function.getOps<scf::ParallelOp>()) {
        auto iterations = iterationsOf(loop);
        if (!iterations) {
          loop.emitError("expected a parallel loop of calls from 0 to a "
                         "constant in steps of 1");
          return signalPassFailure();
        }
        threads = std::max(threads, *iterations);
      }
      if (!threads)
        continue;
      TeamBuilder(function, threads).build();
      found = true;
    }
    if (found)
      declareRuntime(module);
  }

  static void declareRuntime(ModuleOp module) {
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    MLIRContext *context = module.getContext();
    Type pointer = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type(),
         none = LLVM::LLVMVoidType::get(context);
    LLVM::LLVMFuncOp::create(
        b, module.getLoc(), kRunTeam,
        LLVM::LLVMFunctionType::get(none, {pointer, pointer, i64, pointer}));
    LLVM::LLVMFuncOp::create(
        b, module.getLoc(), kWait,
        LLVM::LLVMFunctionType::get(none, {pointer, i64, i64}));
  }
};

} // namespace
} // namespace dyadic
