//===- AMXDotProduct.cpp - products of tiles ------------------------------===//
//
//   biases    tileloadd with a stride of zero: every row is the biases
//   step      tileloadd of activations (a row is `depth` bytes of a pixel) and of
//             packed weights [depth / 4][column][4], tdpbusd or tdpbssd; two
//             bf16 instead of four bytes: tdpbf16ps
//   results   tilestored into memory of the function, from where the epilogue
//             takes vectors
//
// A step is written in the order that needs the fewest registers: LLVM places
// tiles by itself, and a spilt one costs more than a product.
//
//===----------------------------------------------------------------------===//
#include "AMX.h"

#include "../VectorOps.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

static constexpr int64_t kColumns = 16;

static Value loadTile(VectorOps &ops, int64_t rows, int64_t columns,
                      Value memref, Value index, int64_t stride,
                      bool streams = false) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = amx::TileType::get({rows, columns}, element);
  auto load = amx::TileLoadOp::create(ops.b, ops.loc, type, memref,
                                      ValueRange{index}, ops.index(stride));
  if (streams)
    load->setAttr("dyadic.streamed", ops.b.getUnitAttr());
  return load;
}

KernelTarget::Values AMXTarget::beginMatrices(OpBuilder &b, Location loc,
                                              const RegisterTile &tile,
                                              int64_t vectors, Value biases,
                                              Value index) const {
  VectorOps ops(b, loc);
  Values sums;
  for (int64_t v = 0; v < vectors; ++v)
    for (int64_t m = 0; m < tile.pixels / tile.tileRows; ++m)
      sums.push_back(loadTile(ops, tile.tileRows, kColumns, biases,
                              ops.add(index, v * kColumns), /*stride=*/0));
  return sums;
}

KernelTarget::Values AMXTarget::step(OpBuilder &b, Location loc,
                                     const TileStep &step,
                                     ValueRange sums) const {
  const RegisterTile &tile = step.tile;
  if (!tile.tileRows)
    return X86Target::step(b, loc, step, sums);
  VectorOps ops(b, loc);
  int64_t count = step.pixels.size();
  auto activations = [&](int64_t m) {
    return loadTile(ops, tile.tileRows, step.depth, step.activations,
                    step.pixels[m], step.pixelStride,
                    tile.form == kStreams && tile.panelsOutermost);
  };
  auto weights = [&](int64_t v) {
    int64_t width = tile.group * kColumns;
    return loadTile(ops, step.depth / tile.group, width, step.weights,
                    ops.add(step.weight, step.weightsOf(v * kColumns)),
                    step.packedColumns ? step.packedColumns * tile.group
                                       : step.vectors * width,
                    tile.form == kStreams && !tile.panelsOutermost);
  };
  Values next(sums.size());
  auto multiply = [&](int64_t m, int64_t v, Value x, Value w) {
    Value sum = sums[v * count + m], &result = next[v * count + m];
    if (step.operand == OperandKind::BF16)
      result = amx::TileMulFOp::create(b, loc, sum.getType(), x, w, sum);
    else
      result = amx::TileMulIOp::create(
          b, loc, sum.getType(), x, w, sum,
          /*isZextLhs=*/step.operand == OperandKind::U8, /*isZextRhs=*/false);
  };
  if (count == 1) {
    Value x = activations(0);
    for (int64_t v = 0; v < step.vectors; ++v)
      multiply(0, v, x, weights(v));
    return next;
  }
  Values columns;
  for (int64_t v = 0; v < step.vectors; ++v)
    columns.push_back(weights(v));
  for (int64_t m = 0; m < count; ++m) {
    Value x = activations(m);
    for (int64_t v = 0; v < step.vectors; ++v)
      multiply(m, v, x, columns[v]);
  }
  return next;
}

/// Memory for a block of results, one for all of a function's blocks.
static Value scratchOf(OpBuilder &b, Location loc, int64_t size, Type element) {
  auto function =
      b.getInsertionBlock()->getParentOp()->getParentOfType<FunctionOpInterface>();
  if (!function)
    function = cast<FunctionOpInterface>(b.getInsertionBlock()->getParentOp());
  mlir::Block &entry = function.getFunctionBody().front();
  auto type = MemRefType::get(size, element);
  constexpr StringLiteral mark = "dyadic.tiles";
  for (auto known : entry.getOps<memref::AllocaOp>())
    if (known->hasAttr(mark) && known.getType() == type)
      return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&entry);
  auto scratch =
      memref::AllocaOp::create(b, loc, type, b.getI64IntegerAttr(64));
  scratch->setAttr(mark, b.getUnitAttr());
  return scratch;
}

Value AMXTarget::storeMatrices(OpBuilder &b, Location loc,
                               const RegisterTile &tile, int64_t vectors,
                               ValueRange sums) const {
  VectorOps ops(b, loc);
  Value scratch = scratchOf(b, loc, tile.pixels * tile.vectors * kColumns,
                            cast<amx::TileType>(sums[0].getType()).getElementType());
  int64_t count = tile.pixels / tile.tileRows, pitch = vectors * kColumns;
  for (int64_t v = 0; v < vectors; ++v)
    for (int64_t m = 0; m < count; ++m)
      amx::TileStoreOp::create(
          b, loc, scratch,
          ValueRange{ops.index(m * tile.tileRows * pitch + v * kColumns)},
          sums[v * count + m], ops.index(pitch));
  return scratch;
}
