//===- TileOps.cpp - AMX: tiles in registers ------------------------------===//
//
// A tile is a slot like that of a vector: its rows one after the other. As LLVM
// configures each tile by its type, rows and bytes a row are those of the type,
// and what lies beyond them in the register is never seen.
//
//===----------------------------------------------------------------------===//
#include "Access.h"
#include "BFloat16.h"
#include "OpTable.h"

#include "mlir/Dialect/AMX/AMXDialect.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace dyadic::emulate {

//===--- Memory -----------------------------------------------------------===//

namespace {
/// The rows of a tile in memory.
struct TileAccess {
  Address address; // of a row
  int64_t rows = 0;
  uint32_t stride = 0; // the slot of the elements from row to row
};
} // namespace

/// Calls `visit` with the first byte of each row, checked; stops after a fault.
static void forRows(Block &block, const Instruction &instruction,
                    const char *verb,
                    llvm::function_ref<bool(int64_t row, int64_t byte)> visit) {
  const auto &tile = *static_cast<const TileAccess *>(instruction.extra);
  int64_t stride = *block.at<int64_t>(tile.stride);
  // The index moves from row to row, and back.
  int64_t *last = block.at<int64_t>(tile.address.indices.back()),
          first = *last;
  for (int64_t row = 0; row < tile.rows; ++row) {
    *last = first + row * stride;
    int64_t byte = locate(block, instruction, tile.address, 0, verb);
    *last = first;
    if (byte < 0 || !visit(row, byte))
      return;
  }
}

static void tileLoad(Block &block, const Instruction &instruction) {
  const auto &tile = *static_cast<const TileAccess *>(instruction.extra);
  int64_t bytes = int64_t(tile.address.width) * tile.address.count;
  char *out = block.at<char>(instruction.out);
  forRows(block, instruction, "tile read", [&](int64_t row, int64_t byte) {
    return readRun(block, instruction, tile.address, byte, out + row * bytes);
  });
}

static void tileStore(Block &block, const Instruction &instruction) {
  const auto &tile = *static_cast<const TileAccess *>(instruction.extra);
  int64_t bytes = int64_t(tile.address.width) * tile.address.count;
  const char *x = block.at<char>(instruction.in[0]);
  forRows(block, instruction, "tile write", [&](int64_t row, int64_t byte) {
    char *to = enterWrite(block, instruction, tile.address, byte, bytes, 0);
    if (to)
      std::memcpy(to, x + row * bytes, bytes);
    return to != nullptr;
  });
}

static FailureOr<TileAccess *> makeTileAccess(Compiler &compiler, Operation *op,
                                              Value memref, ValueRange indices,
                                              Value stride,
                                              amx::TileType type) {
  if (!compiler.program.isCPU)
    return op->emitError("expected tiles in CPU kernels only");
  auto memory = cast<MemRefType>(memref.getType());
  if (memory.getRank() != 1 || !stride ||
      memory.getElementType() != type.getElementType())
    return op->emitError("the emulator knows tiles only in memrefs of one "
                         "dimension, the tile's element type and with a stride "
                         "between rows");
  auto address = makeAddress(compiler, op, memref, indices,
                             type.getShape()[1], 1);
  if (failed(address))
    return failure();
  auto *access = compiler.make<TileAccess>();
  access->address = std::move(*address);
  access->rows = type.getShape()[0];
  access->stride = compiler.slot(stride).offset;
  return access;
}

LogicalResult compileTileLoad(Compiler &compiler, Operation *op,
                              const OpEntry &) {
  auto load = cast<amx::TileLoadOp>(op);
  auto access = makeTileAccess(compiler, op, load.getBase(), load.getIndices(),
                               load.getStride(), load.getTileType());
  if (failed(access))
    return failure();
  (*access)->address.slack = kReadSlack;
  Slot slot = compiler.define(load.getRes());
  Instruction &instruction = compiler.emit(tileLoad, op);
  instruction.out = slot.offset;
  instruction.extra = *access;
  return success();
}

