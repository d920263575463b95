//===- Gather.cpp ---------------------------------------------------------===//
#include "Gather.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

Gather::Gather(GPUKernelBuilder &k, const Contraction &c, int64_t unit)
    : k(k), c(c), unit(unit) {
  // Every distance that an address may be made of.
  int64_t common = std::gcd(unit, c.length);
  auto distance = [&](int64_t count, int64_t stride) {
    if (count > 1)
      common = std::gcd(common, stride);
  };
  distance(c.images, c.imageStride);
  distance(c.rowsPerImage, c.rowStride);
  distance(c.pixels, c.pixelStride);
  distance(c.groups, c.groupStride);
  for (auto [count, stride] : c.segmentLoops)
    distance(count, stride);
  piece = common;
}

int64_t Gather::segmentDepth() const { return llvm::alignTo(c.length, unit); }

Value Gather::rowBase(Value row) {
  if (c.images * c.rowsPerImage == 1)
    return k.mul(row, c.pixelStride);
  Value pixel = k.rem(row, c.pixels), line = k.div(row, c.pixels);
  Value base = k.mul(pixel, c.pixelStride);
  if (c.images == 1)
    return k.add(base, k.mul(line, c.rowStride));
  Value image = k.div(line, c.rowsPerImage);
  line = k.rem(line, c.rowsPerImage);
  base = k.add(base, k.mul(line, c.rowStride));
  return k.add(base, k.mul(image, c.imageStride));
}

Gather::Place Gather::place(Value at, int64_t bound) {
  if (bound > depth())
    at = k.b.createOrFold<arith::MinUIOp>(k.loc, at, k.index(depth() - unit));
  if (c.segmentLoops.empty())
    return {k.index(0), at};
  Value segment = k.div(at, segmentDepth()),
        within = k.rem(at, segmentDepth());
  Value offset = k.index(0);
  for (size_t i = c.segmentLoops.size(); i-- > 0;) {
    auto [count, stride] = c.segmentLoops[i];
    // The outermost one is what is left.
    Value step = i == 0 ? segment : k.rem(segment, count);
    offset = k.add(offset, k.mul(step, stride));
    if (i > 0)
      segment = k.div(segment, count);
  }
  return {offset, within};
}

Value Gather::pieceIndex(Value base, Place place, int64_t offset) {
  Value within = k.add(place.within, offset);
  if (c.length % unit)
    within = k.b.createOrFold<arith::MinUIOp>(k.loc, within,
                                              k.index(c.length - piece));
  return k.add(k.add(base, place.segment), within);
}

SmallVector<Value> Gather::loadWords(Value base, Place place) {
  auto word = k.vectorType(4, k.b.getI8Type());
  SmallVector<Value> words;
  if (piece >= 4) {
    for (int64_t at = 0; at < unit; at += piece) {
      Value bytes =
          k.loadVector(c.activations, pieceIndex(base, place, at), piece);
      for (int64_t i = 0; i < piece; i += 4)
        words.push_back(piece == 4
                            ? bytes
                            : vector::ExtractStridedSliceOp::create(
                                  k.b, k.loc, bytes, ArrayRef<int64_t>{i},
                                  ArrayRef<int64_t>{4}, ArrayRef<int64_t>{1}));
    }
    return words;
  }
  for (int64_t at = 0; at < unit; at += 4) {
    SmallVector<Value> bytes;
    for (int64_t i = at; i < at + 4; i += piece) {
      Value index = pieceIndex(base, place, i);
      for (int64_t p = 0; p < piece; ++p)
        bytes.push_back(memref::LoadOp::create(k.b, k.loc, c.activations,
                                               k.add(index, p)));
    }
    words.push_back(vector::FromElementsOp::create(k.b, k.loc, word, bytes));
  }
  return words;
}

Value codegen::wordToInt(GPUKernelBuilder &k, Value word) {
  Value one = vector::BitCastOp::create(k.b, k.loc,
                                        k.vectorType(1, k.b.getI32Type()), word);
  return vector::ExtractOp::create(k.b, k.loc, one, 0);
}

Value Gather::loadChunk(Value base, Place place) {
  auto type = k.vectorType(4, k.b.getI32Type());
  if (piece == 16) {
    Value bytes = k.loadVector(c.activations, pieceIndex(base, place, 0), 16);
    return vector::BitCastOp::create(k.b, k.loc, type, bytes);
  }
  SmallVector<Value> words;
  for (Value word : loadWords(base, place))
    words.push_back(wordToInt(k, word));
  return vector::FromElementsOp::create(k.b, k.loc, type, words);
}

Value Gather::loadFloats(Value base, Value at, int64_t bound) {
  Place where = place(at, bound);
  SmallVector<Value> pieces;
  for (int64_t o = 0; o < unit; o += piece)
    pieces.push_back(
        k.loadVector(c.activations, pieceIndex(base, where, o), piece));
  Value loaded = k.concatenate(pieces, unit);
  if (c.length % unit == 0 && bound == depth())
    return loaded;
  Value zero = arith::ConstantOp::create(k.b, k.loc, k.b.getF32FloatAttr(0));
  Value exists = k.less(at, depth());
  SmallVector<Value> elements;
  for (int64_t i = 0; i < unit; ++i) {
    Value inside = arith::AndIOp::create(
        k.b, k.loc, exists, k.less(k.add(where.within, i), c.length));
    Value x = vector::ExtractOp::create(k.b, k.loc, loaded, i);
    elements.push_back(
        arith::SelectOp::create(k.b, k.loc, inside, x, zero));
  }
  return vector::FromElementsOp::create(k.b, k.loc, loaded.getType(), elements);
}

void Gather::copyAsync(Value base, Place place, Value memory, Value offset) {
  for (int64_t at = 0; at < unit; at += piece)
    nvgpu::DeviceAsyncCopyOp::create(
        k.b, k.loc, nvgpu::DeviceAsyncTokenType::get(k.b.getContext()), memory,
        k.add(offset, at), c.activations, pieceIndex(base, place, at),
        k.b.getIndexAttr(piece), /*srcElements=*/Value(),
        piece == 16 ? k.b.getUnitAttr() : UnitAttr());
}

int64_t codegen::wholeWidth(int64_t width, int64_t count) {
  return std::gcd(width, count);
}
