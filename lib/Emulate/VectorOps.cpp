//===- VectorOps.cpp - vectors and structs, taken apart and put together --===//
//
// A component is a row of the slot, so that most of these copy rows, or nothing
// at all.
//
//===----------------------------------------------------------------------===//
#include "Block.h"
#include "OpTable.h"
#include "Rows.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dyadic::emulate {

LogicalResult compileBroadcast(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  Value source = op->getOperand(0);
  auto to = cast<VectorType>(op->getResult(0).getType());
  auto from = dyn_cast<VectorType>(source.getType());
  RowBuilder rows(compiler, op);
  for (int64_t i = 0; i < rows.components(); ++i) {
    // From the innermost dimension on: those of extent 1 are stretched.
    int64_t component = 0, stride = 1, rest = i;
    for (int64_t d = 1; from && d <= from.getRank(); ++d) {
      int64_t wide = to.getDimSize(to.getRank() - d),
              narrow = from.getDimSize(from.getRank() - d);
      component += (narrow == 1 ? 0 : rest % wide) * stride;
      stride *= narrow;
      rest /= wide;
    }
    rows.copy(i, source, component);
  }
  return rows.finish();
}

//===--- Extract and insert -----------------------------------------------===//

/// in[0]: the vector, in[1]: which component.
template <typename T>
static void extractAt(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]);
  const int64_t *position = block.at<int64_t>(instruction.in[1]);
  T *out = block.at<T>(instruction.out);
  uint64_t components = instruction.in[2];
  for (uint32_t lane = 0; lane < instruction.lanes; ++lane) {
    uint64_t at = position[lane];
    if (at < components)
      out[lane] = x[at * instruction.lanes + lane];
    else if (block.isActive(lane))
      return block.fail(instruction, lane,
                        "position " + llvm::Twine(position[lane]) +
                            " is not one of the vector's " +
                            llvm::Twine(components));
  }
}

/// The result, where the vector has been copied to, gets in[0] at in[1].
template <typename T>
static void insertAt(Block &block, const Instruction &instruction) {
  const T *x = block.at<T>(instruction.in[0]);
  const int64_t *position = block.at<int64_t>(instruction.in[1]);
  T *out = block.at<T>(instruction.out);
  uint64_t components = instruction.in[2];
  for (uint32_t lane = 0; lane < instruction.lanes; ++lane) {
    uint64_t at = position[lane];
    if (at < components)
      out[at * instruction.lanes + lane] = x[lane];
    else if (block.isActive(lane))
      return block.fail(instruction, lane,
                        "position " + llvm::Twine(position[lane]) +
                            " is not one of the vector's " +
                            llvm::Twine(components));
  }
}

static Execute byWidth(Kind kind, std::initializer_list<Execute> codes) {
  return codes.begin()[llvm::Log2_32(byteWidth(kind))];
}

LogicalResult compileExtract(Compiler &compiler, Operation *op,
                             const OpEntry &) {
  auto extract = cast<vector::ExtractOp>(op);
  Value source = extract.getSource(), result = op->getResult(0);
  VectorType type = extract.getSourceVectorType();
  if (!extract.hasDynamicPosition()) {
    // A piece of the operand, in place.
    Slot slot = compiler.slot(source);
    slot.offset += linearize(type, extract.getStaticPosition()) *
                   byteWidth(slot.kind) *
                   (slot.uniform ? 1 : compiler.program.lanes);
    slot.components = componentsOf(result);
    compiler.alias(result, slot);
    return success();
  }
  if (type.getRank() != 1)
    return op->emitError(
        "the emulator knows dynamic positions only in vectors of "
        "one dimension");
  Kind kind = compiler.slot(source).kind;
  Instruction &instruction = compiler.emitElementwise(
      byWidth(kind, {extractAt<uint8_t>, extractAt<uint16_t>,
                     extractAt<uint32_t>, extractAt<uint64_t>}),
      op);
  instruction.in[2] = type.getNumElements();
  return success();
}

LogicalResult compileInsert(Compiler &compiler, Operation *op,
                            const OpEntry &) {
  auto insert = cast<vector::InsertOp>(op);
  Value value = insert.getValueToStore(), dest = insert.getDest();
  VectorType type = insert.getDestVectorType();
  bool isDynamic = insert.hasDynamicPosition();
  if (isDynamic && type.getRank() != 1)
    return op->emitError(
        "the emulator knows dynamic positions only in vectors of "
        "one dimension");
  int64_t first = isDynamic ? 0 : linearize(type, insert.getStaticPosition());
  int64_t count = isDynamic ? 0 : componentsOf(value);
  RowBuilder rows(compiler, op);
  for (int64_t i = 0; i < rows.components(); ++i) {
    bool isNew = i >= first && i < first + count;
    rows.copy(i, isNew ? value : dest, isNew ? i - first : i);
  }
  if (failed(rows.finish()) || !isDynamic)
    return success();
  Slot slot = compiler.slot(op->getResult(0));
  Instruction &instruction = compiler.emit(
      byWidth(slot.kind, {insertAt<uint8_t>, insertAt<uint16_t>,
                          insertAt<uint32_t>, insertAt<uint64_t>}),
      op);
  instruction.out = slot.offset;
  instruction.in[0] = compiler.operand(value, slot.uniform);
  instruction.in[1] =
      compiler.operand(insert.getDynamicPosition()[0], slot.uniform);
  instruction.in[2] = type.getNumElements();
  instruction.lanes = slot.uniform ? 1 : compiler.program.lanes;
  return success();
}

LogicalResult compileExtractValue(Compiler &compiler, Operation *op,
                                  const OpEntry &) {
  auto extract = cast<LLVM::ExtractValueOp>(op);
  if (extract.getPosition().size() != 1)
    return op->emitError("the emulator does not know nested structs");
  Slot slot = compiler.slot(op->getOperand(0));
  slot.components = componentsOf(op->getResult(0));
  slot.offset += extract.getPosition()[0] * slot.components *
                 byteWidth(slot.kind) *
                 (slot.uniform ? 1 : compiler.program.lanes);
  compiler.alias(op->getResult(0), slot);
  return success();
}

LogicalResult compileInsertValue(Compiler &compiler, Operation *op,
                                 const OpEntry &) {
  auto insert = cast<LLVM::InsertValueOp>(op);
  if (insert.getPosition().size() != 1)
    return op->emitError("the emulator does not know nested structs");
  int64_t count = componentsOf(insert.getValue());
  int64_t first = insert.getPosition()[0] * count;
  RowBuilder rows(compiler, op);
  for (int64_t i = 0; i < rows.components(); ++i) {
    bool isNew = i >= first && i < first + count;
    rows.copy(i, isNew ? insert.getValue() : insert.getContainer(),
              isNew ? i - first : i);
  }
  return rows.finish();
}

LogicalResult compileFromElements(Compiler &compiler, Operation *op,
                                  const OpEntry &) {
  RowBuilder rows(compiler, op);
  for (auto [i, element] : llvm::enumerate(op->getOperands()))
    rows.copy(i, element, 0);
  return rows.finish();
}

LogicalResult compileToElements(Compiler &compiler, Operation *op,
                                const OpEntry &) {
  Slot slot = compiler.slot(op->getOperand(0));
  slot.components = 1;
  for (Value result : op->getResults()) {
    compiler.alias(result, slot);
    slot.offset +=
        byteWidth(slot.kind) * (slot.uniform ? 1 : compiler.program.lanes);
  }
  return success();
}

LogicalResult compileShapeCast(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  compiler.alias(op->getResult(0), compiler.slot(op->getOperand(0)));
  return success();
}

} // namespace dyadic::emulate
