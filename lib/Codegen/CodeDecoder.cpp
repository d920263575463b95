//===- CodeDecoder.cpp ----------------------------------------------------===//
//
// A shift brings one code of each lane to the low end. A table look-up that reads
// nothing but its low bits then is a whole decoding, whatever the values are;
// without such an instruction integers are two shifts and a conversion.
//
//===----------------------------------------------------------------------===//
#include "CodeDecoder.h"

#include "dyadic/Target/KernelTarget.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

CodeDecoder::CodeDecoder(KernelBuilder &k, const CodedGrid &grid)
    : k(k), lookUpSize(k.target.floatTableSize()), bits(grid.bits),
      integers(grid.hasIntegers()), table(grid.values) {
  if (integers) // the negative ones behind
    std::rotate(table.begin(), table.begin() + table.size() / 2, table.end());
  else if (!lookUpSize)
    memory = k.constants<float>(table);
}

int32_t CodeDecoder::pack(int64_t word, int64_t count,
                          function_ref<unsigned(int64_t)> code) const {
  unsigned flip = integers ? 1u << (bits - 1) : 0;
  int64_t firstBit = 32 * word;
  uint32_t packed = 0;
  for (int64_t i = firstBit / bits; i < count && i * bits < firstBit + 32; ++i) {
    uint64_t value = code(i) ^ flip;
    int64_t shift = i * bits - firstBit;
    packed |= static_cast<uint32_t>(shift >= 0 ? value << shift : value >> -shift);
  }
  return static_cast<int32_t>(packed);
}

/// The low bits of each lane of `codes` as a number of `table`.
Value CodeDecoder::lookUp(Value codes) {
  OpBuilder &b = k.b;
  auto type = cast<VectorType>(codes.getType());
  auto floats = type.clone(b.getF32Type());
  int64_t size = table.size();
  if (lookUpSize) {
    // As often as it fits, so that higher bits make no difference.
    auto part = [&](int64_t first) {
      SmallVector<float> entries;
      for (int64_t i = 0; i < lookUpSize; ++i)
        entries.push_back(table[(first + i) % size]);
      Value vector = arith::ConstantOp::create(
          b, k.loc, DenseElementsAttr::get(k.vectorType(lookUpSize, b.getF32Type()),
                                           ArrayRef<float>(entries)));
      return k.target.lookUpFloats(b, k.loc, vector, codes);
    };
    Value result = part(0);
    for (int64_t first = lookUpSize; first < size; first += lookUpSize) {
      Value bit = arith::AndIOp::create(b, k.loc, codes, k.splatInt(type, first));
      Value upper = arith::CmpIOp::create(b, k.loc, arith::CmpIPredicate::ne, bit,
                                          k.splatInt(type, 0));
      result = arith::SelectOp::create(b, k.loc, upper, part(first), result);
    }
    return result;
  }
  Value numbers = arith::AndIOp::create(b, k.loc, codes, k.splatInt(type, size - 1));
  auto mask = type.clone(b.getI1Type());
  return vector::GatherOp::create(b, k.loc, floats, memory, k.index(0), numbers,
                                  k.splatInt(mask, 1), k.splat(floats, 0));
}

Value CodeDecoder::decode(ArrayRef<Value> words, int64_t i) {
  OpBuilder &b = k.b;
  auto type = cast<VectorType>(words.front().getType());
  auto shift = [&](auto op, Value x, int64_t by) -> Value {
    using Op = decltype(op);
    return by ? Op::create(b, k.loc, x, k.splatInt(type, by)).getResult() : x;
  };
  int64_t word = i * bits / 32, low = i * bits % 32,
          left = 32 - low - bits;
  bool looks = !integers || static_cast<int64_t>(table.size()) <= lookUpSize;
  Value codes = words[word];
  if (left < 0) { // the rest is in the next word
    codes = arith::OrIOp::create(
        b, k.loc, shift(arith::ShRUIOp(), codes, low),
        shift(arith::ShLIOp(), words[word + 1], 32 - low));
    low = 0;
    left = 32 - bits;
  }
  if (looks)
    return lookUp(shift(arith::ShRUIOp(), codes, low));
  codes = shift(arith::ShRSIOp(), shift(arith::ShLIOp(), codes, left), 32 - bits);
  return arith::SIToFPOp::create(b, k.loc, type.clone(b.getF32Type()), codes);
}

/// Whether a float is a bf16 number.
static bool isNarrow(float x) { return (llvm::bit_cast<uint32_t>(x) & 0xffff) == 0; }

Value CodeDecoder::storeScales(ArrayRef<float> scales) {
  if (!llvm::all_of(scales, isNarrow))
    return k.weights<float>(scales);
  std::vector<int16_t> halves;
  for (float scale : scales)
    halves.push_back(static_cast<int16_t>(llvm::bit_cast<uint32_t>(scale) >> 16));
  return k.weights<int16_t>(halves);
}

Value CodeDecoder::loadScales(Value scales, Value at, int64_t width) {
  OpBuilder &b = k.b;
  Value scale = k.loadVector(scales, at, width);
  if (cast<MemRefType>(scales.getType()).getElementType().isF32())
    return scale;
  auto ints = k.vectorType(width, b.getI32Type());
  scale = arith::ExtUIOp::create(b, k.loc, ints, scale);
  scale = arith::ShLIOp::create(b, k.loc, scale, k.splatInt(ints, 16));
  return arith::BitcastOp::create(b, k.loc, ints.clone(b.getF32Type()), scale);
}
