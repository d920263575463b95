//===- DotProduct.cpp - products on ARM64 ---------------------------------===//
//
// What a step of 16 products does, a register of activations a pixel loaded
// once:
//
//   Elements  sdot/usdot  acc.4s, w.16b, x.4b[i]: four columns × four products
//             fmla        acc.4s, w.4s, x.s[i]
//   Matrices  (us)mmla    acc.4s, x.16b, w.16b: 2 pixels × 2 columns × 8
//   Pairs     smull t.8h, x.8b, w.8b; smlal2 t.8h, x.16b, w.16b; sadalp acc, t
//
// sdot and smull take signed activations: unsigned ones are x − 128 there (the
// same as x ^ 0x80 read as signed), and the biases have 128·Σw more.
// Pairs are exact: |x·w| ≤ 128·127, and twice that is below 2^15. A weight of
// −128 would break it: then each product is added by itself.
//
//===----------------------------------------------------------------------===//
#include "ARM.h"

#include "../VectorOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::arm;

namespace {
/// The instructions, at one place.
class NEON : public VectorOps {
public:
  using VectorOps::VectorOps;

  Type i8() { return b.getI8Type(); }
  VectorType bytes() { return type(16, i8()); }
  VectorType words() { return type(4, b.getI32Type()); }

  /// `count` ≤ 16 bytes with zeros behind them, in as few loads as read nothing
  /// else.
  Value loadBytes(int64_t count, Value memref, Value at) {
    if (count == 16)
      return load(16, memref, at);
    Value result = zero(bytes());
    for (int64_t begin = 0; begin < count;) {
      int64_t size = llvm::bit_floor(uint64_t(count - begin));
      Type element = b.getIntegerType(8 * size);
      Value part = bitcast(1, element, load(size, memref, add(at, begin)));
      // Sizes fall, so that each part lies at a multiple of its own.
      Value lanes = bitcast(16 / size, element, result);
      result = bitcast(16, i8(), insert(part, lanes, begin / size));
      begin += size;
    }
    return result;
  }

  /// x − 128 as signed bytes.
  Value toSigned(Value x) {
    return arith::XOrIOp::create(b, loc, x, splat(typeOf(x), int64_t(-128)));
  }

  /// 16 times the signed numbers in the lower or upper halves of bytes.
  Value sixteenTimes(Value packed, bool upper) {
    if (upper)
      return arith::AndIOp::create(b, loc, packed, splat(bytes(), int64_t(-16)));
    return arith::ShLIOp::create(b, loc, packed, splat(bytes(), int64_t(4)));
  }
  /// The entries of a table of 16 that they number.
  Value entries(Value packed, bool upper, ArrayRef<int8_t> table) {
    Value number =
        upper ? arith::ShRUIOp::create(b, loc, packed, splat(bytes(), int64_t(4)))
                    .getResult()
              : arith::AndIOp::create(b, loc, packed, splat(bytes(), int64_t(15)))
                    .getResult();
    Value all = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(bytes(), table));
    return callIntrinsic("llvm.aarch64.neon.tbl1.v16i8", bytes(), {all, number});
  }

  /// Lane `i` of four, in all of them.
  Value element(Value x, int64_t i) {
    return shuffle(x, x, {i, i, i, i});
  }
  /// acc + the products of four groups of four bytes with the i-th group of x.
  Value dot(bool mixed, Value acc, Value w, Value x, int64_t i) {
    Value group = bitcast(
        16, i8(), element(bitcast(4, b.getI32Type(), x), i));
    return mixed ? callIntrinsic("llvm.aarch64.neon.usdot.v4i32.v16i8", words(),
                                 {acc, group, w})
                 : callIntrinsic("llvm.aarch64.neon.sdot.v4i32.v16i8", words(),
                                 {acc, w, group});
  }
  Value matrix(bool mixed, Value acc, Value x, Value w) {
    return callIntrinsic(mixed ? "llvm.aarch64.neon.usmmla.v4i32.v16i8"
                               : "llvm.aarch64.neon.smmla.v4i32.v16i8",
                         words(), {acc, x, w});
  }
  /// The products of signed bytes as 16-bit lanes.
  Value products(Value x, Value w) {
    Type i16 = b.getI16Type();
    return arith::MulIOp::create(b, loc, extend(x, i16, false),
                                 extend(w, i16, false));
  }
  /// acc + sums of neighbouring 16-bit lanes.
  Value addPairs(Value acc, Value x) {
    Value sums = callIntrinsic("llvm.aarch64.neon.saddlp.v4i32.v8i16", words(), x);
    return arith::AddIOp::create(b, loc, acc, sums);
  }
  /// [x0+x1, x2+x3, y0+y1, y2+y3]
  Value addNeighbours(Value x, Value y) {
    return callIntrinsic("llvm.aarch64.neon.addp.v4i32", words(), {x, y});
  }
};

