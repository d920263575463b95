//===- DotProduct.cpp - products on x86 -----------------------------------===//
//
//   F32          vbroadcastss, vfmadd
//   BF16         vcvtneps2bf16 of activations, in memory; vpbroadcastd of two,
//                vdpbf16ps
//   VNNI         vpbroadcastd of 4 bytes, vpdpbusd; signed activations had 128
//                added in memory, which the biases make up for
//   Widened      four activations lie as two pairs of 16 bits, those of even
//                positions and those of odd ones: vpbroadcastd of a pair,
//                vpmaddwd with the even or odd bytes of four weights, which a shift
//                or two widen, vpaddd: exact, where the saturating vpmaddubsw isn't
//   windows      transformed activations and weights of 16 bits: vpbroadcastd of two,
//                vpdpwssd, or vpmaddwd and vpaddd
//   otherwise    the bytes, split into the 16-bit lanes of even and odd positions,
//                vpmaddwd, vpaddd
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

Value X86Target::prepare(OpBuilder &b, Location loc, OperandKind kind,
                         const RegisterTile &tile, Value activations) const {
  VectorOps ops(b, loc);
  int64_t width = ops.width(activations);
  if (kind == OperandKind::BF16)
    return arith::TruncFOp::create(b, loc, ops.type(width, b.getBF16Type()),
                                   activations);
  if (tile.form == Widened) {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < width; i += 4)
      order.append({i, i + 2, i + 1, i + 3});
    Value pairs = ops.shuffle(activations, activations, order);
    return ops.extend(pairs, b.getI16Type(), kind == OperandKind::U8);
  }
  // + 128 modulo 256.
  return arith::XOrIOp::create(b, loc, activations,
                               ops.splat(ops.typeOf(activations), int64_t(-128)));
}

Value X86Target::loadActivation(OpBuilder &b, Location loc, OperandKind kind,
                                Value memref, Value index) const {
  VectorOps ops(b, loc);
  if (kind == OperandKind::F32)
    return ops.broadcast(lanes(), ops.load(1, memref, index));
  int64_t group = reductionGroup(kind);
  Value one = ops.load(group, memref, index);
  Value word = ops.bitcast(1, b.getI32Type(), one);
  Value all = ops.bitcast(group * lanes(), ops.typeOf(one).getElementType(),
                          ops.broadcast(lanes(), word));
  if (hasDot() && kind == OperandKind::I8)
    return arith::XOrIOp::create(b, loc, all,
                                 ops.splat(ops.typeOf(all), int64_t(-128)));
  return all;
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

KernelTarget::Values X86Target::step(OpBuilder &b, Location loc,
                                     const TileStep &step,
                                     ValueRange sums) const {
  VectorOps ops(b, loc);
  if (step.tile.prefetch)
    for (int64_t v = 0; v < step.vectors; ++v)
      ops.prefetch(step.weights,
                   ops.add(step.weight, step.tile.prefetch +
                                            step.weightsOf(v * lanes())));
  if (step.tile.form == SplitNibbles)
    return stepOfSplitNibbles(b, loc, step, sums);
  if (step.tile.form == JoinedGroups)
    return stepOfJoinedGroups(b, loc, step, sums);
  if (step.tile.form != Widened) {
    TileStep bytes = step;
    if (step.tile.preparedBytes && !isFloat(step.operand))
      bytes.operand = OperandKind::U8;
    return KernelTarget::step(b, loc, bytes, sums);
  }
  Type i16 = b.getI16Type(), i32 = b.getI32Type();
  int64_t count = step.pixels.size();
  SmallVector<std::pair<Value, Value>> weights; // even and odd ones
  for (int64_t v = 0; v < step.vectors; ++v)
    weights.push_back(widenBytes(
        ops, ops.load(4 * lanes(), step.weights,
                      ops.add(step.weight, step.weightsOf(v * lanes()))),
        /*isUnsigned=*/false));
  Values next(sums);
  // Pixel by pixel: a pair is needed for as many products as there are vectors.
  for (int64_t p = 0; p < count; ++p) {
    auto pair = [&](int64_t first) {
      Value two = ops.load(2, step.activations, ops.add(step.pixels[p], first));
      Value all = ops.broadcast(lanes(), ops.bitcast(1, i32, two));
      return ops.bitcast(2 * lanes(), i16, all);
    };
    Value even = pair(0), odd = pair(2);
    for (auto [v, weight] : llvm::enumerate(weights)) {
      Value &sum = next[v * count + p];
      sum = multiplyAddPairs(ops, lanes(), sum, even, weight.first);
      sum = multiplyAddPairs(ops, lanes(), sum, odd, weight.second);
    }
  }
  return next;
}

Value X86Target::dotBytes(OpBuilder &b, Location loc, Value acc, Value x,
                          Value w) const {
  // The 256-bit form is AVX-VNNI's, too.
  StringRef name = isAVX512() ? "llvm.x86.avx512.vpdpbusd.512"
                              : "llvm.x86.avx512.vpdpbusd.256";
  return VectorOps(b, loc).callIntrinsic(name, acc.getType(), {acc, x, w});
}

Value X86Target::dotPairs(OpBuilder &b, Location loc, Value acc, Value x,
                          Value w) const {
  VectorOps ops(b, loc);
  if (!hasDot())
    return multiplyAddPairs(ops, lanes(), acc, x, w);
  StringRef name = ops.width(acc) == 16 ? "llvm.x86.avx512.vpdpwssd.512"
                                        : "llvm.x86.avx512.vpdpwssd.256";
  return ops.callIntrinsic(name, acc.getType(), {acc, x, w});
}

Value X86Target::dot(OpBuilder &b, Location loc, OperandKind kind, Value acc,
                     Value activation, Value weights) const {
  VectorOps ops(b, loc);
  if (kind == OperandKind::F32)
    return ops.fma(activation, weights, acc);
  if (kind == OperandKind::BF16)
    return ops.callIntrinsic("llvm.x86.avx512bf16.dpbf16ps.512", acc.getType(),
                             {acc, activation, weights});
  if (hasDot())
    return dotBytes(b, loc, acc, activation, weights);
  auto [evenX, oddX] = widenBytes(ops, activation, kind == OperandKind::U8);
  auto [evenW, oddW] = widenBytes(ops, weights, /*isUnsigned=*/false);
  acc = multiplyAddPairs(ops, lanes(), acc, evenX, evenW);
  return multiplyAddPairs(ops, lanes(), acc, oddX, oddW);
}

Value X86Target::multiplyAdd(OpBuilder &b, Location loc, OperandKind, Value acc,
                             Value x, Value w) const {
  // Integers are summed tap by tap (sumProducts) or by step.
  return VectorOps(b, loc).fma(x, w, acc);
}
