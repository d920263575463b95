//===- Depthwise.cpp - interleaved taps on x86 ----------------------------===//
//
//   VNNI         four taps in a lane, vpdpbusd. With VBMI one vpermt2b for each
//                register of 16 channels; otherwise vpunpck on four registers'
//                worth of channels, whose order packing undoes
//   AVX2         two taps, extended to 16 bits by vpunpck with zero; vpmaddwd
//
// Signed activations are made unsigned by 128 more, which the biases make up
// for. Sums of two tensors interleave their elements in the same way.
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

DepthwiseTile X86Target::chooseDepthwise(const DepthwiseShape &shape) const {
  if (shape.operand == OperandKind::F32)
    return KernelTarget::chooseDepthwise(shape);
  bool permutes = isAVX512() && getInfo().has("avx512vbmi");
  DepthwiseTile tile;
  tile.pixels = std::min<int64_t>(shape.columns, 4);
  tile.channels = (permutes ? 2 : 4) * lanes();
  tile.activationOffset = shape.operand == OperandKind::I8 ? -128 : 0;
  tile.taps = hasDot() ? 4 : 2;
  tile.order = permutes ? LaneOrder::Natural : LaneOrder::Interleaved;
  return tile;
}

Value x86::unpack(VectorOps &ops, Value x, Value y, bool upper, int64_t size) {
  SmallVector<int64_t> from;
  int64_t width = ops.width(x);
  for (int64_t part = 0; part < width; part += 16)
    for (int64_t i = 0; i < 8; i += size)
      for (int64_t source : {int64_t(0), width})
        for (int64_t j = 0; j < size; ++j)
          from.push_back(source + part + (upper ? 8 : 0) + i + j);
  return ops.shuffle(x, y, from);
}

/// Vectors side by side.
static Value join(VectorOps &ops, Value x, Value y) {
  SmallVector<int64_t> from(2 * ops.width(x));
  for (int64_t i = 0, e = from.size(); i < e; ++i)
    from[i] = i;
  return ops.shuffle(x, y, from);
}

KernelTarget::Values X86Target::interleave(OpBuilder &b, Location loc,
                                           OperandKind kind,
                                           ArrayRef<Value> taps,
                                           LaneOrder order) const {
  VectorOps ops(b, loc);
  Values rows(taps);
  if (kind == OperandKind::I8)
    for (auto [row, tap] : llvm::zip(rows, taps))
      row = arith::XOrIOp::create(b, loc, tap,
                                  ops.splat(ops.typeOf(tap), int64_t(-128)));
  Values result;
  if (order == LaneOrder::Interleaved) {
    Value zero = ops.zero(ops.typeOf(rows[0]));
    for (bool upper : {false, true}) {
      Value low = unpack(ops, rows[0], rows[1], upper, 1);
      Value high = rows.size() == 2 ? zero : unpack(ops, rows[2], rows[3], upper, 1);
      int64_t size = rows.size() == 2 ? 1 : 2;
      result.push_back(unpack(ops, low, high, false, size));
      result.push_back(unpack(ops, low, high, true, size));
    }
    return result;
  }
  int64_t channels = ops.width(rows[0]);
  Value low = join(ops, rows[0], rows[1]), high = join(ops, rows[2], rows[3]);
  for (int64_t first = 0; first < channels; first += lanes()) {
    SmallVector<int64_t> from;
    for (int64_t c = first; c < first + lanes(); ++c)
      for (int64_t tap = 0; tap < 4; ++tap)
        from.push_back(tap * channels + c);
    result.push_back(ops.shuffle(low, high, from));
  }
  return result;
}

Value X86Target::dotInterleaved(OpBuilder &b, Location loc, OperandKind,
                                Value acc, Value x, Value w) const {
  VectorOps ops(b, loc);
  if (hasDot())
    return dotBytes(b, loc, acc, x, w);
  Type i16 = b.getI16Type();
  Value sum = ops.callIntrinsic(
      "llvm.x86.avx2.pmadd.wd", acc.getType(),
      {ops.bitcast(2 * lanes(), i16, x), ops.bitcast(2 * lanes(), i16, w)});
  return arith::AddIOp::create(b, loc, acc, sum);
}

