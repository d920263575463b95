//===- VectorOps.cpp - vectors and structs, taken apart and put together --===//
//
// A component is a row of the slot, so that most of these copy rows, or nothing
// at all.
//
//===----------------------------------------------------------------------===//
#include "Elementwise.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cstring>
#include <functional>

using namespace mlir;

namespace dyadic::emulate {

namespace {
/// The rows of an op's result, given by those of its operands.
class RowBuilder {
public:
  RowBuilder(Compiler &compiler, Operation *op)
      : compiler(compiler), op(op), result(compiler.define(op->getResult(0))),
        bytes(byteWidth(result.kind) * (result.uniform ? 1 : compiler.program.lanes)) {}

  /// Component `to` of the result is component `from` of `value`.
  void copy(int64_t to, Value value, int64_t from) {
    rows.push_back({uint32_t(result.offset + to * bytes),
                    uint32_t(compiler.operand(value, result.uniform) + from * bytes)});
  }
  int64_t components() const { return result.components; }
  LogicalResult finish() {
    compiler.emitRows(op, std::move(rows), bytes);
    return success();
  }

private:
  Compiler &compiler;
  Operation *op;
  Slot result;
  uint32_t bytes;
  std::vector<std::pair<uint32_t, uint32_t>> rows;
};
} // namespace

static int64_t componentsOf(Value value) { return slotShape(value.getType())->components; }

/// The first component and the number of those at a static position of a vector.
static int64_t linearize(VectorType type, ArrayRef<int64_t> position) {
  int64_t index = 0;
  for (auto [i, extent] : llvm::enumerate(type.getShape()))
    index = index * extent + (i < position.size() ? position[i] : 0);
  return index;
}

LogicalResult compileBroadcast(Compiler &compiler, Operation *op, const OpEntry &) {
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
      return block.fail(instruction, lane, "position " + llvm::Twine(position[lane]) +
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
      return block.fail(instruction, lane, "position " + llvm::Twine(position[lane]) +
                                               " is not one of the vector's " +
                                               llvm::Twine(components));
  }
}

static Execute byWidth(Kind kind, std::initializer_list<Execute> codes) {
  return codes.begin()[llvm::Log2_32(byteWidth(kind))];
}

LogicalResult compileExtract(Compiler &compiler, Operation *op, const OpEntry &) {
  auto extract = cast<vector::ExtractOp>(op);
  Value source = extract.getSource(), result = op->getResult(0);
  VectorType type = extract.getSourceVectorType();
  if (!extract.hasDynamicPosition()) {
    // A piece of the operand, in place.
    Slot slot = compiler.slot(source);
    slot.offset += linearize(type, extract.getStaticPosition()) * byteWidth(slot.kind) *
                   (slot.uniform ? 1 : compiler.program.lanes);
    slot.components = componentsOf(result);
    compiler.alias(result, slot);
    return success();
  }
  if (type.getRank() != 1)
    return op->emitError("the emulator knows dynamic positions only in vectors of "
                         "one dimension");
  Kind kind = compiler.slot(source).kind;
  Instruction &instruction = compiler.emitElementwise(
      byWidth(kind, {extractAt<uint8_t>, extractAt<uint16_t>, extractAt<uint32_t>,
                     extractAt<uint64_t>}),
      op);
  instruction.in[2] = type.getNumElements();
  return success();
}

LogicalResult compileInsert(Compiler &compiler, Operation *op, const OpEntry &) {
  auto insert = cast<vector::InsertOp>(op);
  Value value = insert.getValueToStore(), dest = insert.getDest();
  VectorType type = insert.getDestVectorType();
  bool isDynamic = insert.hasDynamicPosition();
  if (isDynamic && type.getRank() != 1)
    return op->emitError("the emulator knows dynamic positions only in vectors of "
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
  Instruction &instruction =
      compiler.emit(byWidth(slot.kind, {insertAt<uint8_t>, insertAt<uint16_t>,
                                        insertAt<uint32_t>, insertAt<uint64_t>}),
                    op);
  instruction.out = slot.offset;
  instruction.in[0] = compiler.operand(value, slot.uniform);
  instruction.in[1] = compiler.operand(insert.getDynamicPosition()[0], slot.uniform);
  instruction.in[2] = type.getNumElements();
  instruction.lanes = slot.uniform ? 1 : compiler.program.lanes;
  return success();
}

LogicalResult compileExtractValue(Compiler &compiler, Operation *op, const OpEntry &) {
  auto extract = cast<LLVM::ExtractValueOp>(op);
  if (extract.getPosition().size() != 1)
    return op->emitError("the emulator does not know nested structs");
  Slot slot = compiler.slot(op->getOperand(0));
  slot.components = componentsOf(op->getResult(0));
  slot.offset += extract.getPosition()[0] * slot.components * byteWidth(slot.kind) *
                 (slot.uniform ? 1 : compiler.program.lanes);
  compiler.alias(op->getResult(0), slot);
  return success();
}

LogicalResult compileInsertValue(Compiler &compiler, Operation *op, const OpEntry &) {
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

LogicalResult compileFromElements(Compiler &compiler, Operation *op, const OpEntry &) {
  RowBuilder rows(compiler, op);
  for (auto [i, element] : llvm::enumerate(op->getOperands()))
    rows.copy(i, element, 0);
  return rows.finish();
}

LogicalResult compileToElements(Compiler &compiler, Operation *op, const OpEntry &) {
  Slot slot = compiler.slot(op->getOperand(0));
  slot.components = 1;
  for (Value result : op->getResults()) {
    compiler.alias(result, slot);
    slot.offset += byteWidth(slot.kind) * (slot.uniform ? 1 : compiler.program.lanes);
  }
  return success();
}

LogicalResult compileShapeCast(Compiler &compiler, Operation *op, const OpEntry &) {
  compiler.alias(op->getResult(0), compiler.slot(op->getOperand(0)));
  return success();
}

//===--- Slices and permutations ------------------------------------------===//

static SmallVector<int64_t> integersOf(ArrayAttr array) {
  return llvm::map_to_vector(array, [](Attribute value) {
    return cast<IntegerAttr>(value).getInt();
  });
}

/// Calls `visit` with the index of each component of `shape` in order.
static void forEachIndex(ArrayRef<int64_t> shape,
                         llvm::function_ref<void(ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  while (true) {
    visit(index);
    int64_t d = int64_t(shape.size()) - 1;
    for (; d >= 0 && ++index[d] == shape[d]; --d)
      index[d] = 0;
    if (d < 0)
      return;
  }
}

LogicalResult compileExtractSlice(Compiler &compiler, Operation *op, const OpEntry &) {
  auto slice = cast<vector::ExtractStridedSliceOp>(op);
  VectorType from = slice.getSourceVectorType();
  auto offsets = integersOf(slice.getOffsets()), strides = integersOf(slice.getStrides());
  RowBuilder rows(compiler, op);
  int64_t to = 0;
  forEachIndex(cast<VectorType>(op->getResult(0).getType()).getShape(),
               [&](ArrayRef<int64_t> index) {
                 SmallVector<int64_t> position(index);
                 for (size_t d = 0; d < offsets.size(); ++d)
                   position[d] = offsets[d] + index[d] * strides[d];
                 rows.copy(to++, slice.getSource(), linearize(from, position));
               });
  return rows.finish();
}

LogicalResult compileInsertSlice(Compiler &compiler, Operation *op, const OpEntry &) {
  auto slice = cast<vector::InsertStridedSliceOp>(op);
  auto from = slice.getSourceVectorType(), to = slice.getDestVectorType();
  auto offsets = integersOf(slice.getOffsets()), strides = integersOf(slice.getStrides());
  RowBuilder rows(compiler, op);
  SmallVector<int64_t> source(rows.components(), -1);
  int64_t number = 0, lead = to.getRank() - from.getRank();
  forEachIndex(from.getShape(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> position(offsets);
    for (int64_t d = 0; d < from.getRank(); ++d)
      position[lead + d] += index[d] * strides[d];
    source[linearize(to, position)] = number++;
  });
  for (auto [i, part] : llvm::enumerate(source))
    rows.copy(i, part < 0 ? slice.getDest() : slice.getValueToStore(),
              part < 0 ? int64_t(i) : part);
  return rows.finish();
}

LogicalResult compileShuffleVector(Compiler &compiler, Operation *op, const OpEntry &) {
  auto shuffle = cast<vector::ShuffleOp>(op);
  VectorType v1 = shuffle.getV1VectorType();
  int64_t first = v1.getRank() == 0 ? 1 : v1.getDimSize(0);
  int64_t inner = v1.getNumElements() / first;
  RowBuilder rows(compiler, op);
  int64_t to = 0;
  for (int64_t which : shuffle.getMask())
    for (int64_t i = 0; i < inner; ++i, ++to) {
      int64_t from = std::max<int64_t>(which, 0); // −1: anything
      if (from < first)
        rows.copy(to, shuffle.getV1(), from * inner + i);
      else
        rows.copy(to, shuffle.getV2(), (from - first) * inner + i);
    }
  return rows.finish();
}

LogicalResult compileInterleave(Compiler &compiler, Operation *op, const OpEntry &) {
  RowBuilder rows(compiler, op);
  for (int64_t i = 0; i < rows.components(); ++i)
    rows.copy(i, op->getOperand(i % 2), i / 2);
  return rows.finish();
}

LogicalResult compileTranspose(Compiler &compiler, Operation *op, const OpEntry &) {
  auto transpose = cast<vector::TransposeOp>(op);
  auto from = transpose.getSourceVectorType();
  RowBuilder rows(compiler, op);
  int64_t to = 0;
  forEachIndex(transpose.getResultVectorType().getShape(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> position(index.size());
    for (auto [i, d] : llvm::enumerate(transpose.getPermutation()))
      position[d] = index[i];
    rows.copy(to++, transpose.getVector(), linearize(from, position));
  });
  return rows.finish();
}

//===--- Reductions -------------------------------------------------------===//

/// The accumulator, if there is one, and then the elements in order: floats add
/// up in this order and no other. The loop over two rows is the elementwise
/// one, in place.
static void reduce(Block &block, const Instruction &instruction) {
  Instruction step = instruction;
  auto combine = reinterpret_cast<Execute>(const_cast<void *>(instruction.extra));
  uint32_t row = instruction.in[2], components = instruction.count;
  std::memcpy(block.at<char>(instruction.out), block.at<char>(instruction.in[1]), row);
  step.in[0] = instruction.out;
  step.count = instruction.lanes;
  uint32_t first = instruction.in[1] == instruction.in[0] ? 1 : 0;
  for (uint32_t i = first; i < components; ++i) {
    step.in[1] = instruction.in[0] + i * row;
    combine(block, step);
  }
}

LogicalResult compileReduction(Compiler &compiler, Operation *op, const OpEntry &) {
  auto reduction = cast<vector::ReductionOp>(op);
  Kind kind = compiler.slot(reduction.getVector()).kind;
  auto code = [&]() -> const ElementwiseCode * {
    switch (reduction.getKind()) {
    case vector::CombiningKind::ADD: return &addCode;
    case vector::CombiningKind::MUL: return &mulCode;
    case vector::CombiningKind::MINUI: return &minUCode;
    case vector::CombiningKind::MINSI: return &minSCode;
    case vector::CombiningKind::MAXUI: return &maxUCode;
    case vector::CombiningKind::MAXSI: return &maxSCode;
    case vector::CombiningKind::MINNUMF: return &minNumCode;
    case vector::CombiningKind::MAXNUMF: return &maxNumCode;
    case vector::CombiningKind::MINIMUMF: return &minimumCode;
    case vector::CombiningKind::MAXIMUMF: return &maximumCode;
    case vector::CombiningKind::AND: return &andCode;
    case vector::CombiningKind::OR: return &orCode;
    case vector::CombiningKind::XOR: return &xorCode;
    }
    return nullptr;
  }();
  Execute combine = code ? code->byKind[static_cast<unsigned>(kind)] : nullptr;
  if (!combine)
    return op->emitError("the emulator does not know this reduction");
  Slot slot = compiler.define(op->getResult(0));
  Instruction &instruction = compiler.emit(reduce, op);
  instruction.out = slot.offset;
  instruction.in[0] = compiler.operand(reduction.getVector(), slot.uniform);
  instruction.in[1] = reduction.getAcc()
                          ? compiler.operand(reduction.getAcc(), slot.uniform)
                          : instruction.in[0];
  instruction.lanes = slot.uniform ? 1 : compiler.program.lanes;
  instruction.in[2] = byteWidth(kind) * instruction.lanes;
  instruction.count = componentsOf(reduction.getVector());
  instruction.extra = reinterpret_cast<const void *>(combine);
  return success();
}

} // namespace dyadic::emulate
