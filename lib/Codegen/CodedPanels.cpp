//===- CodedPanels.cpp ----------------------------------------------------===//
#include "CodedPanels.h"

#include "dyadic/Target/KernelTarget.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

CodedPanels::CodedPanels(KernelBuilder &k, const CodedWeights &weights,
                         int64_t convGroups, int64_t packedColumns,
                         int64_t panelColumns)
    : k(k), weights(weights), grid(weights.grid), convGroups(convGroups),
      channels(grid.channels / convGroups), packedColumns(packedColumns),
      panelColumns(panelColumns), lanes(k.target.lanes()), decoder(k, grid),
      wordsPerGroup(decoder.words(grid.group)),
      rows((grid.groups() - 1) * wordsPerGroup +
           decoder.words(grid.depth - (grid.groups() - 1) * grid.group)) {
  pack();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// [convolution's group][panel][row][column], from `element(channel, row)`; zeros
/// for padding.
template <typename T, typename Fn>
std::vector<T> CodedPanels::packed(int64_t rows, Fn element) const {
  std::vector<T> data;
  int64_t columns = packedColumns ? packedColumns : panelColumns;
  int64_t padded = llvm::alignTo(channels, packedColumns ? packedColumns : lanes);
  for (int64_t g = 0; g < convGroups; ++g)
    for (int64_t begin = 0; begin < padded; begin += columns)
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t n = begin; n < std::min(begin + columns, padded); ++n)
          data.push_back(n < channels ? element(g * channels + n, row) : T(0));
  return data;
}

void CodedPanels::pack() {
  words = k.weights<int32_t>(packed<int32_t>(rows, [&](int64_t o, int64_t row) {
    int64_t first = row / wordsPerGroup * grid.group;
    const uint8_t *codes = &weights.codes[o * grid.depth + first];
    return decoder.pack(row % wordsPerGroup, std::min(grid.group, grid.depth - first),
                        [&](int64_t i) { return codes[i]; });
  }));
  scales = decoder.storeScales(packed<float>(grid.groups(), [&](int64_t o, int64_t g) {
    return grid.scales[grid.scaleOf(o, g * grid.group)];
  }));
  if (!grid.zeros.empty())
    zeros = k.weights<int8_t>(packed<int8_t>(grid.groups(), [&](int64_t o, int64_t g) {
      return grid.zeros[grid.scaleOf(o, g * grid.group)];
    }));
}

CodedPanels::Place CodedPanels::placeOf(Value convGroup, Columns columns) {
  int64_t padded = llvm::alignTo(channels, packedColumns ? packedColumns : lanes);
  int64_t beside = packedColumns ? packedColumns : columns.vectors * lanes;
  auto at = [&](int64_t rows) {
    Value panel = columns.begin, column;
    if (packedColumns && panelColumns % packedColumns != 0) {
      // A part of what lies side by side.
      column = k.b.createOrFold<arith::RemUIOp>(k.loc, panel, k.index(packedColumns));
      panel = k.b.createOrFold<arith::SubIOp>(k.loc, panel, column);
    }
    Value begin = k.add(k.mul(convGroup, padded * rows), k.mul(panel, rows));
    return column ? k.add(begin, column) : begin;
  };
  return {at(rows), at(grid.groups()), beside};
}

