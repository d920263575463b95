//===- CodedTable.cpp -----------------------------------------------------===//
#include "CodedTable.h"

#include "dyadic/Target/KernelTarget.h"
#include "dyadic/Target/Target.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

bool CodedTable::suits(const KernelBuilder &k, const CodedGrid &grid) {
  return !k.target.getInfo().target->isGPU() &&
         (grid.groups() == 1 || grid.group % k.target.lanes() == 0);
}

CodedTable::CodedTable(KernelBuilder &k, const CodedWeights &weights)
    : grid(weights.grid), k(k), lanes(k.target.lanes()), decoder(k, grid),
      wordsPerRow(decoder.words(llvm::divideCeil(grid.depth, lanes))) {
  std::vector<int32_t> packed;
  int64_t perUnit = decoder.codesPerUnit(), unitWords = decoder.wordsPerUnit();
  for (int64_t row = 0; row < grid.channels; ++row)
    for (int64_t word = 0; word < wordsPerRow; ++word)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        int64_t first = word / unitWords * perUnit * lanes + lane;
        packed.push_back(decoder.pack(word % unitWords, perUnit, [&](int64_t i) {
          int64_t at = first + i * lanes;
          return at < grid.depth ? weights.codes[row * grid.depth + at] : 0;
        }));
      }
  words = k.weights<int32_t>(packed);
  scales = decoder.storeScales(grid.scales);
  if (!grid.zeros.empty())
    zeros = k.weights<int8_t>(grid.zeros);
}

void CodedTable::forVectors(Value row, Value start, int64_t width,
                            function_ref<void(int64_t, Value)> body) {
  OpBuilder &b = k.b;
  auto floats = k.vectorType(lanes, b.getF32Type());
  int64_t count = llvm::divideCeil(width, lanes);
  Value unit = b.createOrFold<arith::DivUIOp>(k.loc, start, k.index(pieceWidth()));
  Value first = k.mul(k.add(k.mul(row, wordsPerRow),
                            k.mul(unit, decoder.wordsPerUnit())),
                      lanes);
  SmallVector<Value> loaded;
  for (int64_t w = 0; w * 32 < count * int64_t(grid.bits); ++w)
    loaded.push_back(k.loadVector(words, k.add(first, w * lanes), lanes));
  for (int64_t i = 0; i < count; ++i) {
    Value at = k.index(0);
    if (grid.scales.size() > 1)
      at = k.add(k.mul(row, grid.groups()),
                 b.createOrFold<arith::DivUIOp>(k.loc, k.add(start, i * lanes),
                                                k.index(grid.group)));
    auto everywhere = [&](Value one) {
      return vector::BroadcastOp::create(
          b, k.loc, floats, vector::ExtractOp::create(b, k.loc, one, ArrayRef<int64_t>{0}));
    };
    Value value = decoder.decode(loaded, i);
    if (zeros)
      value = arith::SubFOp::create(
          b, k.loc, value,
          everywhere(arith::SIToFPOp::create(b, k.loc, k.vectorType(1, b.getF32Type()),
                                             k.loadVector(zeros, at, 1))));
    value = arith::MulFOp::create(b, k.loc, value,
                                  everywhere(decoder.loadScales(scales, at, 1)));
    if (int64_t left = width - i * lanes; left < lanes)
      value = vector::ExtractStridedSliceOp::create(
          b, k.loc, value, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{left},
          ArrayRef<int64_t>{1});
    body(i * lanes, value);
  }
}
