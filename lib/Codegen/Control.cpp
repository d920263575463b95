//===- Control.cpp - branches and loops around calls of kernels -----------===//
//
// A region's results lie where its kernels have left them: they are moved into
// the op's when the region is over. What a loop carries lies in its results from
// the start on.
//
//===----------------------------------------------------------------------===//
#include "ModuleGenerator.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// The tensor's memory in the arena, `offset` bytes behind its start.
Value ModuleGenerator::arenaView(RankedTensorType type, Value offset) {
  return memref::ViewOp::create(runBuilder, loc, flatMemRef(type), arena, offset,
                                ValueRange());
}

LogicalResult
ModuleGenerator::bindResults(Operation *op,
                             std::optional<ArrayRef<int64_t>> offsets) {
  if (!offsets)
    return op->emitError("expected arena_offsets: run --dyadic-plan-memory first");
  for (auto [result, offset] : llvm::zip(op->getResults(), *offsets))
    memrefs[result] = arenaView(cast<RankedTensorType>(result.getType()),
                                constantIndex(offset));
  return success();
}

/// The one element of a tensor.
Value ModuleGenerator::loadNumber(Value tensor) {
  Value memory = this->memory(tensor);
  return memory ? memref::LoadOp::create(runBuilder, loc, memory, constantIndex(0))
                      .getResult()
                : Value();
}

/// Whether the one element of a tensor isn't zero; null after an error.
Value ModuleGenerator::isNotZero(Value tensor) {
  if (auto known = readConstant(tensor); succeeded(known))
    return arith::ConstantIntOp::create(runBuilder, loc, known->get(0) != 0, 1);
  Value number = loadNumber(tensor);
  if (!number) {
    emitError(tensor.getLoc()) << "expected a condition made by a kernel or "
                                  "passed to the function";
    return {};
  }
  Type type = number.getType();
  Value zero = arith::ConstantOp::create(runBuilder, loc,
                                         runBuilder.getZeroAttr(type));
  if (isa<FloatType>(type))
    return arith::CmpFOp::create(runBuilder, loc, arith::CmpFPredicate::UNE,
                                 number, zero);
  return arith::CmpIOp::create(runBuilder, loc, arith::CmpIPredicate::ne, number,
                               zero);
}

/// Moves a tensor's bytes to memory of its size.
LogicalResult ModuleGenerator::copy(Value from, Value to) {
  Value source = memory(from);
  if (!source)
    return emitError(from.getLoc()) << "expected a value made by a kernel or "
                                       "passed to the region";
  if (source != to)
    memref::CopyOp::create(runBuilder, loc, source, to);
  return success();
}

