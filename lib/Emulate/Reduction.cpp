//===- Reduction.cpp - vectors to one element -----------------------------===//
#include "Block.h"
#include "OpTable.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cstring>

using namespace mlir;

namespace dyadic::emulate {

/// The accumulator, if there is one, and then the elements in order: floats add
/// up in this order and no other. The loop over two rows is the elementwise
/// one, in place.
static void reduce(Block &block, const Instruction &instruction) {
  Instruction step = instruction;
  auto combine =
      reinterpret_cast<Execute>(const_cast<void *>(instruction.extra));
  uint32_t row = instruction.in[2], components = instruction.count;
  std::memcpy(block.at<char>(instruction.out),
              block.at<char>(instruction.in[1]), row);
  step.in[0] = instruction.out;
  step.count = instruction.lanes;
  uint32_t first = instruction.in[1] == instruction.in[0] ? 1 : 0;
  for (uint32_t i = first; i < components; ++i) {
    step.in[1] = instruction.in[0] + i * row;
    combine(block, step);
  }
}

LogicalResult compileReduction(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  auto reduction = cast<vector::ReductionOp>(op);
  Kind kind = compiler.slot(reduction.getVector()).kind;
  auto code = [&]() -> const ElementwiseCode * {
    switch (reduction.getKind()) {
    case vector::CombiningKind::ADD:
      return &addCode;
    case vector::CombiningKind::MUL:
      return &mulCode;
    case vector::CombiningKind::MINUI:
      return &minUCode;
    case vector::CombiningKind::MINSI:
      return &minSCode;
    case vector::CombiningKind::MAXUI:
      return &maxUCode;
    case vector::CombiningKind::MAXSI:
      return &maxSCode;
    case vector::CombiningKind::MINNUMF:
      return &minNumCode;
    case vector::CombiningKind::MAXNUMF:
      return &maxNumCode;
    case vector::CombiningKind::MINIMUMF:
      return &minimumCode;
    case vector::CombiningKind::MAXIMUMF:
      return &maximumCode;
    case vector::CombiningKind::AND:
      return &andCode;
    case vector::CombiningKind::OR:
      return &orCode;
    case vector::CombiningKind::XOR:
      return &xorCode;
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
  instruction.count = slotShape(reduction.getVector().getType())->components;
  instruction.extra = reinterpret_cast<const void *>(combine);
  return success();
}

} // namespace dyadic::emulate