LogicalResult compileTileStore(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  auto store = cast<amx::TileStoreOp>(op);
  auto access =
      makeTileAccess(compiler, op, store.getBase(), store.getIndices(),
                     store.getStride(), store.getTileType());
  if (failed(access))
    return failure();
  if ((*access)->address.base.space == MemRefBinding::Global)
    compiler.program.parameters[(*access)->address.base.buffer].isWritten =
        true;
  Instruction &instruction = compiler.emit(tileStore, op);
  instruction.in[0] = compiler.slot(store.getVal()).offset;
  instruction.extra = *access;
  return success();
}

//===--- Products ---------------------------------------------------------===//

namespace {
struct TileShape {
  int64_t rows, columns, words; // words of four bytes along the sum
};
} // namespace

/// C[m][n] += Σ_k A[m][4k + i] · B[k][4n + i], modulo 2^32.
template <typename A, typename B>
static void multiplyBytes(Block &block, const Instruction &instruction) {
  const auto &shape = *static_cast<const TileShape *>(instruction.extra);
  const A *a = block.at<A>(instruction.in[0]);
  const B *b = block.at<B>(instruction.in[1]);
  uint32_t *out = block.at<uint32_t>(instruction.out);
  const uint32_t *c = block.at<uint32_t>(instruction.in[2]);
  for (int64_t m = 0; m < shape.rows; ++m) {
    int32_t sums[16] = {};
    for (int64_t k = 0; k < shape.words; ++k) {
      const A *x = a + (m * shape.words + k) * 4;
      const B *w = b + k * shape.columns * 4;
      for (int64_t n = 0; n < shape.columns; ++n)
        for (int i = 0; i < 4; ++i)
          sums[n] += int32_t(x[i]) * int32_t(w[4 * n + i]);
    }
    for (int64_t n = 0; n < shape.columns; ++n)
      out[m * shape.columns + n] =
          c[m * shape.columns + n] + uint32_t(sums[n]);
  }
}

/// tdpbf16ps: products of even and of odd positions are summed apart, by fused
/// multiply-adds, then added to each other and to C.
static void multiplyBF16(Block &block, const Instruction &instruction) {
  const auto &shape = *static_cast<const TileShape *>(instruction.extra);
  const uint16_t *a = block.at<uint16_t>(instruction.in[0]),
                 *b = block.at<uint16_t>(instruction.in[1]);
  const float *c = block.at<float>(instruction.in[2]);
  float *out = block.at<float>(instruction.out);
  for (int64_t m = 0; m < shape.rows; ++m)
    for (int64_t n = 0; n < shape.columns; ++n) {
      float even = 0, odd = 0;
      for (int64_t k = 0; k < shape.words; ++k) {
        const uint16_t *x = a + (m * shape.words + k) * 2,
                       *w = b + (k * shape.columns + n) * 2;
        even = flushDenormal(std::fma(widenBF16(x[0]), widenBF16(w[0]), even));
        odd = flushDenormal(std::fma(widenBF16(x[1]), widenBF16(w[1]), odd));
      }
      int64_t at = m * shape.columns + n;
      out[at] = flushDenormal(flushDenormal(c[at]) + flushDenormal(even + odd));
    }
}

LogicalResult compileTileMul(Compiler &compiler, Operation *op,
                             const OpEntry &) {
  Execute execute = multiplyBF16;
  if (auto product = dyn_cast<amx::TileMulIOp>(op)) {
    bool x = product.getIsZextLhs(), w = product.getIsZextRhs();
    execute = x ? (w ? multiplyBytes<uint8_t, uint8_t>
                     : multiplyBytes<uint8_t, int8_t>)
                : (w ? multiplyBytes<int8_t, uint8_t>
                     : multiplyBytes<int8_t, int8_t>);
  }
  auto a = cast<amx::TileType>(op->getOperand(0).getType()),
       c = cast<amx::TileType>(op->getOperand(2).getType());
  if (a.getElementType().isF16())
    return op->emitError("the emulator does not know products of f16 tiles");
  int64_t group = a.getElementType().isInteger(8) ? 4 : 2;
  auto *shape = compiler.make<TileShape>();
  *shape = {c.getShape()[0], c.getShape()[1], a.getShape()[1] / group};
  compiler.emitElementwise(execute, op).extra = shape;
  return success();
}

} // namespace dyadic::emulate
