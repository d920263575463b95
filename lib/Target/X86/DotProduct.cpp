//===- DotProduct.cpp - products on x86 -----------------------------------===//
//
//   F32            vbroadcastss, vfmadd
//   U8, VNNI       vpbroadcastd of 4 bytes, vpdpbusd
//   otherwise      the same bytes, split into the 16-bit lanes of even and odd
//                  positions, vpmaddwd, vpaddd: exact, where the saturating
//                  vpmaddubsw isn't
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

bool X86Target::usesVNNI(OperandKind kind) const {
  return kind == OperandKind::U8 && isAVX512();
}

Value X86Target::loadActivation(OpBuilder &b, Location loc, OperandKind kind,
                                Value memref, Value index) const {
  VectorOps ops(b, loc);
  if (kind == OperandKind::F32)
    return ops.broadcast(lanes(), ops.load(1, memref, index));
  Value word = ops.bitcast(1, b.getI32Type(), ops.load(4, memref, index));
  return ops.bitcast(4 * lanes(), b.getI8Type(), ops.broadcast(lanes(), word));
}

/// vpmaddwd and vpaddd on i16 pairs.
static Value multiplyAddPairs(VectorOps &ops, int64_t lanes, Value acc, Value x,
                              Value w) {
  StringRef name = lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512"
                               : "llvm.x86.avx2.pmadd.wd";
  Value sums = ops.callIntrinsic(name, acc.getType(), {x, w});
  return arith::AddIOp::create(ops.b, ops.loc, acc, sums);
}

/// Bytes as 16-bit lanes: those at even positions, and those at odd ones.
static std::pair<Value, Value> widenBytes(VectorOps &ops, Value bytes,
                                          bool isUnsigned) {
  OpBuilder &b = ops.b;
  Location loc = ops.loc;
  Value words = ops.bitcast(ops.width(bytes) / 2, b.getI16Type(), bytes);
  Value eight = ops.splat(ops.typeOf(words), int64_t(8));
  Value up = arith::ShLIOp::create(b, loc, words, eight);
  if (isUnsigned)
    return {arith::ShRUIOp::create(b, loc, up, eight),
            arith::ShRUIOp::create(b, loc, words, eight)};
  return {arith::ShRSIOp::create(b, loc, up, eight),
          arith::ShRSIOp::create(b, loc, words, eight)};
}

static constexpr StringRef kDpbusd = "llvm.x86.avx512.vpdpbusd.512";

Value X86Target::dot(OpBuilder &b, Location loc, OperandKind kind, Value acc,
                     Value activation, Value weights) const {
  VectorOps ops(b, loc);
  if (kind == OperandKind::F32)
    return ops.fma(activation, weights, acc);
  if (usesVNNI(kind))
    return ops.callIntrinsic(kDpbusd, acc.getType(), {acc, activation, weights});
  auto [evenX, oddX] = widenBytes(ops, activation, kind == OperandKind::U8);
  auto [evenW, oddW] = widenBytes(ops, weights, /*isUnsigned=*/false);
  acc = multiplyAddPairs(ops, lanes(), acc, evenX, evenW);
  return multiplyAddPairs(ops, lanes(), acc, oddX, oddW);
}

Value X86Target::multiplyAdd(OpBuilder &b, Location loc, OperandKind kind,
                             Value acc, Value x, Value w) const {
  VectorOps ops(b, loc);
  if (kind == OperandKind::F32)
    return ops.fma(x, w, acc);
  // Each lane is one product: the upper bytes of an unsigned x are zero, those
  // of a signed one meet a weight whose upper half is cleared.
  if (usesVNNI(kind)) {
    Type i8 = b.getI8Type();
    return ops.callIntrinsic(kDpbusd, acc.getType(),
                             {acc, ops.bitcast(4 * lanes(), i8, x),
                              ops.bitcast(4 * lanes(), i8, w)});
  }
  if (kind == OperandKind::I8)
    w = arith::AndIOp::create(b, loc, w,
                              ops.splat(ops.typeOf(w), int64_t(0xffff)));
  Type i16 = b.getI16Type();
  return multiplyAddPairs(ops, lanes(), acc, ops.bitcast(2 * lanes(), i16, x),
                          ops.bitcast(2 * lanes(), i16, w));
}

Value X86Target::lookup(OpBuilder &b, Location loc, Value x,
                        Value table) const {
  VectorOps ops(b, loc);
  int64_t width = ops.width(x);
  if (!getInfo().has("avx512vbmi") || width % 64)
    return {};
  // vpermi2b reads 128 entries with bits 0–6 of the index; bit 7 chooses.
  auto zmm = ops.type(64, b.getI8Type());
  SmallVector<Value> quarter;
  for (int64_t i = 0; i < 4; ++i)
    quarter.push_back(ops.load(64, table, ops.index(64 * i)));
  Value zero = ops.zero(zmm), result = ops.zero(ops.typeOf(x));
  for (int64_t i = 0; i < width; i += 64) {
    Value part = ops.slice(x, i, 64);
    auto permute = [&](Value low, Value high) {
      return ops.callIntrinsic("llvm.x86.avx512.vpermi2var.qi.512", zmm,
                               {low, part, high});
    };
    Value upper = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, part,
                                        zero);
    Value value = arith::SelectOp::create(b, loc, upper,
                                          permute(quarter[2], quarter[3]),
                                          permute(quarter[0], quarter[1]));
    result = ops.insert(value, result, i);
  }
  return result;
}
