//===- Requantize.cpp - sums to bytes on x86 ------------------------------===//
//
//   fused  vcvtdq2ps, vfmadd, vpsubd, then vpmaxsd and vpminsd
//   wide   vpmuldq to 64 bits, vpsraq (which AVX2 makes of other shifts)
//
//===----------------------------------------------------------------------===//
#include "X86.h"

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
