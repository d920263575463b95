//===- Requantize.cpp - sums to bytes on x86 ------------------------------===//
//
//   fused  vcvtdq2ps, vfmadd, vpsubd; four registers of that through vpackssdw
//          and vpackuswb, whose saturation is the clamp; one alone through
//          vpmaxsd and vpminsd
//   wide   vpmuldq to 64 bits, vpsraq (which AVX2 makes of other shifts)
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"
#include "dyadic/Target/Requantize.h"

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

Value X86Target::packBytes(OpBuilder &b, Location loc, ArrayRef<Value> words,
                           int64_t valid, bool isUnsigned,
                           LaneOrder order) const {
  VectorOps ops(b, loc);
  auto pack = [&](StringRef form, Type element, int64_t count, Value x, Value y) {
    std::string name =
        isAVX512() ? ("llvm.x86.avx512." + form + ".512").str()
                   : ("llvm.x86.avx2." + form).str();
    return ops.callIntrinsic(name, ops.type(count, element), {x, y});
  };
  int64_t n = words.size();
  auto pair = [&](int64_t i) {
    return pack("packssdw", b.getI16Type(), 2 * lanes(), words[std::min(i, n - 1)],
                words[std::min(i + 1, n - 1)]);
  };
  Value low = pair(0), high = n > 2 ? pair(2) : low;
  Value bytes = pack(isUnsigned ? "packuswb" : "packsswb", b.getI8Type(),
                     4 * lanes(), low, high);
  if (order == LaneOrder::Interleaved)
    return bytes;
  SmallVector<int64_t> from;
  for (int64_t j = 0; j < n; ++j)
    for (int64_t lane = 0; lane < valid; ++lane)
      from.push_back(interleavedChannel(j, lane));
  return ops.shuffle(bytes, bytes, from);
}