Value CodedPanels::rowOf(Value begin, Value row, int64_t rows, int64_t v,
                         int64_t beside) {
  int64_t column = v * lanes;
  Value at = k.add(begin, k.mul(row, beside));
  return k.add(at, column / beside * beside * rows + column % beside);
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

CodedPanels::Values CodedPanels::scalesOf(const Place &place, const Group &group,
                                          int64_t vectors) {
  Values result;
  for (int64_t v = 0; v < vectors; ++v)
    result.push_back(decoder.loadScales(
        scales, rowOf(place.scales, group.index, grid.groups(), v, place.beside),
        lanes));
  return result;
}

CodedPanels::Values CodedPanels::zerosOf(const Place &place, const Group &group,
                                         int64_t vectors) {
  Values result;
  if (!zeros)
    return result;
  for (int64_t v = 0; v < vectors; ++v) {
    Value at = rowOf(place.scales, group.index, grid.groups(), v, place.beside);
    result.push_back(arith::SIToFPOp::create(
        k.b, k.loc, k.vectorType(lanes, k.b.getF32Type()),
        k.loadVector(zeros, at, lanes)));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

CodedPanels::Carried CodedPanels::forGroups(Carried carried, GroupBody body) {
  int64_t whole = grid.depth / grid.group, rest = grid.depth % grid.group;
  carried = k.loop(whole, carried, [&](Value g, ValueRange values) {
    return body({g, k.mul(g, grid.group), grid.group}, values);
  });
  if (rest)
    carried = body({k.index(whole), k.index(whole * grid.group), rest}, carried);
  return carried;
}

CodedPanels::Carried CodedPanels::unit(const Place &place, Value word, Value position,
                                       int64_t vectors, int64_t count,
                                       ArrayRef<Value> zeros, ValueRange carried,
                                       WeightBody body) {
  SmallVector<Values> loaded(vectors);
  for (int64_t v = 0; v < vectors; ++v)
    for (int64_t w = 0; w * 32 < count * int64_t(grid.bits); ++w)
      loaded[v].push_back(k.loadVector(
          words, rowOf(place.words, k.add(word, w), rows, v, place.beside), lanes));
  Carried result(carried);
  for (int64_t i = 0; i < count; ++i) {
    Values decoded;
    for (int64_t v = 0; v < vectors; ++v) {
      Value value = decoder.decode(loaded[v], i);
      if (!zeros.empty())
        value = arith::SubFOp::create(k.b, k.loc, value, zeros[v]);
      decoded.push_back(value);
    }
    result = body(k.add(position, i), decoded, result);
  }
  return result;
}

CodedPanels::Carried CodedPanels::forWeights(const Place &place, const Group &group,
                                             int64_t vectors, Carried carried,
                                             WeightBody body) {
  Values zeros = zerosOf(place, group, vectors);
  int64_t perUnit = decoder.codesPerUnit(), whole = group.length / perUnit,
          rest = group.length % perUnit;
  Value firstWord = k.mul(group.index, wordsPerGroup);
  carried = k.loop(whole, carried, [&](Value u, ValueRange values) {
    return unit(place, k.add(firstWord, k.mul(u, decoder.wordsPerUnit())),
                k.add(group.first, k.mul(u, perUnit)), vectors, perUnit, zeros,
                values, body);
  });
  if (rest)
    carried = unit(place, k.add(firstWord, whole * decoder.wordsPerUnit()),
                   k.add(group.first, whole * perUnit), vectors, rest, zeros, carried,
                   body);
  return carried;
}

void CodedPanels::decode(Value convGroup, Columns columns, Value memory) {
  Place place = placeOf(convGroup, columns);
  int64_t pitch = columns.vectors * lanes;
  forGroups({}, [&](const Group &group, ValueRange) {
    Values scale = scalesOf(place, group, columns.vectors);
    return forWeights(
        place, group, columns.vectors, {},
        [&](Value position, ArrayRef<Value> decoded, ValueRange) -> Carried {
          for (auto [v, value] : llvm::enumerate(decoded))
            k.storeVector(arith::MulFOp::create(k.b, k.loc, value, scale[v]), memory,
                          k.add(k.mul(position, pitch), v * lanes));
          return {};
        });
  });
}

CodedPanels::Carried CodedPanels::accumulate(Value convGroup, Columns columns,
                                             Value memory, ArrayRef<Value> pixels,
                                             Carried sums) {
  Place place = placeOf(convGroup, columns);
  int64_t count = pixels.size();
  VectorType vector = k.vectorType(lanes, k.b.getF32Type());
  Value zero = k.splat(vector, 0);
  return forGroups(sums, [&](const Group &group, ValueRange sums) {
    Values scale = scalesOf(place, group, columns.vectors);
    Carried partial = forWeights(
        place, group, columns.vectors, Carried(sums.size(), zero),
        [&](Value position, ArrayRef<Value> decoded, ValueRange partial) {
          Carried next(partial);
          for (int64_t p = 0; p < count; ++p) {
            Value x = vector::BroadcastOp::create(
                k.b, k.loc, vector, k.loadVector(memory, k.add(pixels[p], position), 1));
            for (auto [v, value] : llvm::enumerate(decoded)) {
              Value &sum = next[v * count + p];
              sum = k.target.multiplyAdd(k.b, k.loc, OperandKind::F32, sum, x, value);
            }
          }
          return next;
        });
    Carried next(sums);
    for (auto [i, sum] : llvm::enumerate(next))
      sum = k.target.multiplyAdd(k.b, k.loc, OperandKind::F32, sum, partial[i],
                                 scale[i / count]);
    return next;
  });
}