LogicalResult ModuleGenerator::generateIf(qnn::IfOp op) {
  if (failed(bindResults(op, op.getArenaOffsets())))
    return failure();
  Value condition = isNotZero(op.getCondition());
  if (!condition)
    return failure();
  auto branch = scf::IfOp::create(runBuilder, op.getLoc(), condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(runBuilder);
  Block *blocks[] = {branch.thenBlock(), branch.elseBlock()};
  for (int i : {0, 1}) {
    runBuilder.setInsertionPointToStart(blocks[i]);
    Block &body = op->getRegion(i).front();
    for (auto [argument, captured] :
         llvm::zip_equal(body.getArguments(), op.getCaptured()))
      memrefs[argument] = memory(captured);
    if (failed(generateBlock(body)))
      return failure();
    for (auto [value, result] : llvm::zip_equal(
             body.getTerminator()->getOperands(), op.getResults()))
      if (failed(copy(value, memrefs.lookup(result))))
        return failure();
  }
  return success();
}

/// The body and what is handed on; the condition for the next iteration.
FailureOr<Value> ModuleGenerator::generateIteration(qnn::LoopOp op,
                                                    Value iteration) {
  Block &body = op.getBody().front();
  Value number = memrefs.lookup(body.getArgument(0));
  Value integer = arith::IndexCastOp::create(
      runBuilder, loc, cast<MemRefType>(number.getType()).getElementType(),
      iteration);
  memref::StoreOp::create(runBuilder, loc, integer, number, constantIndex(0));
  if (failed(generateBlock(body)))
    return failure();
  // What is collected first: it may be a value that is carried into here.
  unsigned numCarried = op.getCarried().size();
  ArrayRef<int64_t> offsets = *op.getArenaOffsets();
  for (auto [part, offset] :
       llvm::zip(op.getParts(), offsets.drop_front(numCarried))) {
    auto type = cast<RankedTensorType>(part.getType());
    int64_t bytes = type.getNumElements() *
                    byteWidth(*elementKindOf(type.getElementType()));
    Value behind = arith::MulIOp::create(runBuilder, loc, iteration,
                                         constantIndex(bytes));
    Value start =
        arith::AddIOp::create(runBuilder, loc, behind, constantIndex(offset));
    if (failed(copy(part, arenaView(type, start))))
      return failure();
  }
  Value goesOn = isNotZero(op.getNextCondition());
  if (!goesOn)
    return failure();
  for (auto [next, result] : llvm::zip(op.getNextCarried(), op.getResults()))
    if (failed(copy(next, memrefs.lookup(result))))
      return failure();
  return goesOn;
}

LogicalResult ModuleGenerator::generateLoop(qnn::LoopOp op) {
  if (failed(bindResults(op, op.getArenaOffsets())))
    return failure();
  Block &body = op.getBody().front();
  memrefs[body.getArgument(0)] =
      arenaView(cast<RankedTensorType>(body.getArgument(0).getType()),
                constantIndex(op.getArenaOffsets()->back()));
  unsigned numCarried = op.getCarried().size();
  for (auto [initial, result, argument] :
       llvm::zip(op.getCarried(), op.getResults(),
                 body.getArguments().drop_front())) {
    memrefs[argument] = memrefs.lookup(result);
    if (failed(copy(initial, memrefs.lookup(result))))
      return failure();
  }
  for (auto [captured, argument] :
       llvm::zip_equal(op.getCaptured(),
                       body.getArguments().drop_front(1 + numCarried)))
    memrefs[argument] = memory(captured);

  Value trips;
  if (auto known = op.getConstantTrips())
    trips = constantIndex(*known);
  else if (Value number = loadNumber(op.getTrips()))
    trips = arith::IndexCastOp::create(runBuilder, loc,
                                       runBuilder.getIndexType(), number);
  Value goesOn = isNotZero(op.getCondition());
  if (!trips)
    return op.emitError("expected a number of iterations made by a kernel or "
                        "passed to the function");
  if (!goesOn)
    return failure();

  auto loop = scf::WhileOp::create(
      runBuilder, op.getLoc(),
      TypeRange{runBuilder.getIndexType()},
      ValueRange{constantIndex(0), goesOn});
  OpBuilder::InsertionGuard guard(runBuilder);
  Block *before = runBuilder.createBlock(
      &loop.getBefore(), {}, {runBuilder.getIndexType(), runBuilder.getI1Type()},
      {loc, loc});
  Value isLess =
      arith::CmpIOp::create(runBuilder, loc, arith::CmpIPredicate::slt,
                            before->getArgument(0), trips);
  Value both = arith::AndIOp::create(runBuilder, loc, isLess,
                                     before->getArgument(1));
  scf::ConditionOp::create(runBuilder, loc, both, before->getArgument(0));
  Block *after = runBuilder.createBlock(&loop.getAfter(), {},
                                        {runBuilder.getIndexType()}, {loc});
  Value iteration = after->getArgument(0);
  FailureOr<Value> next = generateIteration(op, iteration);
  if (failed(next))
    return failure();
  Value following =
      arith::AddIOp::create(runBuilder, loc, iteration, constantIndex(1));
  scf::YieldOp::create(runBuilder, loc, ValueRange{following, *next});
  return success();
}