/// One step of a tile, in each form.
class Step {
public:
  Step(OpBuilder &b, Location loc, const TileStep &step, ValueRange sums)
      : neon(b, loc), step(step), sums(sums),
        count(step.pixels.size()), columns(4 * step.vectors) {}

  /// Sums of pixel p and vector v are number v · count + p.
  KernelTarget::Values elements() {
    for (int64_t p = 0; p < count; ++p)
      activations.push_back(loadActivations(p));
    bool mixed = step.operand == OperandKind::U8 && !step.tile.activationOffset;
    for (int64_t i = 0; i < int64_t(llvm::divideCeil(step.depth, 4)); ++i)
      for (int64_t v = 0; v < step.vectors; ++v) {
        Value w = isPacked()
                      ? loadNibbles(4 * (i / 2 * columns + 4 * v), i % 2)
                      : loadWeights(4 * (i * columns + 4 * v));
        for (int64_t p = 0; p < count; ++p) {
          Value &sum = sums[v * count + p];
          sum = neon.dot(mixed, sum, w, activations[p], i);
        }
      }
    return sums;
  }

  KernelTarget::Values floats() {
    for (int64_t p = 0; p < count; ++p) {
      Value x = neon.load(step.depth, step.activations, step.pixels[p]);
      activations.push_back(
          step.depth == 4
              ? x
              : neon.insert(x, neon.zero(neon.type(4, neon.b.getF32Type())), 0));
    }
    for (int64_t i = 0; i < step.depth; ++i)
      for (int64_t v = 0; v < step.vectors; ++v) {
        Value w = neon.load(4, step.weights,
                            neon.add(step.weight, i * columns + 4 * v));
        for (int64_t p = 0; p < count; ++p) {
          Value &sum = sums[v * count + p];
          sum = neon.fma(neon.element(activations[p], i), w, sum);
        }
      }
    return sums;
  }

  /// Sums of pixels 2q, 2q + 1 and columns 2c, 2c + 1 are number
  /// c · pairs + q. The last pixel of an odd number is its own neighbour.
  KernelTarget::Values matrices() {
    int64_t pairs = llvm::divideCeil(count, 2);
    bool mixed = step.operand == OperandKind::U8;
    SmallVector<int64_t> halves[2];
    for (int64_t lane = 0; lane < 16; ++lane)
      for (int64_t half : {0, 1}) // zip1 and zip2 of 64-bit lanes
        halves[half].push_back(lane % 8 + 8 * half + (lane < 8 ? 0 : 16));
    for (int64_t p = 0; p < count; ++p)
      activations.push_back(loadActivations(p));
    for (int64_t half = 0; 8 * half < step.depth; ++half) {
      KernelTarget::Values both;
      for (int64_t q = 0; q < pairs; ++q)
        both.push_back(neon.shuffle(activations[2 * q],
                                    activations[std::min(2 * q + 1, count - 1)],
                                    halves[half]));
      for (int64_t c = 0; c < columns / 2; ++c) {
        Value w = isPacked() ? loadNibbles(16 * c, half)
                             : loadWeights(8 * half * columns + 16 * c);
        for (int64_t q = 0; q < pairs; ++q) {
          Value &sum = sums[c * pairs + q];
          sum = neon.matrix(mixed, sum, both[q], w);
        }
      }
    }
    return sums;
  }

