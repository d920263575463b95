//===- Lookup.cpp - tables on x86 -----------------------------------------===//
//
// Of floats as many as a register holds, by vpermps. Of 256 bytes:
//
//   VBMI       two vpermi2b of 128 entries each; bit 7 chooses
//   otherwise  a vpshufb for each 16 entries. It reads by the low four bits and
//              gives zero where bit 7 is set, so that x, less 16 each time,
//              meets table k while x ≥ 16k, eight times at most: what all it
//              met gave, added without carry, is the entry, if the tables are
//              stored as differences.
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

std::vector<char> X86Target::arrangeTable(ArrayRef<char> table) const {
  std::vector<char> data = table.vec();
  if (isAVX512() && getInfo().has("avx512vbmi"))
    return data;
  // What x in [16k, 16k + 16) has met before table k is tables 0 … k − 1, and
  // from k = 8 on the last seven.
  for (int k = 15; k > 0; --k)
    for (int i = 0; i < 16; ++i) {
      char &entry = data[16 * k + i];
      entry ^= table[16 * (k - 1) + i];
    }
  for (int k = 8; k < 16; ++k)
    for (int i = 0; i < 16; ++i)
      data[16 * k + i] ^= data[16 * (k - 8) + i];
  return data;
}

static Value lookupBytes(VectorOps &ops, Value x, Value table) {
  // vpermi2b reads 128 entries with bits 0–6 of the index.
  auto zmm = ops.typeOf(x);
  SmallVector<Value> quarter;
  for (int64_t i = 0; i < 4; ++i)
    quarter.push_back(ops.load(64, table, ops.index(64 * i)));
  auto permute = [&](Value low, Value high) {
    return ops.callIntrinsic("llvm.x86.avx512.vpermi2var.qi.512", zmm,
                             {low, x, high});
  };
  Value upper = arith::CmpIOp::create(
      ops.b, ops.loc, arith::CmpIPredicate::slt, x, ops.zero(zmm));
  return arith::SelectOp::create(ops.b, ops.loc, upper,
                                 permute(quarter[2], quarter[3]),
                                 permute(quarter[0], quarter[1]));
}

/// For a register of bytes.
static Value lookupNibbles(VectorOps &ops, Value x, Value table) {
  OpBuilder &b = ops.b;
  VectorType type = ops.typeOf(x);
  int64_t width = ops.width(x);
  Value sixteen = ops.splat(type, int64_t(16)), result;
  for (int64_t k = 0; k < 16; ++k) {
    Value part = ops.load(16, table, ops.index(16 * k));
    SmallVector<int64_t> repeat(width);
    for (int64_t i = 0; i < width; ++i)
      repeat[i] = i % 16;
    Value found = ops.callIntrinsic(
        width == 64 ? "llvm.x86.avx512.pshuf.b.512" : "llvm.x86.avx2.pshuf.b",
        type, {ops.shuffle(part, part, repeat), x});
    result = result ? arith::XOrIOp::create(b, ops.loc, result, found) : found;
    // Below zero it must stay there.
    if (k < 8)
      x = arith::SubIOp::create(b, ops.loc, x, sixteen);
    else if (k < 15)
      x = ops.callIntrinsic("llvm.ssub.sat.v" + std::to_string(width) + "i8",
                            type, {x, sixteen});
  }
  return result;
}

Value X86Target::lookup(OpBuilder &b, Location loc, Value x,
                        Value table) const {
  VectorOps ops(b, loc);
  int64_t width = ops.width(x), whole = 4 * lanes();
  bool permutes = isAVX512() && getInfo().has("avx512vbmi");
  Value result;
  for (int64_t i = 0; i < width; i += whole) {
    int64_t n = std::min(whole, width - i);
    Value part = ops.slice(x, i, n);
    if (n < whole)
      part = ops.insert(part, ops.zero(ops.type(whole, b.getI8Type())), 0);
    part = permutes ? lookupBytes(ops, part, table)
                    : lookupNibbles(ops, part, table);
    part = ops.slice(part, 0, n);
    if (n == width)
      return part;
    if (!result)
      result = ops.zero(ops.typeOf(x));
    result = ops.insert(part, result, i);
  }
  return result;
}

Value X86Target::lookUpFloats(OpBuilder &b, Location loc, Value table,
                              Value numbers) const {
  VectorOps ops(b, loc);
  return ops.callIntrinsic(lanes() == 16 ? "llvm.x86.avx512.permvar.sf.512"
                                         : "llvm.x86.avx2.permps",
                           table.getType(), {table, numbers});
}
