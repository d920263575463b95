//===- MemoryOps.cpp - loads, stores and views ----------------------------===//
#include "MemoryOps.h"

#include "OpTable.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cstring>

using namespace mlir;

namespace dyadic::emulate {

//===--- Addresses --------------------------------------------------------===//

FailureOr<Address> makeAddress(Compiler &compiler, Operation *op, Value memref,
                               ValueRange indices, int64_t count, int64_t alignment) {
  auto type = cast<MemRefType>(memref.getType());
  const MemRefBinding *binding = compiler.memory(memref);
  if (!binding)
    return op->emitError("the emulator does not know where this memref comes from");
  auto element = slotShape(type.getElementType());
  int64_t offset;
  Address address;
  if (!type.hasStaticShape() || !element ||
      failed(type.getStridesAndOffset(address.strides, offset)) ||
      llvm::is_contained(address.strides, ShapedType::kDynamic))
    return op->emitError("expected a memref of static shape and strides, but got ")
           << type;
  if (count > 1 && (address.strides.empty() || address.strides.back() != 1))
    return op->emitError("expected adjacent elements in the last dimension of ") << type;
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

/// The size of the buffer and the alignment that its beginning is known to have.
static std::pair<int64_t, int64_t> extentOf(Block &block, const MemRefBinding &base) {
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

int64_t locate(Block &block, const Instruction &instruction, const Address &address,
               unsigned lane, const char *verb, int64_t count) {
  int64_t linear = 0;
  for (size_t d = 0, rank = address.indices.size(); d < rank; ++d) {
    int64_t index = block.at<int64_t>(address.indices[d])[lane];
    int64_t extent = address.shape[d] - (d + 1 == rank ? count - 1 : 0);
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
  if (byte < 0 || byte + bytes > size) {
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
  std::string where = of == block.number ? "" : " of block number " + std::to_string(of);
  if (lane == kSeveralLanes)
    return "several threads" + where;
  const int64_t *size = block.program.blockSize;
  return "thread (" + std::to_string(lane % size[0]) + ", " +
         std::to_string(lane / size[0] % size[1]) + ", " +
         std::to_string(lane / (size[0] * size[1])) + ")" + where;
}

void reportFault(Block &block, const Instruction &instruction, const MemRefBinding &base,
                 const Fault &fault, unsigned lane, bool isWrite) {
  bool isGlobal = base.space == MemRefBinding::Global;
  std::string other = threadName(block, fault.lane, isGlobal ? fault.block : block.number);
  std::string place = describe(
      base, fault.byte - (isGlobal ? block.launch->arguments[base.buffer].offset
                                   : block.program.workgroup[base.buffer].offset));
  llvm::Twine verb(isWrite ? "write" : "read");
  llvm::Twine since(isGlobal ? " in the same launch, with no barrier in between"
                             : " since the last barrier");
  switch (fault.reason) {
  case Fault::Uninitialized:
    return block.fail(instruction, lane, verb + " of " + place + ", which was never written");
  case Fault::Pending:
    return block.fail(instruction, lane,
                      verb + " of " + place + ", where an asynchronous copy of " + other +
                          " has not been waited for");
  case Fault::WriteRace:
    return block.fail(instruction, lane,
                      "race: " + verb + " of " + place + ", which " + other + " wrote" + since);
  case Fault::ReadRace:
    return block.fail(instruction, lane,
                      "race: " + verb + " of " + place + ", which " + other + " read" + since);
  case Fault::None:
    return;
  }
}

/// Memory that is entered in no book, or null.
static char *enter(Block &block, const Instruction &instruction, const Address &address,
                   int64_t byte, int64_t count, unsigned lane, bool isWrite) {
  Fault fault;
  char *memory = nullptr;
  switch (address.base.space) {
  case MemRefBinding::Global: {
    const Argument &argument = block.launch->arguments[address.base.buffer];
    int64_t at = argument.offset + byte;
    memory = argument.memory->data + at;
    if (isWrite && argument.memory->isConstant) {
      block.fail(instruction, lane,
                 "write of " + describe(address.base, byte) + ", which is constant: " +
                     argument.memory->name);
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
  reportFault(block, instruction, address.base, fault, lane, isWrite);
  return nullptr;
}

char *enterRead(Block &block, const Instruction &instruction, const Address &address,
                int64_t byte, int64_t count, unsigned lane) {
  return enter(block, instruction, address, byte, count, lane, false);
}
char *enterWrite(Block &block, const Instruction &instruction, const Address &address,
                 int64_t byte, int64_t count, unsigned lane) {
  return enter(block, instruction, address, byte, count, lane, true);
}

//===--- Loads and stores -------------------------------------------------===//

template <typename T> static void load(Block &block, const Instruction &instruction) {
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
      std::memcpy(&out[i * instruction.lanes + lane], from + i * sizeof(T), sizeof(T));
  }
}

template <typename T> static void store(Block &block, const Instruction &instruction) {
  const auto &address = *static_cast<const Address *>(instruction.extra);
  const T *x = block.at<T>(instruction.in[0]);
  for (unsigned lane = 0; lane < instruction.lanes; ++lane) {
    if (!block.isActive(lane))
      continue;
    int64_t byte = locate(block, instruction, address, lane, "write");
    if (byte < 0)
      return;
    char *to = enterWrite(block, instruction, address, byte, sizeof(T) * address.count, lane);
    if (!to)
      return;
    for (uint32_t i = 0; i < address.count; ++i)
      std::memcpy(to + i * sizeof(T), &x[i * instruction.lanes + lane], sizeof(T));
  }
}

static Execute loadCode(unsigned width) {
  static const Execute codes[] = {load<uint8_t>, load<uint16_t>, load<uint32_t>,
                                  load<uint64_t>};
  return codes[llvm::Log2_32(width)];
}
static Execute storeCode(unsigned width) {
  static const Execute codes[] = {store<uint8_t>, store<uint16_t>, store<uint32_t>,
                                  store<uint64_t>};
  return codes[llvm::Log2_32(width)];
}

/// The alignment that LLVM is told and relies on.
static int64_t alignmentOf(Operation *op, int64_t elementWidth) {
  auto given = op->getAttrOfType<IntegerAttr>("alignment");
  return given && given.getInt() ? given.getInt() : elementWidth;
}

static FailureOr<Address *> makeAccess(Compiler &compiler, Operation *op, Value memref,
                                       ValueRange indices, Type type) {
  Slot shape = *slotShape(type);
  if (auto vector = dyn_cast<VectorType>(type); vector && vector.getRank() > 1)
    return op->emitError("the emulator knows only vectors of one dimension in memory");
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
  Instruction &instruction = compiler.emit(loadCode(byteWidth(slot.kind)), op);
  instruction.out = slot.offset;
  instruction.extra = *address;
  return success();
}

LogicalResult compileStore(Compiler &compiler, Operation *op, const OpEntry &) {
  Value value = op->getOperand(0), memref = op->getOperand(1);
  auto address = makeAccess(compiler, op, memref, op->getOperands().drop_front(2),
                            value.getType());
  if (failed(address))
    return failure();
  if ((*address)->base.space == MemRefBinding::Global)
    compiler.program.parameters[(*address)->base.buffer].isWritten = true;
  Slot slot = compiler.slot(value);
  Instruction &instruction = compiler.emit(storeCode(byteWidth(slot.kind)), op);
  instruction.in[0] = compiler.perThread(value);
  instruction.extra = *address;
  return success();
}

//===--- Views ------------------------------------------------------------===//

namespace {
/// An offset: a sum of indices times bytes, which a view adds to its source's.
struct Displacement {
  llvm::SmallVector<std::pair<uint32_t, int64_t>, 4> terms;
  int64_t constant = 0;
  /// Of the view, to be within the source.
  int64_t bytes = 0, sourceBytes = 0;
};
} // namespace

static void displace(Block &block, const Instruction &instruction) {
  const auto &shift = *static_cast<const Displacement *>(instruction.extra);
  int64_t *out = block.at<int64_t>(instruction.out);
  const int64_t *before =
      instruction.in[1] ? block.at<int64_t>(instruction.in[0]) : nullptr;
  for (unsigned lane = 0; lane < instruction.lanes; ++lane) {
    int64_t offset = shift.constant;
    for (auto [slot, factor] : shift.terms)
      offset += block.at<int64_t>(slot)[lane] * factor;
    if (block.isActive(lane) && (offset < 0 || offset + shift.bytes > shift.sourceBytes))
      return block.fail(instruction, lane,
                        "view of " + llvm::Twine(shift.bytes) + " bytes at byte " +
                            llvm::Twine(offset) + " is out of the bounds of " +
                            llvm::Twine(shift.sourceBytes) + " bytes");
    out[lane] = offset + (before ? before[lane] : 0);
  }
}

/// Bytes from the first to the last element.
static int64_t extentInBytes(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, last = 0;
  if (!type.hasStaticShape() || failed(type.getStridesAndOffset(strides, offset)))
    return -1;
  for (auto [extent, stride] : llvm::zip(type.getShape(), strides)) {
    if (extent == 0)
      return 0;
    last += (extent - 1) * stride;
  }
  return (last + 1) * byteWidth(slotShape(type.getElementType())->kind);
}

static LogicalResult bindView(Compiler &compiler, Operation *op, Value source,
                              Displacement shift) {
  const MemRefBinding *binding = compiler.memory(source);
  auto type = cast<MemRefType>(op->getResult(0).getType());
  shift.bytes = extentInBytes(type);
  shift.sourceBytes = extentInBytes(cast<MemRefType>(source.getType()));
  if (!binding || shift.bytes < 0 || shift.sourceBytes < 0)
    return op->emitError("expected memrefs of static shape and strides, but got ")
           << source.getType() << " and " << type;
  MemRefBinding result = *binding;
  Instruction *instruction = nullptr;
  auto *kept = compiler.make<Displacement>();
  *kept = shift;
  result.dynamic = compiler.allocate(8 * compiler.program.lanes);
  instruction = &compiler.emit(displace, op);
  instruction->out = *result.dynamic;
  instruction->in[0] = binding->dynamic.value_or(0);
  instruction->in[1] = binding->dynamic.has_value();
  instruction->extra = kept;
  compiler.bind(op->getResult(0), result);
  return success();
}

LogicalResult compileView(Compiler &compiler, Operation *op, const OpEntry &) {
  auto view = cast<memref::ViewOp>(op);
  Displacement shift;
  shift.terms.push_back({compiler.perThread(view.getByteShift()), 1});
  return bindView(compiler, op, view.getSource(), shift);
}

LogicalResult compileSubView(Compiler &compiler, Operation *op, const OpEntry &) {
  auto view = cast<OffsetSizeAndStrideOpInterface>(op);
  Value source = op->getOperand(0);
  auto type = cast<MemRefType>(source.getType());
  int64_t width = byteWidth(slotShape(type.getElementType())->kind), ignored;
  SmallVector<int64_t> strides;
  if (failed(type.getStridesAndOffset(strides, ignored)))
    return op->emitError("expected strides, but got ") << type;
  // A reinterpreted memref has one offset, in elements.
  if (isa<memref::ReinterpretCastOp>(op))
    strides.assign(1, 1);
  Displacement shift;
  for (auto [offset, stride] : llvm::zip(view.getMixedOffsets(), strides)) {
    if (auto value = dyn_cast<Value>(offset))
      shift.terms.push_back({compiler.perThread(value), stride * width});
    else
      shift.constant += cast<IntegerAttr>(cast<Attribute>(offset)).getInt() * stride * width;
  }
  return bindView(compiler, op, source, shift);
}

/// The same elements at the same place.
LogicalResult compileMemRefCast(Compiler &compiler, Operation *op, const OpEntry &) {
  const MemRefBinding *binding = compiler.memory(op->getOperand(0));
  if (!binding)
    return op->emitError("the emulator does not know where this memref comes from");
  compiler.bind(op->getResult(0), *binding);
  return success();
}

LogicalResult compileAlloca(Compiler &compiler, Operation *op, const OpEntry &) {
  auto type = cast<MemRefType>(op->getResult(0).getType());
  int64_t bytes = extentInBytes(type);
  if (bytes < 0)
    return op->emitError("expected a memref of static shape, but got ") << type;
  KernelProgram &program = compiler.program;
  compiler.bind(op->getResult(0),
                {MemRefBinding::Private, unsigned(program.privates.size())});
  program.privates.push_back({program.privateBytes, bytes});
  program.privateBytes = llvm::alignTo(program.privateBytes + bytes, 16);
  return success();
}

} // namespace dyadic::emulate
