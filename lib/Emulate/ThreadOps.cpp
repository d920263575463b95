//===- ThreadOps.cpp - who a thread is, and barriers ----------------------===//
#include "Block.h"
#include "OpTable.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace dyadic::emulate {

LogicalResult compileThreadId(Compiler &compiler, Operation *op,
                              const OpEntry &) {
  KernelProgram &program = compiler.program;
  const int64_t *size = program.blockSize;
  std::vector<int64_t> ids(program.lanes);
  for (int64_t lane = 0; lane < program.lanes; ++lane) {
    int64_t coordinates[] = {lane % size[0], lane / size[0] % size[1],
                             lane / (size[0] * size[1])};
    auto thread = dyn_cast<gpu::ThreadIdOp>(op);
    ids[lane] = thread
                    ? coordinates[static_cast<unsigned>(thread.getDimension())]
                    : lane % 32;
  }
  Slot slot = compiler.define(op->getResult(0));
  auto *bytes = reinterpret_cast<const char *>(ids.data());
  program.initializers.push_back(
      {slot.offset,
       1,
       sizeof(int64_t),
       {bytes, bytes + ids.size() * sizeof(int64_t)}});
  return success();
}

// extra is null; in[0]: the dimension.
static void blockId(Block &block, const Instruction &instruction) {
  *block.at<int64_t>(instruction.out) = block.id[instruction.in[0]];
}
static void gridDim(Block &block, const Instruction &instruction) {
  *block.at<int64_t>(instruction.out) = block.launch->grid[instruction.in[0]];
}
static void blockDim(Block &block, const Instruction &instruction) {
  *block.at<int64_t>(instruction.out) =
      block.program.blockSize[instruction.in[0]];
}

LogicalResult compileBlockId(Compiler &compiler, Operation *op,
                             const OpEntry &) {
  auto emit = [&](Execute execute, gpu::Dimension dimension) {
    Slot slot = compiler.define(op->getResult(0));
    Instruction &instruction = compiler.emit(execute, op);
    instruction.out = slot.offset;
    instruction.in[0] = static_cast<unsigned>(dimension);
  };
  if (auto id = dyn_cast<gpu::BlockIdOp>(op))
    emit(blockId, id.getDimension());
  else if (auto dim = dyn_cast<gpu::GridDimOp>(op))
    emit(gridDim, dim.getDimension());
  else
    emit(blockDim, cast<gpu::BlockDimOp>(op).getDimension());
  return success();
}

static void barrier(Block &block, const Instruction &instruction) {
  if (!block.allActive()) {
    unsigned absent = 0;
    while (block.isActive(absent))
      ++absent;
    return block.fail(
        instruction, absent,
        "this thread does not get to the barrier where others wait");
  }
  block.workgroup.barrier();
  ++block.epoch;
}

LogicalResult compileBarrier(Compiler &compiler, Operation *op,
                             const OpEntry &) {
  compiler.emit(barrier, op);
  return success();
}

} // namespace dyadic::emulate