/// The unsigned bytes of x and y as neighbouring 16-bit lanes: four registers in
/// interleaved order.
static KernelTarget::Values pairWords(VectorOps &ops, Value x, Value y) {
  Value zero = ops.zero(ops.typeOf(x));
  KernelTarget::Values words;
  for (bool upper : {false, true}) {
    Value pairs = unpack(ops, x, y, upper, 1);
    for (bool half : {false, true})
      words.push_back(ops.bitcast(ops.width(x) / 2, ops.b.getI16Type(),
                                  unpack(ops, pairs, zero, half, 1)));
  }
  return words;
}

/// even · 2^0 + odd · 2^16: neighbouring 16-bit lanes.
static Value splatPair(VectorOps &ops, int64_t lanes, int64_t even, int64_t odd) {
  uint32_t bits = uint32_t(odd) << 16 | (uint32_t(even) & 0xffff);
  return ops.bitcast(2 * lanes, ops.b.getI16Type(),
                     ops.splat(ops.type(lanes, ops.b.getI32Type()),
                               int64_t(int32_t(bits))));
}

/// vpmaddwd.
static Value multiplyPairs(VectorOps &ops, int64_t lanes, Value x, Value y) {
  return ops.callIntrinsic(lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512"
                                       : "llvm.x86.avx2.pmadd.wd",
                           ops.type(lanes, ops.b.getI32Type()), {x, y});
}

KernelTarget::Values X86Target::weightedSum(OpBuilder &b, Location loc,
                                            Value lhs, Value rhs,
                                            int64_t lhsFactor,
                                            int64_t rhsFactor,
                                            int64_t constant) const {
  VectorOps ops(b, loc);
  Value factors = splatPair(ops, lanes(), lhsFactor, rhsFactor);
  Value more = ops.splat(ops.type(lanes(), b.getI32Type()), constant);
  Values sums;
  for (Value words : pairWords(ops, lhs, rhs))
    sums.push_back(arith::AddIOp::create(
        b, loc, multiplyPairs(ops, lanes(), words, factors), more));
  return sums;
}

/// Products of unsigned bytes fit 16 bits.
static KernelTarget::Values unsignedProduct(VectorOps &ops, Value x, Value y) {
  Value zero = ops.zero(ops.typeOf(x));
  Type i16 = ops.b.getI16Type();
  KernelTarget::Values products;
  for (bool upper : {false, true}) {
    auto words = [&](Value bytes) {
      return ops.bitcast(ops.width(x) / 2, i16, unpack(ops, bytes, zero, upper, 1));
    };
    Value product = ops.bitcast(
        ops.width(x), ops.b.getI8Type(),
        arith::MulIOp::create(ops.b, ops.loc, words(x), words(y)));
    for (bool half : {false, true})
      products.push_back(ops.bitcast(ops.width(x) / 4, ops.b.getI32Type(),
                                     unpack(ops, product, zero, half, 2)));
  }
  return products;
}

KernelTarget::Values X86Target::productOf(OpBuilder &b, Location loc, Value lhs,
                                          Value rhs, int64_t lhsZp,
                                          int64_t rhsZp) const {
  VectorOps ops(b, loc);
  if (!lhsZp && !rhsZp)
    return unsignedProduct(ops, lhs, rhs);
  // lhs · y + lhsZp · −y, with y = rhs − rhsZp.
  Value zp = ops.splat(ops.typeOf(lhs), lhsZp);
  Value minus = splatPair(ops, lanes(), rhsZp, -rhsZp);
  Value signs = splatPair(ops, lanes(), 1, -1);
  Values sums;
  for (auto [x, y] :
       llvm::zip(pairWords(ops, lhs, zp), pairWords(ops, rhs, rhs))) {
    Value signedY = arith::SubIOp::create(
        b, loc, arith::MulIOp::create(b, loc, y, signs), minus);
    sums.push_back(multiplyPairs(ops, lanes(), x, signedY));
  }
  return sums;
}