  /// Sums of pixel p and column c are number c · count + p.
  KernelTarget::Values pairs() {
    for (int64_t p = 0; p < count; ++p)
      activations.push_back(loadActivations(p));
    for (int64_t c = 0; c < columns; ++c) {
      Value w = loadWeights(16 * c);
      for (int64_t p = 0; p < count; ++p) {
        Value &sum = sums[c * count + p], x = activations[p];
        Value products = neon.products(neon.slice(x, 0, 8), neon.slice(w, 0, 8));
        if (step.depth > 8) {
          Value more = neon.products(neon.slice(x, 8, 8), neon.slice(w, 8, 8));
          if (step.fullRangeWeights)
            sum = neon.addPairs(sum, more);
          else
            products =
                arith::AddIOp::create(neon.b, neon.loc, products, more);
        }
        sum = neon.addPairs(sum, products);
      }
    }
    return sums;
  }

private:
  /// A register of a pixel's activations.
  Value loadActivations(int64_t pixel) {
    Value x = neon.loadBytes(step.depth, step.activations, step.pixels[pixel]);
    return step.tile.activationOffset ? neon.toSigned(x) : x;
  }
  Value loadWeights(int64_t offset) {
    return neon.load(16, step.weights, neon.add(step.weight, offset));
  }

  bool isPacked() const { return !step.nibbles.empty(); }
  /// Weights of four bits: the lower or upper halves of a register of bytes.
  Value loadNibbles(int64_t offset, int64_t half) {
    Value packed = loadWeights(offset);
    return step.tile.weightShift ? neon.sixteenTimes(packed, half)
                                 : neon.entries(packed, half, step.nibbles);
  }

  NEON neon;
  const TileStep &step;
  KernelTarget::Values sums, activations;
  int64_t count, columns;
};
} // namespace

KernelTarget::Values ARMTarget::beginTile(OpBuilder &b, Location loc,
                                          const RegisterTile &tile,
                                          int64_t pixels,
                                          ArrayRef<Value> biases) const {
  NEON neon(b, loc);
  Values sums;
  switch (tile.form) {
  case Matrices:
    for (Value bias : biases) {
      int64_t pairs = llvm::divideCeil(pixels, 2);
      sums.append(pairs, neon.shuffle(bias, bias, {0, 1, 0, 1}));
      sums.append(pairs, neon.shuffle(bias, bias, {2, 3, 2, 3}));
    }
    return sums;
  case Pairs:
    for (Value bias : biases)
      for (int64_t column = 0; column < 4; ++column)
        sums.append(pixels, neon.shuffle(bias, neon.zero(neon.words()),
                                         {column, 4, 4, 4}));
    return sums;
  default:
    return KernelTarget::beginTile(b, loc, tile, pixels, biases);
  }
}

KernelTarget::Values ARMTarget::step(OpBuilder &b, Location loc,
                                     const TileStep &step,
                                     ValueRange sums) const {
  Step one(b, loc, step, sums);
  if (step.operand == OperandKind::F32)
    return one.floats();
  return step.tile.form == Matrices ? one.matrices()
         : step.tile.form == Pairs  ? one.pairs()
                                    : one.elements();
}

KernelTarget::Values ARMTarget::finishTile(OpBuilder &b, Location loc,
                                           const RegisterTile &tile,
                                           int64_t pixels,
                                           ValueRange sums) const {
  NEON neon(b, loc);
  Values results;
  if (tile.form == Matrices) {
    // [p0c0 p0c1 p1c0 p1c1] and [p0c2 p0c3 p1c2 p1c3]
    int64_t pairs = llvm::divideCeil(pixels, 2);
    for (int64_t first = 0; first < int64_t(sums.size()); first += 2 * pairs)
      for (int64_t p = 0; p < pixels; ++p) {
        int64_t low = p % 2 ? 2 : 0, at = first + p / 2;
        results.push_back(neon.shuffle(sums[at], sums[at + pairs],
                                       {low, low + 1, low + 4, low + 5}));
      }
    return results;
  }
  if (tile.form == Pairs) {
    for (int64_t first = 0; first < int64_t(sums.size()); first += 4 * pixels)
      for (int64_t p = first; p < first + pixels; ++p)
        results.push_back(neon.addNeighbours(
            neon.addNeighbours(sums[p], sums[p + pixels]),
            neon.addNeighbours(sums[p + 2 * pixels], sums[p + 3 * pixels])));
    return results;
  }
  return KernelTarget::finishTile(b, loc, tile, pixels, sums);
}

