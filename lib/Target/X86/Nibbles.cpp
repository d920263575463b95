//===- Nibbles.cpp - weights of four bits on x86 --------------------------===//
//
//   numbers   16·w: the upper half where it is, the lower one by vpsllw; vpand
//   codebook  vpermb of a table that is there four times, as it looks at six
//             bits; without it vpand and vpshufb. vpsrlw for the upper half.
//
//===----------------------------------------------------------------------===//
#include "X86.h"

#include "../VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::x86;

std::pair<Value, Value>
X86Target::decodeNibbles(OpBuilder &b, Location loc, Value packed,
                         ArrayRef<int8_t> table, int64_t shift) const {
  VectorOps ops(b, loc);
  VectorType bytes = ops.typeOf(packed);
  int64_t width = bytes.getNumElements();
  Value words = ops.bitcast(width / 2, b.getI16Type(), packed);
  Value four = ops.splat(ops.typeOf(words), int64_t(4));
  auto asBytes = [&](Value words) {
    return ops.bitcast(width, b.getI8Type(), words);
  };
  if (shift == 4) {
    Value mask = ops.splat(bytes, int64_t(-16));
    Value lower = asBytes(arith::ShLIOp::create(b, loc, words, four));
    return {arith::AndIOp::create(b, loc, lower, mask),
            arith::AndIOp::create(b, loc, packed, mask)};
  }
  SmallVector<int8_t> repeated;
  while (static_cast<int64_t>(repeated.size()) < width)
    repeated.append(table.begin(), table.end());
  Value entries = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(repeated)));
  Value mask = ops.splat(bytes, int64_t(15));
  auto entry = [&](Value numbers) {
    if (width == 64 && getInfo().has("avx512vbmi"))
      return ops.callIntrinsic("llvm.x86.avx512.permvar.qi.512", bytes,
                               {entries, numbers});
    numbers = arith::AndIOp::create(b, loc, numbers, mask);
    return ops.callIntrinsic(width == 64 ? "llvm.x86.avx512.pshuf.b.512"
                                         : "llvm.x86.avx2.pshuf.b",
                             bytes, {entries, numbers});
  };
  Value upper = asBytes(arith::ShRUIOp::create(b, loc, words, four));
  return {entry(packed), entry(upper)};
}
