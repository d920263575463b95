//===- ControlFlow.cpp - loops and conditions -----------------------------===//
//
// Where all threads agree, these are a loop and an if of the host. Where they
// don't, both branches run one after the other, each for its threads, and a
// loop runs until its last thread is done.
//
//===----------------------------------------------------------------------===//
#include "Block.h"
#include "OpTable.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace dyadic::emulate {

//===--- scf.if -----------------------------------------------------------===//

namespace {
struct Choice {
  Code then, otherwise;
};
} // namespace

static void runUniformIf(Block &block, const Instruction &instruction) {
  auto *choice = static_cast<const Choice *>(instruction.extra);
  block.run(*block.at<uint8_t>(instruction.in[0]) ? choice->then
                                                  : choice->otherwise);
}

static void runDivergentIf(Block &block, const Instruction &instruction) {
  auto *choice = static_cast<const Choice *>(instruction.extra);
  const uint8_t *condition = block.at<uint8_t>(instruction.in[0]);
  for (bool wanted : {true, false}) {
    const Code &code = wanted ? choice->then : choice->otherwise;
    if (code.empty() || block.hasFailed())
      continue;
    block.pushMask(condition, wanted);
    if (!block.noneActive())
      block.run(code);
    block.popMask();
  }
}

LogicalResult compileIf(Compiler &compiler, Operation *op, const OpEntry &) {
  auto choice = cast<scf::IfOp>(op);
  bool isUniform = compiler.isUniform(choice.getCondition());
  for (Value result : op->getResults())
    compiler.define(result);
  auto *code = compiler.make<Choice>();
  auto compileBranch = [&](Region &region, Code &into) -> LogicalResult {
    if (region.empty())
      return success();
    return compiler.compileBlock(region.front(), into, [&] {
      compiler.emitCopies(op, region.front().getTerminator()->getOperands(),
                          op->getResults(), /*masked=*/!isUniform);
    });
  };
  LogicalResult then = compileBranch(choice.getThenRegion(), code->then);
  if (failed(compileBranch(choice.getElseRegion(), code->otherwise)) ||
      failed(then))
    return failure();
  Instruction &instruction =
      compiler.emit(isUniform ? runUniformIf : runDivergentIf, op);
  instruction.in[0] = compiler.slot(choice.getCondition()).offset;
  instruction.extra = code;
  return success();
}

//===--- scf.for ----------------------------------------------------------===//

namespace {
struct Loop {
  Code body;
  uint32_t counter = 0, perThreadCounter = 0;
  bool spreadsCounter = false;
};
} // namespace

// in: lower bound, upper bound, step.
template <typename T>
static void runUniformFor(Block &block, const Instruction &instruction) {
  auto *loop = static_cast<const Loop *>(instruction.extra);
  T begin = *block.at<T>(instruction.in[0]),
    end = *block.at<T>(instruction.in[1]),
    step = *block.at<T>(instruction.in[2]);
  if (step <= 0)
    return block.fail(instruction, 0, "the loop's step is not positive");
  for (T i = begin; i < end && !block.hasFailed();) {
    *block.at<T>(loop->counter) = i;
    if (loop->spreadsCounter)
      std::fill_n(block.at<T>(loop->perThreadCounter), instruction.lanes, i);
    block.run(loop->body);
    if (__builtin_add_overflow(i, step, &i))
      break;
  }
}

template <typename T>
static void runDivergentFor(Block &block, const Instruction &instruction) {
  auto *loop = static_cast<const Loop *>(instruction.extra);
  const T *begin = block.at<T>(instruction.in[0]),
          *end = block.at<T>(instruction.in[1]),
          *step = block.at<T>(instruction.in[2]);
  uint32_t lanes = instruction.lanes;
  std::vector<T> counter(begin, begin + lanes);
  std::vector<uint8_t> runs(lanes);
  while (!block.hasFailed()) {
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      if (block.isActive(lane) && step[lane] <= 0)
        return block.fail(instruction, lane, "the loop's step is not positive");
      runs[lane] = counter[lane] < end[lane];
    }
    block.pushMask(runs.data(), true);
    bool anyone = !block.noneActive();
    if (anyone) {
      std::copy(counter.begin(), counter.end(), block.at<T>(loop->counter));
      block.run(loop->body);
    }
    block.popMask();
    if (!anyone)
      return;
    for (uint32_t lane = 0; lane < lanes; ++lane)
      if (runs[lane] &&
          __builtin_add_overflow(counter[lane], step[lane], &counter[lane]))
        counter[lane] = end[lane];
  }
}

LogicalResult compileFor(Compiler &compiler, Operation *op, const OpEntry &) {
  auto loop = cast<scf::ForOp>(op);
  Value counter = loop.getInductionVar();
  Kind kind = slotShape(counter.getType())->kind;
  if (kind != Kind::I32 && kind != Kind::I64)
    return op->emitError("the emulator does not know loops over ")
           << counter.getType();
  bool isUniform = compiler.isUniform(counter);
  auto *code = compiler.make<Loop>();
  code->counter = compiler.define(counter).offset;
  code->perThreadCounter = compiler.perThread(counter);
  code->spreadsCounter = isUniform && compiler.needsExpansion(counter);

  // Carried values lie where the body has its arguments, also after the loop.
  ValueRange arguments = loop.getRegionIterArgs();
  for (auto [argument, result] : llvm::zip(arguments, op->getResults())) {
    compiler.define(argument);
    compiler.alias(result, compiler.slot(argument));
  }
  compiler.emitCopies(op, loop.getInitArgs(), arguments, /*masked=*/false);
  if (failed(compiler.compileBlock(*loop.getBody(), code->body, [&] {
        compiler.emitCopies(op, loop.getYieldedValues(), arguments, !isUniform);
      })))
    return failure();

  Execute uniformCode =
      kind == Kind::I32 ? runUniformFor<int32_t> : runUniformFor<int64_t>;
  Execute divergentCode =
      kind == Kind::I32 ? runDivergentFor<int32_t> : runDivergentFor<int64_t>;
  Instruction &instruction =
      compiler.emit(isUniform ? uniformCode : divergentCode, op);
  // The first operands are the bounds and the step.
  for (unsigned i = 0; i < 3; ++i)
    instruction.in[i] = compiler.operand(loop->getOperand(i), isUniform);
  instruction.extra = code;
  for (Value result : op->getResults())
    compiler.emitExpansion(op, result);
  return success();
}

/// What a yield hands over is copied by the op around it.
LogicalResult compileTerminator(Compiler &, Operation *, const OpEntry &) {
  return success();
}

} // namespace dyadic::emulate
