//===- MemoryOps.cpp - loads and stores -----------------------------------===//
#include "Access.h"
#include "OpTable.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <algorithm>
#include <cstring>

using namespace mlir;

namespace dyadic::emulate {

template <typename T>
static void load(Block &block, const Instruction &instruction) {
  const auto &address = *static_cast<const Address *>(instruction.extra);
  T *out = block.at<T>(instruction.out);
  for (unsigned lane = 0; lane < instruction.lanes; ++lane) {
    if (!block.isActive(lane))
      continue;
    int64_t byte = locate(block, instruction, address, lane, "read");
    if (byte < 0)
      return;
    const char *from = enterRead(block, instruction, address, byte,
                                 sizeof(T) * address.count, lane);
    if (!from)
      return;
    for (uint32_t i = 0; i < address.count; ++i)
      std::memcpy(&out[i * instruction.lanes + lane], from + i * sizeof(T),
                  sizeof(T));
  }
}

/// One thread's elements lie next to each other, in slots too.
static void loadRun(Block &block, const Instruction &instruction) {
  const auto &address = *static_cast<const Address *>(instruction.extra);
  int64_t byte = locate(block, instruction, address, 0, "read");
  if (byte >= 0)
    readRun(block, instruction, address, byte, block.at<char>(instruction.out));
}

static void storeRun(Block &block, const Instruction &instruction) {
  const auto &address = *static_cast<const Address *>(instruction.extra);
  int64_t bytes = int64_t(address.width) * address.count;
  int64_t byte = locate(block, instruction, address, 0, "write");
  if (byte < 0)
    return;
  if (char *to = enterWrite(block, instruction, address, byte, bytes, 0))
    std::memcpy(to, block.at<char>(instruction.in[0]), bytes);
}

template <typename T>
static void store(Block &block, const Instruction &instruction) {
  const auto &address = *static_cast<const Address *>(instruction.extra);
  const T *x = block.at<T>(instruction.in[0]);
  for (unsigned lane = 0; lane < instruction.lanes; ++lane) {
    if (!block.isActive(lane))
      continue;
    int64_t byte = locate(block, instruction, address, lane, "write");
    if (byte < 0)
      return;
    char *to = enterWrite(block, instruction, address, byte,
                          sizeof(T) * address.count, lane);
    if (!to)
      return;
    for (uint32_t i = 0; i < address.count; ++i)
      std::memcpy(to + i * sizeof(T), &x[i * instruction.lanes + lane],
                  sizeof(T));
  }
}

static Execute loadCode(unsigned width) {
  static const Execute codes[] = {load<uint8_t>, load<uint16_t>, load<uint32_t>,
                                  load<uint64_t>};
  return codes[llvm::Log2_32(width)];
}
static Execute storeCode(unsigned width) {
  static const Execute codes[] = {store<uint8_t>, store<uint16_t>,
                                  store<uint32_t>, store<uint64_t>};
  return codes[llvm::Log2_32(width)];
}

/// The alignment that LLVM is told and relies on.
static int64_t alignmentOf(Operation *op, int64_t elementWidth) {
  auto given = op->getAttrOfType<IntegerAttr>("alignment");
  return given && given.getInt() ? given.getInt() : elementWidth;
}

static FailureOr<Address *> makeAccess(Compiler &compiler, Operation *op,
                                       Value memref, ValueRange indices,
                                       Type type) {
  Slot shape = *slotShape(type);
  if (auto vector = dyn_cast<VectorType>(type); vector && vector.getRank() > 1)
    return op->emitError(
        "the emulator knows only vectors of one dimension in memory");
  auto address = makeAddress(compiler, op, memref, indices, shape.components,
                             alignmentOf(op, byteWidth(shape.kind)));
  if (failed(address))
    return failure();
  auto *kept = compiler.make<Address>();
  *kept = std::move(*address);
  return kept;
}

LogicalResult compileLoad(Compiler &compiler, Operation *op, const OpEntry &) {
  ValueRange indices = op->getOperands().drop_front();
  auto address = makeAccess(compiler, op, op->getOperand(0), indices,
                            op->getResult(0).getType());
  if (failed(address))
    return failure();
  Slot slot = compiler.define(op->getResult(0));
  bool isCPU = compiler.program.isCPU;
  if (isCPU && isa<vector::LoadOp>(op))
    (*address)->slack = kReadSlack;
  Instruction &instruction =
      compiler.emit(isCPU ? loadRun : loadCode(byteWidth(slot.kind)), op);
  instruction.out = slot.offset;
  instruction.extra = *address;
  return success();
}

LogicalResult compileStore(Compiler &compiler, Operation *op, const OpEntry &) {
  Value value = op->getOperand(0), memref = op->getOperand(1);
  auto address = makeAccess(compiler, op, memref,
                            op->getOperands().drop_front(2), value.getType());
  if (failed(address))
    return failure();
  if ((*address)->base.space == MemRefBinding::Global)
    compiler.program.parameters[(*address)->base.buffer].isWritten = true;
  Slot slot = compiler.slot(value);
  Instruction &instruction = compiler.emit(
      compiler.program.isCPU ? storeRun : storeCode(byteWidth(slot.kind)), op);
  instruction.in[0] = compiler.perThread(value);
  instruction.extra = *address;
  return success();
}

} // namespace dyadic::emulate
