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

/// Sums of the lower halves, with the biases, those of the upper ones, and 8·Σx of
/// each pixel.
KernelTarget::Values X86Target::beginTile(OpBuilder &b, Location loc,
                                          const RegisterTile &tile,
                                          int64_t pixels,
                                          ArrayRef<Value> biases) const {
  Values sums = KernelTarget::beginTile(b, loc, tile, pixels, biases);
  if (tile.form == SplitNibbles) {
    VectorOps ops(b, loc);
    sums.append(sums.size() + pixels, ops.zero(ops.typeOf(biases.front())));
  }
  return sums;
}

KernelTarget::Values X86Target::finishTile(OpBuilder &b, Location loc,
                                           const RegisterTile &tile,
                                           int64_t pixels,
                                           ValueRange sums) const {
  if (tile.form != SplitNibbles)
    return KernelTarget::finishTile(b, loc, tile, pixels, sums);
  VectorOps ops(b, loc);
  Values results;
  int64_t count = (sums.size() - pixels) / 2;
  for (int64_t i = 0; i < count; ++i) {
    Value lower = arith::SubIOp::create(b, loc, sums[i],
                                        sums[2 * count + i % pixels]);
    Value four = ops.splat(ops.typeOf(lower), int64_t(4));
    Value upper = arith::ShRSIOp::create(b, loc, sums[count + i], four);
    results.push_back(arith::AddIOp::create(b, loc, lower, upper));
  }
  return results;
}

KernelTarget::Values X86Target::stepOfSplitNibbles(OpBuilder &b, Location loc,
                                                   const TileStep &step,
                                                   ValueRange sums) const {
  VectorOps ops(b, loc);
  int64_t pixels = step.pixels.size(), count = step.vectors * pixels;
  bool hasUpper = step.depth > step.tile.group;
  Values next(sums);
  auto bytes = ops.type(4 * lanes(), b.getI8Type());
  auto product = [&](Value &sum, Value x, Value w) {
    sum = dot(b, loc, step.operand, sum, x, w);
  };
  Values lower, upper;
  for (int64_t p = 0; p < pixels; ++p) {
    auto load = [&](int64_t i) {
      return loadActivation(b, loc, step.operand, step.activations,
                            ops.add(step.pixels[p], i));
    };
    lower.push_back(load(0));
    if (hasUpper)
      upper.push_back(load(step.tile.group));
    product(next[2 * count + p], lower[p], ops.splat(bytes, int64_t(8)));
  }
  for (int64_t v = 0; v < step.vectors; ++v) {
    Value packed = ops.load(4 * lanes(), step.weights,
                            ops.add(step.weight, 4 * v * lanes()));
    auto masked = [&](int64_t mask) {
      return arith::AndIOp::create(b, loc, packed, ops.splat(bytes, mask));
    };
    Value low = masked(15), high = hasUpper ? masked(-16).getResult() : Value();
    for (int64_t p = 0; p < pixels; ++p) {
      product(next[v * pixels + p], lower[p], low);
      if (hasUpper)
        product(next[count + v * pixels + p], upper[p], high);
    }
  }
  return next;
}
