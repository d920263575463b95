//===- Emission.cpp - the instructions that a Compiler adds ---------------===//
#include "Block.h"
#include "Compiler.h"

#include <array>
#include <cstring>

using namespace mlir;

namespace dyadic::emulate {

Instruction &Compiler::emit(Execute execute, Operation *op) {
  Instruction &instruction = code->emplace_back();
  instruction.execute = execute;
  instruction.op = op;
  instruction.lanes = program.lanes;
  return instruction;
}

Instruction &Compiler::emitElementwise(Execute execute, Operation *op) {
  Slot slot = define(op->getResult(0));
  Instruction &instruction = emit(execute, op);
  instruction.out = slot.offset;
  for (auto [i, value] : llvm::enumerate(op->getOperands().take_front(3)))
    instruction.in[i] = operand(value, slot.uniform);
  instruction.lanes = slot.uniform ? 1 : program.lanes;
  instruction.count = slot.components * instruction.lanes;
  return instruction;
}

namespace {
struct Rows {
  std::vector<std::pair<uint32_t, uint32_t>> rows;
};
} // namespace

static void copyRows(Block &block, const Instruction &instruction) {
  for (auto [to, from] : static_cast<const Rows *>(instruction.extra)->rows)
    std::memcpy(block.at<char>(to), block.at<char>(from), instruction.count);
}

void Compiler::emitRows(Operation *op,
                        std::vector<std::pair<uint32_t, uint32_t>> rows,
                        uint32_t bytes) {
  // Adjacent rows that stay adjacent are one.
  if (!rows.empty()) {
    bool contiguous = true;
    for (size_t i = 1; i < rows.size(); ++i)
      contiguous &= rows[i].first == rows[0].first + i * bytes &&
                    rows[i].second == rows[0].second + i * bytes;
    if (contiguous) {
      bytes *= rows.size();
      rows.resize(1);
    }
  }
  auto *extra = make<Rows>();
  extra->rows = std::move(rows);
  Instruction &instruction = emit(copyRows, op);
  instruction.count = bytes;
  instruction.extra = extra;
}

template <typename T>
static void expand(Block &block, const Instruction &instruction) {
  const T *from = block.at<T>(instruction.in[0]);
  T *to = block.at<T>(instruction.out);
  for (uint32_t i = 0; i < instruction.count; ++i, to += instruction.lanes)
    std::fill_n(to, instruction.lanes, from[i]);
}

static Execute byWidth(unsigned width, std::array<Execute, 4> choices) {
  return choices[llvm::Log2_32(width)];
}

void Compiler::emitExpansion(Operation *op, Value value) {
  if (!isUniform(value) || !needsExpansion(value))
    return;
  Slot from = slot(value);
  Instruction &instruction =
      emit(byWidth(byteWidth(from.kind), {expand<uint8_t>, expand<uint16_t>,
                                          expand<uint32_t>, expand<uint64_t>}),
           op);
  instruction.in[0] = from.offset;
  instruction.out = expanded.lookup(value);
  instruction.count = from.components;
}

template <typename T>
static void copyActive(Block &block, const Instruction &instruction) {
  const T *from = block.at<T>(instruction.in[0]);
  T *to = block.at<T>(instruction.out);
  if (instruction.lanes == 1 || block.allActive()) {
    std::memcpy(to, from, instruction.count * sizeof(T));
    return;
  }
  const uint8_t *active = block.active();
  uint32_t lanes = instruction.lanes;
  for (uint32_t i = 0; i < instruction.count; i += lanes)
    for (uint32_t lane = 0; lane < lanes; ++lane)
      if (active[lane])
        to[i + lane] = from[i + lane];
}

void Compiler::emitCopies(Operation *op, ValueRange from, ValueRange to,
                          bool masked) {
  auto copy = [&](uint32_t out, uint32_t in, Slot shape, bool onlyActive) {
    if (out == in)
      return;
    unsigned width = byteWidth(shape.kind);
    uint32_t lanes = shape.uniform ? 1 : program.lanes;
    Execute execute =
        onlyActive
            ? byWidth(width, {copyActive<uint8_t>, copyActive<uint16_t>,
                              copyActive<uint32_t>, copyActive<uint64_t>})
            : copyRows;
    if (!onlyActive)
      return emitRows(op, {{out, in}}, shape.components * lanes * width);
    Instruction &instruction = emit(execute, op);
    instruction.out = out;
    instruction.in[0] = in;
    instruction.lanes = lanes;
    instruction.count = shape.components * lanes;
  };
  auto bytesOf = [&](Slot shape) {
    return uint64_t(byteWidth(shape.kind)) * shape.components *
           (shape.uniform ? 1 : program.lanes);
  };
  SmallVector<uint32_t> sources;
  for (auto [value, target] : llvm::zip(from, to))
    sources.push_back(operand(value, slot(target).uniform));
  // A source that a copy before it overwrites goes by way of a temporary.
  for (size_t i = 1; i < sources.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      Slot shape = slot(to[i]), other = slot(to[j]);
      if (sources[i] < other.offset + bytesOf(other) &&
          other.offset < sources[i] + bytesOf(shape)) {
        uint32_t temporary = allocate(bytesOf(shape));
        copy(temporary, sources[i], shape, false);
        sources[i] = temporary;
        break;
      }
    }
  // (All temporaries are filled before the first copy.)
  for (auto [source, target] : llvm::zip(sources, to)) {
    copy(slot(target).offset, source, slot(target),
         masked && !slot(target).uniform);
    emitExpansion(op, target);
  }
}

} // namespace dyadic::emulate
