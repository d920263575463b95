//===- Requantize.cpp - how sums become bytes on NVIDIA GPUs --------------===//
#include "NVPTX.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::nvptx;

/// A load for every byte: the table stays in the nearest cache.
Value NVPTXTarget::lookup(OpBuilder &b, Location loc, Value x,
                          Value table) const {
  auto type = cast<VectorType>(x.getType());
  SmallVector<Value> entries;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    Value byte = vector::ExtractOp::create(b, loc, x, i);
    Value entry = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), byte);
    entries.push_back(memref::LoadOp::create(b, loc, table, entry));
  }
  return vector::FromElementsOp::create(b, loc, type, entries);
}
