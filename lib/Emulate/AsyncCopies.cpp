//===- AsyncCopies.cpp - cp.async and its groups --------------------------===//
//
// As PTX has it: a group is made of all copies that the thread started since
// its last one, whatever tokens are named, and a wait is for all but the given
// number of the thread's last groups. The bytes arrive no earlier than the
// wait: until then their place is nobody's, and after it they are what the
// waiting thread has just written: others must have a barrier in between.
//
//===----------------------------------------------------------------------===//
#include "Access.h"
#include "OpTable.h"

#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"

#include <algorithm>
#include <cstring>

using namespace mlir;

namespace dyadic::emulate {

namespace {
struct CopyPlan {
  Address from, to;
  std::optional<uint32_t> readElements; // a slot
};
} // namespace

static void startCopy(Block &block, const Instruction &instruction) {
  const auto &plan = *static_cast<const CopyPlan *>(instruction.extra);
  int64_t bytes = plan.to.width * plan.to.count;
  int64_t base = block.program.workgroup[plan.to.base.buffer].offset;
  for (unsigned lane = 0; lane < instruction.lanes; ++lane) {
    if (!block.isActive(lane))
      continue;
    int64_t count = plan.to.count;
    if (plan.readElements) {
      count = block.at<int64_t>(*plan.readElements)[lane];
      if (count < 0 || count > plan.to.count)
        return block.fail(instruction, lane,
                          "expected 0 to " + llvm::Twine(plan.to.count) +
                              " elements to be read, but got " +
                              llvm::Twine(count));
    }
    AsyncCopy copy;
    std::fill_n(copy.data, sizeof(copy.data), 0);
    if (count > 0) {
      int64_t from = locate(block, instruction, plan.from, lane,
                            "asynchronous read", count);
      if (from < 0)
        return;
      const char *data = enterRead(block, instruction, plan.from, from,
                                   count * plan.from.width, lane);
      if (!data)
        return;
      std::memcpy(copy.data, data, count * plan.from.width);
    }
    int64_t to =
        locate(block, instruction, plan.to, lane, "asynchronous write");
    if (to < 0)
      return;
    copy.destination = base + to;
    copy.bytes = bytes;
    copy.lane = lane;
    copy.group = block.committedGroups[lane];
    if (Fault fault = block.workgroup.depart(copy.destination, bytes, lane))
      return reportFault(block, instruction, plan.to.base, fault, lane,
                         "asynchronous write");
    block.copies.push_back(copy);
  }
}

LogicalResult compileAsyncCopy(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  auto copy = cast<nvgpu::DeviceAsyncCopyOp>(op);
  auto type = cast<MemRefType>(copy.getDst().getType());
  int64_t count = copy.getDstElements().getSExtValue();
  auto element = slotShape(type.getElementType());
  int64_t bytes = element ? count * byteWidth(element->kind) : 0;
  if (bytes != 4 && bytes != 8 && bytes != 16)
    return op->emitError(
               "expected an asynchronous copy of 4, 8 or 16 bytes, but got ")
           << bytes;
  if (compiler.program.architecture && compiler.program.architecture < 80)
    return op->emitError(
               "expected sm_80 or newer for asynchronous copies, but got sm_")
           << compiler.program.architecture;
  auto from = makeAddress(compiler, op, copy.getSrc(), copy.getSrcIndices(),
                          count, bytes);
  auto to = makeAddress(compiler, op, copy.getDst(), copy.getDstIndices(),
                        count, bytes);
  if (failed(from) || failed(to))
    return failure();
  if (from->base.space != MemRefBinding::Global ||
      to->base.space != MemRefBinding::Workgroup)
    return op->emitError("expected a copy from global to workgroup memory");
  auto *plan = compiler.make<CopyPlan>();
  plan->from = std::move(*from);
  plan->to = std::move(*to);
  if (Value elements = copy.getSrcElements())
    plan->readElements = compiler.perThread(elements);
  compiler.emit(startCopy, op).extra = plan;
  return success();
}

static void commitGroup(Block &block, const Instruction &instruction) {
  for (unsigned lane = 0; lane < instruction.lanes; ++lane)
    block.committedGroups[lane] += block.isActive(lane);
}

LogicalResult compileAsyncGroup(Compiler &compiler, Operation *op,
                                const OpEntry &) {
  compiler.emit(commitGroup, op);
  return success();
}

/// in[0]: how many of the last groups may stay on their way.
static void waitForGroups(Block &block, const Instruction &instruction) {
  auto isAwaited = [&](const AsyncCopy &copy) {
    return block.isActive(copy.lane) &&
           copy.group + instruction.in[0] < block.committedGroups[copy.lane];
  };
  for (const AsyncCopy &copy : block.copies)
    if (isAwaited(copy)) {
      std::memcpy(block.workgroup.bytes() + copy.destination, copy.data,
                  copy.bytes);
      block.workgroup.arrive(copy.destination, copy.bytes, copy.lane);
    }
  block.copies.erase(
      std::remove_if(block.copies.begin(), block.copies.end(), isAwaited),
      block.copies.end());
}

LogicalResult compileAsyncWait(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  auto wait = cast<nvgpu::DeviceAsyncWaitOp>(op);
  compiler.emit(waitForGroups, op).in[0] = wait.getNumGroups().value_or(0);
  return success();
}

} // namespace dyadic::emulate
