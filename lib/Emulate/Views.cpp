//===- Views.cpp - memrefs made of other memrefs --------------------------===//
#include "Access.h"
#include "OpTable.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace dyadic::emulate {

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
    if (block.isActive(lane) &&
        (offset < 0 || offset + shift.bytes > shift.sourceBytes))
      return block.fail(instruction, lane,
                        "view of " + llvm::Twine(shift.bytes) +
                            " bytes at byte " + llvm::Twine(offset) +
                            " is out of the bounds of " +
                            llvm::Twine(shift.sourceBytes) + " bytes");
    out[lane] = offset + (before ? before[lane] : 0);
  }
}

/// Bytes from the first to the last element.
static int64_t extentInBytes(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, last = 0;
  if (!type.hasStaticShape() ||
      failed(type.getStridesAndOffset(strides, offset)))
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
    return op->emitError(
               "expected memrefs of static shape and strides, but got ")
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

LogicalResult compileSubView(Compiler &compiler, Operation *op,
                             const OpEntry &) {
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
      shift.constant +=
          cast<IntegerAttr>(cast<Attribute>(offset)).getInt() * stride * width;
  }
  return bindView(compiler, op, source, shift);
}

/// The same elements at the same place.
LogicalResult compileMemRefCast(Compiler &compiler, Operation *op,
                                const OpEntry &) {
  const MemRefBinding *binding = compiler.memory(op->getOperand(0));
  if (!binding)
    return op->emitError(
        "the emulator does not know where this memref comes from");
  compiler.bind(op->getResult(0), *binding);
  return success();
}

LogicalResult compileAlloca(Compiler &compiler, Operation *op,
                            const OpEntry &) {
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
