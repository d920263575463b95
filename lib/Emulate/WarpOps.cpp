//===- WarpOps.cpp - shuffles, ldmatrix and dot products ------------------===//
#include "WarpOps.h"

#include "Access.h"
#include "OpTable.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"

#include <cstring>

using namespace mlir;

namespace dyadic::emulate {

bool warpRuns(Block &block, const Instruction &instruction, unsigned warp) {
  switch (block.warpState(warp)) {
  case Block::WarpState::All:
    return true;
  case Block::WarpState::None:
    return false;
  case Block::WarpState::Some:
    break;
  }
  unsigned lane = warp * 32;
  while (lane < block.program.lanes && block.isActive(lane))
    ++lane;
  if (lane == block.program.lanes)
    block.fail(instruction, lane - 1,
               "the whole warp must run this op, but the block's last warp has "
               "only " +
                   llvm::Twine(lane % 32) + " threads");
  else
    block.fail(instruction, lane,
               "the whole warp must run this op, but this thread is inactive");
  return false;
}

//===--- gpu.shuffle ------------------------------------------------------===//

namespace {
struct ShuffleKind {
  gpu::ShuffleMode mode;
  uint32_t valid = 0;
};
} // namespace

/// As shfl.sync with all 32 lanes in one segment. in: value, offset, width.
static void shuffle(Block &block, const Instruction &instruction) {
  const auto &kind = *static_cast<const ShuffleKind *>(instruction.extra);
  const uint32_t *value = block.at<uint32_t>(instruction.in[0]);
  const int32_t *offset = block.at<int32_t>(instruction.in[1]);
  const int32_t *width = block.at<int32_t>(instruction.in[2]);
  uint32_t *out = block.at<uint32_t>(instruction.out);
  uint8_t *valid = block.at<uint8_t>(kind.valid);
  for (unsigned warp = 0; warp < block.numWarps(); ++warp) {
    if (!warpRuns(block, instruction, warp)) {
      if (block.hasFailed())
        return;
      continue;
    }
    unsigned first = warp * 32;
    for (int lane = 0; lane < 32; ++lane) {
      if (width[first + lane] != 32)
        return block.fail(instruction, first + lane,
                          "expected a shuffle of 32 lanes, but got " +
                              llvm::Twine(width[first + lane]) +
                              ": the others would be no members of it");
      int by = offset[first + lane] & 31, from = lane;
      switch (kind.mode) {
      case gpu::ShuffleMode::XOR:
        from = lane ^ by;
        break;
      case gpu::ShuffleMode::UP:
        from = lane - by;
        break;
      case gpu::ShuffleMode::DOWN:
        from = lane + by;
        break;
      case gpu::ShuffleMode::IDX:
        from = by;
        break;
      }
      bool isValid = from >= 0 && from < 32;
      valid[first + lane] = isValid;
      out[first + lane] = value[first + (isValid ? from : lane)];
    }
  }
}

LogicalResult compileShuffle(Compiler &compiler, Operation *op,
                             const OpEntry &) {
  auto shuffleOp = cast<gpu::ShuffleOp>(op);
  Slot shape = *slotShape(shuffleOp.getValue().getType());
  if (shape.components != 1 || byteWidth(shape.kind) != 4)
    return op->emitError("the emulator knows shuffles of 32 bits, but got ")
           << shuffleOp.getValue().getType();
  auto *kind = compiler.make<ShuffleKind>();
  kind->mode = shuffleOp.getMode();
  Slot slot = compiler.define(shuffleOp.getShuffleResult());
  kind->valid = compiler.define(shuffleOp.getValid()).offset;
  Instruction &instruction = compiler.emit(shuffle, op);
  instruction.out = slot.offset;
  for (auto [i, value] : llvm::enumerate(op->getOperands()))
    instruction.in[i] = compiler.perThread(value);
  instruction.extra = kind;
  return success();
}

//===--- nvgpu.ldmatrix ---------------------------------------------------===//

namespace {
struct LdMatrix {
  Address row;
  unsigned matrices = 1;
  bool transpose = false, allAddressesMustBeValid = false;
  uint32_t width = 1; // of the result's elements
};
} // namespace

/// Matrix m has 8 rows of 8 elements of 16 bits; row r is at the address that
/// lane 8m + r gives. Lane t gets elements 2(t % 4) and 2(t % 4) + 1 of row
/// t / 4; transposed, of column t / 4.
static void ldMatrix(Block &block, const Instruction &instruction) {
  const auto &load = *static_cast<const LdMatrix *>(instruction.extra);
  uint32_t lanes = instruction.lanes, perRegister = 4 / load.width;
  char *out = block.at<char>(instruction.out);
  for (unsigned warp = 0; warp < block.numWarps(); ++warp) {
    if (!warpRuns(block, instruction, warp)) {
      if (block.hasFailed())
        return;
      continue;
    }
    unsigned first = warp * 32;
    uint16_t matrices[4][8][8];
    for (unsigned lane = 0; lane < 32; ++lane) {
      bool isUsed = lane < 8 * load.matrices;
      if (!isUsed && !load.allAddressesMustBeValid)
        break;
      int64_t byte =
          locate(block, instruction, load.row, first + lane, "ldmatrix");
      if (byte < 0)
        return;
      if (!isUsed)
        continue;
      // Its 16 bytes go to four threads: all are readers.
      int64_t at = block.program.workgroup[load.row.base.buffer].offset + byte;
      if (Fault fault = block.workgroup.read(at, 16, kSeveralLanes))
        return reportFault(block, instruction, load.row.base, fault,
                           first + lane, "read by the whole warp");
      std::memcpy(matrices[lane / 8][lane % 8], block.workgroup.bytes() + at,
                  16);
    }
    for (unsigned m = 0; m < load.matrices; ++m)
      for (unsigned t = 0; t < 32; ++t) {
        uint16_t pair[2];
        for (unsigned i = 0; i < 2; ++i)
          pair[i] = load.transpose ? matrices[m][2 * (t % 4) + i][t / 4]
                                   : matrices[m][t / 4][2 * (t % 4) + i];
        for (unsigned part = 0; part < perRegister; ++part)
          std::memcpy(out + ((m * perRegister + part) * lanes + first + t) *
                                load.width,
                      reinterpret_cast<const char *>(pair) + part * load.width,
                      load.width);
      }
  }
}

LogicalResult compileLdMatrix(Compiler &compiler, Operation *op,
                              const OpEntry &) {
  auto load = cast<nvgpu::LdMatrixOp>(op);
  Slot shape = *slotShape(load.getRes().getType());
  auto *extra = compiler.make<LdMatrix>();
  extra->matrices = load.getNumTiles();
  extra->transpose = load.getTranspose();
  extra->width = byteWidth(shape.kind);
  // PTX ISA, ldmatrix: on sm_75 all threads give a valid address.
  extra->allAddressesMustBeValid =
      compiler.program.architecture && compiler.program.architecture <= 75;
  if (extra->width > 4 ||
      shape.components * extra->width != 4 * extra->matrices ||
      !llvm::is_contained({1, 2, 4}, int(extra->matrices)))
    return op->emitError("expected 1, 2 or 4 registers of 32 bits, but got ")
           << load.getRes().getType();
  auto row = makeAddress(compiler, op, load.getSrcMemref(), load.getIndices(),
                         16 / extra->width, 16);
  if (failed(row))
    return failure();
  if (row->base.space != MemRefBinding::Workgroup)
    return op->emitError("expected workgroup memory");
  extra->row = std::move(*row);
  Slot slot = compiler.define(load.getRes());
  Instruction &instruction = compiler.emit(ldMatrix, op);
  instruction.out = slot.offset;
  instruction.extra = extra;
  return success();
}

//===--- nvvm.dot.accumulate.4way -----------------------------------------===//

template <typename A, typename B>
static void dot4(Block &block, const Instruction &instruction) {
  const A *a = block.at<A>(instruction.in[0]);
  const B *b = block.at<B>(instruction.in[1]);
  const uint32_t *c = block.at<uint32_t>(instruction.in[2]);
  uint32_t *out = block.at<uint32_t>(instruction.out);
  uint32_t lanes = instruction.lanes;
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    int32_t sum = 0;
    for (unsigned i = 0; i < 4; ++i)
      sum += int32_t(a[i * lanes + lane]) * b[i * lanes + lane];
    out[lane] = c[lane] + uint32_t(sum);
  }
}

LogicalResult compileDot4(Compiler &compiler, Operation *op, const OpEntry &) {
  auto dot = cast<NVVM::DotAccumulate4WayOp>(op);
  bool a = dot.getAType() == NVVM::DotAccumulateType::SIGNED,
       b = dot.getBType() == NVVM::DotAccumulateType::SIGNED;
  static const Execute codes[2][2] = {
      {dot4<uint8_t, uint8_t>, dot4<uint8_t, int8_t>},
      {dot4<int8_t, uint8_t>, dot4<int8_t, int8_t>}};
  compiler.emitElementwise(codes[a][b], op);
  return success();
}

} // namespace dyadic::emulate
