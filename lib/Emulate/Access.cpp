//===- Access.cpp - where an op touches memory, and whether it may --------===//
#include "Access.h"
#include <cstring>
#include <algorithm>

using namespace mlir;

namespace dyadic::emulate {

//===--- Addresses --------------------------------------------------------===//

FailureOr<Address> makeAddress(Compiler &compiler, Operation *op, Value memref,
                               ValueRange indices, int64_t count,
                               int64_t alignment) {
  auto type = cast<MemRefType>(memref.getType());
  const MemRefBinding *binding = compiler.memory(memref);
  if (!binding)
    return op->emitError(
        "the emulator does not know where this memref comes from");
  auto element = slotShape(type.getElementType());
  int64_t offset;
  Address address;
  if (!type.hasStaticShape() || !element ||
      failed(type.getStridesAndOffset(address.strides, offset)) ||
      llvm::is_contained(address.strides, ShapedType::kDynamic))
    return op->emitError(
               "expected a memref of static shape and strides, but got ")
           << type;
  if (count > 1 && (address.strides.empty() || address.strides.back() != 1))
    return op->emitError("expected adjacent elements in the last dimension of ")
           << type;
  address.base = *binding;
  address.shape.assign(type.getShape().begin(), type.getShape().end());
  for (Value index : indices)
    address.indices.push_back(compiler.perThread(index));
  address.width = byteWidth(element->kind);
  address.count = count;
  address.alignment = std::max<int64_t>(alignment, address.width);
  return address;
}

std::string describe(const MemRefBinding &base, int64_t byte) {
  const char *names[] = {"argument ", "workgroup memory ", "private memory "};
  return "byte " + std::to_string(byte) + " of " + names[base.space] +
         std::to_string(base.buffer);
}

/// The size of the buffer and the alignment that its beginning is known to
/// have.
static std::pair<int64_t, int64_t> extentOf(Block &block,
                                            const MemRefBinding &base) {
  switch (base.space) {
  case MemRefBinding::Global: {
    const Argument &argument = block.launch->arguments[base.buffer];
    int64_t alignment = GlobalMemory::alignment;
    if (argument.offset)
      alignment = std::min(alignment, argument.offset & -argument.offset);
    return {block.program.parameters[base.buffer].bytes, alignment};
  }
  case MemRefBinding::Workgroup: {
    const WorkgroupBuffer &buffer = block.program.workgroup[base.buffer];
    return {buffer.bytes, buffer.alignment};
  }
  case MemRefBinding::Private:
    return {block.program.privates[base.buffer].bytes, 16};
  }
  return {0, 1};
}

/// The bytes that there are from `byte` of a buffer on, those behind a kernel's
/// part of it included.
static int64_t bytesBehind(Block &block, const MemRefBinding &base, int64_t byte) {
  if (base.space != MemRefBinding::Global)
    return extentOf(block, base).first - byte;
  const Argument &argument = block.launch->arguments[base.buffer];
  return argument.memory->size - argument.offset - byte;
}

int64_t locate(Block &block, const Instruction &instruction,
               const Address &address, unsigned lane, const char *verb,
               int64_t count) {
  int64_t linear = 0;
  for (size_t d = 0, rank = address.indices.size(); d < rank; ++d) {
    int64_t index = block.at<int64_t>(address.indices[d])[lane];
    int64_t extent = address.shape[d] - (d + 1 == rank ? count - 1 : 0);
    if (d + 1 == rank && rank == 1)
      extent += address.slack / address.width;
    if (index < 0 || index >= extent) {
      block.fail(instruction, lane,
                 llvm::Twine(verb) + " of " + llvm::Twine(count) +
                     " elements at index " + llvm::Twine(index) +
                     " is out of the bounds of dimension " + llvm::Twine(d) +
                     ", which has " + llvm::Twine(address.shape[d]) + " (" +
                     describe(address.base, address.base.offset) + " and on)");
      return -1;
    }
    linear += index * address.strides[d];
  }
  int64_t byte = address.base.offset + linear * address.width;
  if (address.base.dynamic)
    byte += block.at<int64_t>(*address.base.dynamic)[lane];
  auto [size, alignment] = extentOf(block, address.base);
  int64_t bytes = address.width * count;
  if (byte < 0 || byte + bytes > size + address.slack) {
    block.fail(instruction, lane,
               llvm::Twine(verb) + " of " + llvm::Twine(bytes) + " bytes at " +
                   describe(address.base, byte) + " is out of bounds: it has " +
                   llvm::Twine(size) + " bytes");
    return -1;
  }
  if (address.alignment > alignment || byte % address.alignment) {
    block.fail(instruction, lane,
               llvm::Twine(verb) + " of " + llvm::Twine(bytes) + " bytes at " +
                   describe(address.base, byte) + " is not aligned to " +
                   llvm::Twine(address.alignment) + " bytes" +
                   (address.alignment > alignment
                        ? " (the memory is known to be aligned to " +
                              llvm::Twine(alignment) + ")"
                        : llvm::Twine("")));
    return -1;
  }
  return byte;
}

//===--- Accesses ---------------------------------------------------------===//

static std::string threadName(const Block &block, unsigned lane, int64_t of) {
  if (of < 0)
    return "threads of several blocks";
  std::string where =
      of == block.number ? "" : " of block number " + std::to_string(of);
  if (lane == kSeveralLanes)
    return "several threads" + where;
  const int64_t *size = block.program.blockSize;
  return "thread (" + std::to_string(lane % size[0]) + ", " +
         std::to_string(lane / size[0] % size[1]) + ", " +
         std::to_string(lane / (size[0] * size[1])) + ")" + where;
}

void reportFault(Block &block, const Instruction &instruction,
                 const MemRefBinding &base, const Fault &fault, unsigned lane,
                 const char *verb) {
  bool isGlobal = base.space == MemRefBinding::Global;
  std::string other =
      threadName(block, fault.lane, isGlobal ? fault.block : block.number);
  std::string place = describe(
      base,
      fault.byte - (isGlobal ? block.launch->arguments[base.buffer].offset
                             : block.program.workgroup[base.buffer].offset));
  const char *since =
      (isGlobal ? " in the same launch, with no barrier in between"
                : " since the last barrier");
  switch (fault.reason) {
  case Fault::Uninitialized:
    return block.fail(instruction, lane,
                      verb + (" of " + place) + ", which was never written");
  case Fault::Pending:
    return block.fail(instruction, lane,
                      verb + (" of " + place) +
                          ", where an asynchronous copy of " + other +
                          " has not been waited for");
  case Fault::WriteRace:
    return block.fail(instruction, lane,
                      llvm::Twine("race: ") + verb + " of " + place +
                          ", which " + other + " wrote" + since);
  case Fault::ReadRace:
    return block.fail(instruction, lane,
                      llvm::Twine("race: ") + verb + " of " + place +
                          ", which " + other + " read" + since);
  case Fault::None:
    return;
  }
}

/// Memory that is entered in no book, or null.
static char *enter(Block &block, const Instruction &instruction,
                   const Address &address, int64_t byte, int64_t count,
                   unsigned lane, bool isWrite) {
  Fault fault;
  char *memory = nullptr;
  switch (address.base.space) {
  case MemRefBinding::Global: {
    const Argument &argument = block.launch->arguments[address.base.buffer];
    int64_t at = argument.offset + byte;
    memory = argument.memory->data + at;
    if (isWrite && argument.memory->isConstant) {
      block.fail(instruction, lane,
                 "write of " + describe(address.base, byte) +
                     ", which is constant: " + argument.memory->name);
      return nullptr;
    }
    if (!argument.isWatched)
      return memory;
    GlobalMemory::Party party{block.number, lane, block.epoch};
    fault = isWrite ? argument.memory->write(at, count, party)
                    : argument.memory->read(at, count, party);
    break;
  }
  case MemRefBinding::Workgroup: {
    int64_t at = block.program.workgroup[address.base.buffer].offset + byte;
    memory = block.workgroup.bytes() + at;
    fault = isWrite ? block.workgroup.write(at, count, lane)
                    : block.workgroup.read(at, count, lane);
    break;
  }
  case MemRefBinding::Private:
    return block.privateMemory.data() +
           (block.program.privateBytes * lane +
            block.program.privates[address.base.buffer].offset + byte);
  }
  if (!fault)
    return memory;
  reportFault(block, instruction, address.base, fault, lane,
              isWrite ? "write" : "read");
  return nullptr;
}

char *enterRead(Block &block, const Instruction &instruction,
                const Address &address, int64_t byte, int64_t count,
                unsigned lane) {
  return enter(block, instruction, address, byte, count, lane, false);
}

bool readRun(Block &block, const Instruction &instruction,
             const Address &address, int64_t byte, char *out) {
  constexpr char behind = '\xa5';
  int64_t bytes = int64_t(address.width) * address.count;
  const char *from = enterRead(block, instruction, address, byte, bytes, 0);
  if (!from)
    return false;
  // A short read within the slack may begin behind the end.
  int64_t there = std::clamp<int64_t>(
      bytesBehind(block, address.base, byte), 0, bytes);
  std::memcpy(out, from, there);
  std::memset(out + there, behind, bytes - there);
  return true;
}
char *enterWrite(Block &block, const Instruction &instruction,
                 const Address &address, int64_t byte, int64_t count,
                 unsigned lane) {
  return enter(block, instruction, address, byte, count, lane, true);
}

} // namespace dyadic::emulate
