//===- Requantize.cpp - sums to bytes on x86 ------------------------------===//
//
//   fused  vcvtdq2ps, vfmadd; four registers of that through vpsubd, vpackssdw
//          (AVX-512, of 16 bits for sure: vpermt2w) and vpackuswb, whose
//          saturation is the clamp; one alone through vpmaxsd and vpminsd
//   floats vcvtps2dq, vpackssdw, vpackuswb: a register of what is no number is lowest
//   wide   vpmuldq to 64 bits, vpsraq (which AVX2 makes of other shifts)
//   factor vpunpck with zero to 16 bits, vpmulhrsw, vpackuswb
//   gated  the gate's clamp, of ±3 as it is: vrangeps, where AVX2 takes two instructions
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"
#include "dyadic/Target/Requantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

Value X86Target::requantizeFused(OpBuilder &b, Location loc,
                            const FusedRequantize &op) const {
  return emitFusedRequantize(b, loc, op);
}

Value X86Target::requantizeWide(OpBuilder &b, Location loc,
                            const WideRequantize &op) const {
  return emitWideRequantize(b, loc, op);
}

/// The low halves of the words of two registers, in vpackssdw's order.
static Value packHalves(VectorOps &ops, Value x, Value y) {
  int64_t count = 2 * ops.width(x), perLane = 4;
  auto halves = [&](Value words) {
    return ops.bitcast(count, ops.b.getI16Type(), words);
  };
  SmallVector<int64_t> from;
  for (int64_t lane = 0; lane < count / 2; lane += perLane)
    for (int64_t begin : {lane, lane + count / 2})
      for (int64_t i = 0; i < perLane; ++i)
        from.push_back(2 * (begin + i));
  return ops.shuffle(halves(x), halves(y), from);
}

Value X86Target::roundToWords(OpBuilder &b, Location loc, Value x) const {
  VectorOps ops(b, loc);
  VectorType type = ops.type(lanes(), b.getI32Type());
  if (!isAVX512())
    return ops.callIntrinsic("llvm.x86.avx.cvt.ps2dq.256", type, {x});
  auto word = [&](Type integer, int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(integer, value));
  };
  Value allLanes = word(b.getI16Type(), -1), toNearest = word(b.getI32Type(), 8);
  return ops.callIntrinsic("llvm.x86.avx512.mask.cvtps2dq.512", type,
                           {x, ops.zero(type), allLanes, toNearest});
}

Value X86Target::packBytes(OpBuilder &b, Location loc, const BytePack &op) const {
  VectorOps ops(b, loc);
  auto pack = [&](StringRef form, Type element, int64_t count, Value x, Value y) {
    std::string name =
        isAVX512() ? ("llvm.x86.avx512." + form + ".512").str()
                   : ("llvm.x86.avx2." + form).str();
    return ops.callIntrinsic(name, ops.type(count, element), {x, y});
  };
  int64_t n = op.sums.size();
  auto pair = [&](int64_t i) -> Value {
    Value x = op.sums[std::min(i, n - 1)], y = op.sums[std::min(i + 1, n - 1)];
    if (ops.typeOf(x).getElementType().isInteger()) {
      Value halves = pack("packssdw", b.getI16Type(), 2 * lanes(), x, y);
      // Saturated as well: what was no number stays below all bytes.
      VectorType type = ops.typeOf(halves);
      return op.zeroPoint ? ops.callIntrinsic(isAVX512() ? "llvm.sadd.sat.v32i16"
                                                         : "llvm.sadd.sat.v16i16",
                                              type, {halves, ops.splat(type, op.zeroPoint)})
                          : halves;
    }
    if (!isAVX512() || !op.fitHalves)
      return pack("packssdw", b.getI16Type(), 2 * lanes(),
                  readMagic(b, loc, x, op.zeroPoint),
                  readMagic(b, loc, y, op.zeroPoint));
    // One vpermt2w, and what is above the halves need not be taken off.
    Value halves = packHalves(ops, x, y);
    if (!op.zeroPoint)
      return halves;
    return arith::AddIOp::create(b, loc, halves,
                                 ops.splat(ops.typeOf(halves), op.zeroPoint));
  };
  Value low = pair(0), high = n > 2 ? pair(2) : low;
  Value bytes = pack(op.isUnsigned ? "packuswb" : "packsswb", b.getI8Type(),
                     4 * lanes(), low, high);
  if (op.order == LaneOrder::Interleaved)
    return bytes;
  SmallVector<int64_t> from;
  for (int64_t j = 0; j < n; ++j)
    for (int64_t lane = 0; lane < op.valid; ++lane)
      from.push_back(interleavedChannel(j, lane));
  return ops.shuffle(bytes, bytes, from);
}

Value X86Target::multiplyByFactor(OpBuilder &b, Location loc,
                                  const FactorProduct &op) const {
  VectorOps ops(b, loc);
  FactorProduct bytes = op;
  if (!op.isUnsigned) {
    bytes.x = arith::XOrIOp::create(b, loc, op.x,
                                    ops.splat(ops.typeOf(op.x), int64_t(-128)));
    bytes.inputZp += 128;
  }
  Value zero = ops.zero(ops.typeOf(bytes.x)), halves[2];
  int64_t count = 4 * lanes();
  for (bool upper : {false, true}) {
    // vpunpck's order, which packing undoes.
    SmallVector<int64_t> from;
    for (int64_t part = 0; part < count; part += 16)
      for (int64_t i = 0; i < 8; ++i)
        from.push_back(part + (upper ? 8 : 0) + i);
    Value words = ops.bitcast(count / 2, b.getI16Type(),
                              unpack(ops, bytes.x, zero, upper, 1));
    halves[upper] = emitFactorProduct(
        b, loc, words, ops.shuffle(op.factor, op.factor, from), bytes,
        isAVX512() ? "llvm.x86.avx512.pmul.hr.sw.512" : "llvm.x86.avx2.pmul.hr.sw");
  }
  std::string pack = op.resultIsUnsigned ? "packuswb" : "packsswb";
  return ops.callIntrinsic(isAVX512() ? "llvm.x86.avx512." + pack + ".512"
                                      : "llvm.x86.avx2." + pack,
                           ops.typeOf(bytes.x), {halves[0], halves[1]});
}

Value X86Target::clampMagnitude(OpBuilder &b, Location loc, Value x, double bound) const {
  if (!isAVX512())
    return {};
  VectorOps ops(b, loc);
  VectorType type = ops.typeOf(x);
  auto word = [&](Type integer, int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(integer, value));
  };
  // The smaller magnitude, with the sign of the first operand; rounding is the mode's.
  Value smaller = word(b.getI32Type(), 0b0010), mode = word(b.getI32Type(), 4);
  return ops.callIntrinsic("llvm.x86.avx512.mask.range.ps.512", type,
                           {x, ops.splat(type, bound), smaller, ops.zero(type),
                            word(b.getI16Type(), -1), mode});
}
