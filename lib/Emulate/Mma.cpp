//===- Mma.cpp - nvvm.mma.sync on bytes -----------------------------------===//
//
// D = A · B + C by a warp, each thread with its part of the matrices in
// registers of four bytes, as the PTX ISA lays them out ("Matrix fragments for
// mma.m8n8k16", "… m16n8k16" and "… m16n8k32 with .u8/.s8"). With g = lane / 4
// and t = lane % 4, and i counting the bytes of a thread:
//
//   A: row g, or g + 8 in every second register (of shapes with m = 16);
//      column 4t + i % 4, plus 16 from the third register on
//   B: row 4t + i % 4, plus 16 in the second register; column g
//   C, D: row g, or g + 8 from the third element on; column 2t + i % 2
//
//===----------------------------------------------------------------------===//
#include "OpTable.h"
#include "WarpOps.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include <algorithm>

using namespace mlir;

namespace dyadic::emulate {

namespace {
struct Mma {
  unsigned m = 16, n = 8, k = 32;
  bool aSigned = true, bSigned = true, saturates = false;
  llvm::SmallVector<uint32_t, 4> a, b, c; // slots of the registers
};
} // namespace

static int16_t element(uint32_t word, unsigned byte, bool isSigned) {
  uint8_t bits = word >> (8 * byte);
  return isSigned ? int16_t(int8_t(bits)) : int16_t(bits);
}

static void mma(Block &block, const Instruction &instruction) {
  const auto &op = *static_cast<const Mma *>(instruction.extra);
  uint32_t lanes = instruction.lanes;
  for (unsigned warp = 0; warp < block.numWarps(); ++warp) {
    if (!warpRuns(block, instruction, warp)) {
      if (block.hasFailed())
        return;
      continue;
    }
    unsigned first = warp * 32;
    int16_t a[16][32], b[8][32]; // b by columns
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned g = lane / 4, t = lane % 4;
      for (unsigned r = 0; r < op.a.size(); ++r) {
        uint32_t word = block.at<uint32_t>(op.a[r])[first + lane];
        for (unsigned i = 0; i < 4; ++i)
          a[g + 8 * (r % 2)][4 * t + i + 16 * (r / 2)] =
              element(word, i, op.aSigned);
      }
      for (unsigned r = 0; r < op.b.size(); ++r) {
        uint32_t word = block.at<uint32_t>(op.b[r])[first + lane];
        for (unsigned i = 0; i < 4; ++i)
          b[g][4 * t + i + 16 * r] = element(word, i, op.bSigned);
      }
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned g = lane / 4, t = lane % 4;
      for (unsigned i = 0; i < op.c.size(); ++i) {
        const int16_t *row = a[g + 8 * (i / 2)], *column = b[2 * t + i % 2];
        int32_t sum = 0;
        for (unsigned k = 0; k < op.k; ++k)
          sum += int32_t(row[k]) * column[k];
        int64_t value = int64_t(block.at<int32_t>(op.c[i])[first + lane]) + sum;
        if (op.saturates)
          value = std::clamp<int64_t>(value, INT32_MIN, INT32_MAX);
        block.at<int32_t>(instruction.out)[i * lanes + first + lane] =
            int32_t(value);
      }
    }
  }
}

static std::optional<bool> isSigned(std::optional<NVVM::MMATypes> type) {
  if (type == NVVM::MMATypes::s8)
    return true;
  if (type == NVVM::MMATypes::u8)
    return false;
  return std::nullopt;
}

LogicalResult compileMma(Compiler &compiler, Operation *op, const OpEntry &) {
  auto mmaOp = cast<NVVM::MmaOp>(op);
  auto *extra = compiler.make<Mma>();
  auto shape = mmaOp.getShape();
  extra->m = shape.getM();
  extra->n = shape.getN();
  extra->k = shape.getK();
  auto a = isSigned(mmaOp.getMultiplicandAPtxType()),
       b = isSigned(mmaOp.getMultiplicandBPtxType());
  bool known =
      extra->n == 8 && ((extra->m == 8 && extra->k == 16) ||
                        (extra->m == 16 && (extra->k == 16 || extra->k == 32)));
  if (!a || !b || !known || mmaOp.getLayoutA() != NVVM::MMALayout::row ||
      mmaOp.getLayoutB() != NVVM::MMALayout::col)
    return op->emitError(
        "the emulator knows nvvm.mma.sync of shapes m8n8k16, "
        "m16n8k16 and m16n8k32 on s8 and u8, row by col, but not "
        "this one");
  unsigned needed = extra->m == 16 ? 80 : 75;
  if (compiler.program.architecture && compiler.program.architecture < needed)
    return op->emitError("expected sm_")
           << needed << " or newer for this shape, but got sm_"
           << compiler.program.architecture;
  extra->aSigned = *a;
  extra->bSigned = *b;
  extra->saturates =
      mmaOp.getIntOverflowBehavior() == NVVM::MMAIntOverflow::satfinite;
  auto gather = [&](ValueRange values, llvm::SmallVectorImpl<uint32_t> &slots) {
    for (Value value : values)
      slots.push_back(compiler.perThread(value));
  };
  gather(mmaOp.getOperandA(), extra->a);
  gather(mmaOp.getOperandB(), extra->b);
  gather(mmaOp.getOperandC(), extra->c);
  if (extra->a.size() != extra->m * extra->k / 128 ||
      extra->b.size() != extra->k / 16 ||
      extra->c.size() != extra->m * extra->n / 32)
    return op->emitError("expected ")
           << extra->m * extra->k / 128 << ", " << extra->k / 16 << " and "
           << extra->m * extra->n / 32 << " registers for A, B and C";
  Slot slot = compiler.define(mmaOp.getRes());
  Instruction &instruction = compiler.emit(mma, op);
  instruction.out = slot.offset;
  instruction.extra = extra;
  return success();
}

} // namespace dyadic::emulate
