//===- Rows.cpp -----------------------------------------------------------===//
#include "Rows.h"

#include "../Reduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// Elements of a row that a thread keeps in registers.
static constexpr int64_t kMostKept = 32;

static int64_t chooseThreads(int64_t extent) {
  if (extent <= 32 * kMostKept)
    return 32;
  return extent <= 256 * kMostKept ? 256 : 1024;
}

RowThreads::RowThreads(GPUKernelBuilder &k, int64_t extent, int64_t width)
    : k(k), extent(extent), width(width), threads(chooseThreads(extent)) {}

void RowThreads::forRows(int64_t rows, function_ref<void(Value)> body) {
  if (threads == 32)
    return k.forThreads(rows * 32, [&](Value item) {
      lane = k.rem(item, 32);
      body(k.div(item, 32));
    });
  k.launch(threads, rows);
  lane = k.thread();
  body(k.block());
}

/// Of scalars or vectors.
static Value combineTwo(GPUKernelBuilder &k, vector::CombiningKind kind, Value x,
                        Value y) {
  return vector::makeArithReduction(k.b, k.loc, kind, x, y);
}

Value RowThreads::combine(vector::CombiningKind kind, Value scalar) {
  for (int32_t offset = 16; offset > 0; offset /= 2) {
    auto other = gpu::ShuffleOp::create(k.b, k.loc, scalar, offset, 32,
                                        gpu::ShuffleMode::XOR);
    scalar = combineTwo(k, kind, scalar, other.getShuffleResult());
  }
  if (threads == 32)
    return scalar;
  // A value of each warp; memory of its own, so that one barrier is enough.
  int64_t warps = threads / 32;
  Value shared = k.workgroupMemory(warps, scalar.getType());
  k.when(k.equal(k.rem(lane, 32), 0), [&] {
    memref::StoreOp::create(k.b, k.loc, scalar, shared, k.div(lane, 32));
  });
  k.barrier();
  Value result;
  for (int64_t warp = 0; warp < warps; ++warp) {
    Value part = memref::LoadOp::create(k.b, k.loc, shared, k.index(warp));
    result = result ? combineTwo(k, kind, result, part) : part;
  }
  return result;
}

RowPart::RowPart(RowThreads &row, VectorType type, Read read)
    : row(row), k(row.k), type(type), readPiece(std::move(read)),
      isLong(row.extent > row.threads * kMostKept) {
  if (isLong)
    return;
  int64_t step = row.threads * row.width;
  Value first = k.mul(row.lane, row.width);
  for (int64_t begin = 0; begin < row.extent; begin += step) {
    Piece piece{k.add(first, begin), {}, {}};
    if (begin + step <= row.extent) {
      piece.x = readPiece(piece.at);
    } else {
      piece.isInside = k.less(piece.at, row.extent);
      auto branch = scf::IfOp::create(k.b, k.loc, type, piece.isInside, true);
      OpBuilder::InsertionGuard guard(k.b);
      k.b.setInsertionPointToStart(branch.thenBlock());
      scf::YieldOp::create(k.b, k.loc, readPiece(piece.at));
      k.b.setInsertionPointToStart(branch.elseBlock());
      Value zero = arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(type));
      scf::YieldOp::create(k.b, k.loc, zero);
      piece.x = branch.getResult(0);
    }
    pieces.push_back(piece);
  }
}

Value RowPart::read(Value at) {
  Value x = readPiece(at);
  for (const Map &map : maps)
    x = map(x);
  return x;
}

void RowPart::map(Map map) {
  if (isLong)
    return maps.push_back(std::move(map));
  for (Piece &piece : pieces)
    piece.x = map(piece.x);
}

/// What changes nothing.
static Value neutral(GPUKernelBuilder &k, vector::CombiningKind kind,
                     VectorType type) {
  if (kind == vector::CombiningKind::ADD)
    return arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(type));
  return k.splat(type, -std::numeric_limits<float>::infinity());
}

Value RowPart::reduce(vector::CombiningKind kind, Map map) {
  Value none = neutral(k, kind, type), result;
  if (isLong) {
    Value begin = k.mul(row.lane, row.width);
    auto loop = scf::ForOp::create(k.b, k.loc, begin, k.index(row.extent),
                                   k.index(row.threads * row.width), none);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Value x = map(read(loop.getInductionVar()));
    Value next = combineTwo(k, kind, loop.getRegionIterArg(0), x);
    scf::YieldOp::create(k.b, k.loc, next);
    result = loop.getResult(0);
  }
  for (const Piece &piece : pieces) {
    Value x = map(piece.x);
    if (piece.isInside)
      x = arith::SelectOp::create(k.b, k.loc, piece.isInside, x, none);
    result = result ? combineTwo(k, kind, result, x) : x;
  }
  return row.combine(kind, reduceLanes(k, kind, result));
}

void RowPart::forEach(function_ref<void(Value, Value)> body) {
  if (isLong) {
    auto loop = scf::ForOp::create(
        k.b, k.loc, k.mul(row.lane, row.width), k.index(row.extent),
        k.index(row.threads * row.width));
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar(), read(loop.getInductionVar()));
  }
  for (const Piece &piece : pieces) {
    if (piece.isInside)
      k.when(piece.isInside, [&] { body(piece.at, piece.x); });
    else
      body(piece.at, piece.x);
  }
}