Value ARMTarget::multiplyAdd(OpBuilder &b, Location loc, OperandKind kind,
                             Value acc, Value x, Value w) const {
  NEON neon(b, loc);
  if (kind == OperandKind::F32)
    return neon.fma(x, w, acc);
  // The values fit 16 bits, which makes it smlal.
  auto narrow = neon.typeOf(acc).clone(b.getI16Type());
  auto halves = [&](Value lanes) -> Value {
    Value half = arith::TruncIOp::create(b, loc, narrow, lanes);
    return arith::ExtSIOp::create(b, loc, neon.typeOf(acc), half);
  };
  Value product = arith::MulIOp::create(b, loc, halves(x), halves(w));
  return arith::AddIOp::create(b, loc, acc, product);
}

Value ARMTarget::sumProducts(OpBuilder &b, Location loc, OperandKind kind,
                             Value acc, ArrayRef<Value> x, ArrayRef<Value> w,
                             bool fullRangeWeights) const {
  if (kind == OperandKind::F32)
    return KernelTarget::sumProducts(b, loc, kind, acc, x, w, fullRangeWeights);
  // Two products fit 16 bits: smull, smlal, saddw.
  NEON neon(b, loc);
  auto add = [&](Value products) {
    acc = arith::AddIOp::create(
        b, loc, acc, neon.extend(products, b.getI32Type(), false));
  };
  auto product = [&](size_t i) {
    Value bytes = kind == OperandKind::U8 ? neon.toSigned(x[i]) : x[i];
    return neon.products(bytes, w[i]);
  };
  Value first;
  for (size_t i = 0; i < x.size(); ++i) {
    Value products = product(i);
    if (fullRangeWeights)
      add(products);
    else if (!first)
      first = products;
    else {
      add(arith::AddIOp::create(b, loc, first, products));
      first = {};
    }
  }
  if (first)
    add(first);
  return acc;
}

Value ARMTarget::lookup(OpBuilder &b, Location loc, Value x,
                        Value table) const {
  // Four tables of 64 bytes; tbx leaves lanes alone whose index is beyond its
  // table, and the first tbl gives zero there.
  NEON neon(b, loc);
  int64_t width = neon.width(x);
  Value result = neon.zero(neon.typeOf(x));
  SmallVector<Value> registers;
  for (int64_t i = 0; i < 16; ++i)
    registers.push_back(neon.load(16, table, neon.index(16 * i)));
  for (int64_t begin = 0; begin < width; begin += 16) {
    int64_t size = std::min<int64_t>(16, width - begin);
    Value part = neon.slice(x, begin, size);
    if (size < 16)
      part = neon.insert(part, neon.zero(neon.bytes()), 0);
    Value found;
    for (int64_t t = 0; t < 4; ++t) {
      SmallVector<Value> operands(registers.begin() + 4 * t,
                                  registers.begin() + 4 * t + 4);
      Value offset = neon.splat(neon.bytes(), int64_t(int8_t(64 * t)));
      operands.push_back(t ? arith::SubIOp::create(b, loc, part, offset)
                           : part);
      if (found)
        operands.insert(operands.begin(), found);
      found = neon.callIntrinsic(found ? "llvm.aarch64.neon.tbx4.v16i8"
                                       : "llvm.aarch64.neon.tbl4.v16i8",
                                 neon.bytes(), operands);
    }
    result = neon.insert(neon.slice(found, 0, size), result, begin);
  }
  return result;
}
