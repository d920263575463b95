//===- FactoredPanels.cpp -------------------------------------------------===//
//
// For each pair of rows and register of columns
//
//   packed  one byte holds a product's number of the even row, low, and that of the odd
//           row, high
//   even    (packed << 4) >> 4 · factors of the even row's group
//   odd     packed >> 4 · factors of the odd row's group
//
// on bytes, which products of ±127 fit, or by the target's look-up of sixteen numbers; a
// column's factor is there for each of the row's products, and loaded once where the
// rows of every pair share a group.
//
//===----------------------------------------------------------------------===//
#include "FactoredPanels.h"

#include "dyadic/Target/KernelTarget.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// The group of the sum that each row of a panel is in, any where it is padding; none
/// where a row is in several.
static std::optional<SmallVector<int32_t>>
groupsOfRows(const Contraction &c, const RegisterTile &tile, const PanelLayout &layout) {
  SmallVector<int32_t> groups;
  for (int64_t segment = 0; segment < c.segments(); ++segment)
    for (int64_t first = 0; first < layout.packedLength; first += tile.group) {
      std::optional<int32_t> ofRow;
      for (int64_t i = first; i < first + tile.group; ++i) {
        int64_t from = layout.product(i);
        if (from < 0)
          continue;
        int64_t group = (segment * c.length + from) / c.integers->factors.group;
        if (ofRow && *ofRow != group)
          return std::nullopt;
        ofRow = static_cast<int32_t>(group);
      }
      groups.push_back(ofRow.value_or(0));
    }
  return groups;
}

std::optional<FactoredPanels> FactoredPanels::create(KernelBuilder &k,
                                                     const Contraction &c,
                                                     const RegisterTile &tile,
                                                     const PanelLayout &layout,
                                                     int64_t blockColumns) {
  if (!c.integers)
    return std::nullopt;
  auto groupOfRow = groupsOfRows(c, tile, layout);
  if (!groupOfRow)
    return std::nullopt;
  return FactoredPanels(k, c, tile, layout, blockColumns, *groupOfRow);
}

FactoredPanels::FactoredPanels(KernelBuilder &k, const Contraction &c,
                               const RegisterTile &tile, const PanelLayout &layout,
                               int64_t blockColumns, ArrayRef<int32_t> groupOfRow)
    : k(k), rows(llvm::alignTo(groupOfRow.size(), 2)), perRow(tile.group),
      blockColumns(std::max(blockColumns, k.target.lanes())),
      blocks(llvm::divideCeil(c.channels, this->blockColumns)),
      lanes(k.target.lanes()), groups(c.integers->factors.groups()) {
  SmallVector<int32_t> table(groupOfRow);
  table.resize(rows, table.back());
  pairsShare = true;
  for (int64_t row = 0; row < rows; row += 2)
    pairsShare &= table[row] == table[row + 1];
  this->groupOfRow = k.constants<int32_t>(table);
  pack(c, layout);
}

void FactoredPanels::pack(const Contraction &c, const PanelLayout &layout) {
  std::vector<int8_t> packed, ofGroups;
  int64_t rowsOfSegment = layout.packedLength / perRow;
  // Zero for what pads rows, columns and segments.
  auto number = [&](int64_t channel, int64_t row, int64_t i) -> int8_t {
    int64_t segment = row / rowsOfSegment;
    if (segment >= c.segments())
      return 0;
    int64_t from = layout.product(row % rowsOfSegment * perRow + i);
    return from < 0 ? 0 : c.integers->number(channel, segment * c.length + from);
  };
  for (int64_t block = 0; block < c.groups * blocks; ++block) {
    int64_t first = block % blocks * blockColumns,
            end = std::min(first + blockColumns, c.channels),
            channel = block / blocks * c.channels;
    for (int64_t row = 0; row < rows; row += 2)
      for (int64_t n = first; n < first + blockColumns; ++n)
        for (int64_t i = 0; i < perRow; ++i) {
          unsigned even = n < end ? number(channel + n, row, i) : 0,
                   odd = n < end ? number(channel + n, row + 1, i) : 0;
          packed.push_back(static_cast<int8_t>((even & 15) | odd << 4));
        }
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t n = first; n < first + blockColumns; ++n)
        ofGroups.push_back(
            n < end ? c.integers->factors.factors[(channel + n) * groups + g] : 0);
  }
  numbers = k.weights<int8_t>(packed);
  factors = k.weights<int8_t>(ofGroups);
}

/// The factors of a register of columns, `within` a block, once for each product of `row`.
Value FactoredPanels::factorsOf(Value row, Value block, Value within) {
  OpBuilder &b = k.b;
  Value group = arith::IndexCastOp::create(
      b, k.loc, b.getIndexType(),
      vector::ExtractOp::create(b, k.loc, k.loadVector(groupOfRow, row, 1),
                                ArrayRef<int64_t>{0}));
  Value at = k.add(k.mul(k.add(k.mul(block, groups), group), blockColumns), within);
  Value loaded = k.loadVector(factors, at, lanes);
  SmallVector<int64_t> repeated;
  for (int64_t i = 0; i < lanes * perRow; ++i)
    repeated.push_back(i / perRow);
  return vector::ShuffleOp::create(b, k.loc, loaded, loaded, repeated);
}

/// The numbers of both rows that share `packed` bytes.
std::pair<Value, Value> FactoredPanels::numbersOf(Value packed) {
  OpBuilder &b = k.b;
  SmallVector<int8_t, 16> table;
  for (int i = 0; i < 16; ++i)
    table.push_back(static_cast<int8_t>((i ^ 8) - 8));
  auto looked = k.target.decodeNibbles(b, k.loc, packed, table, /*shift=*/0);
  if (looked.first)
    return looked;
  Value four = k.splatInt(cast<VectorType>(packed.getType()), 4);
  Value low = arith::ShLIOp::create(b, k.loc, packed, four);
  return {arith::ShRSIOp::create(b, k.loc, low, four),
          arith::ShRSIOp::create(b, k.loc, packed, four)};
}

void FactoredPanels::decode(Value convGroup, Value column, int64_t vectors,
                            Value memory) {
  OpBuilder &b = k.b;
  int64_t width = lanes * perRow, pitch = vectors * width;
  k.loop(rows / 2, {}, [&](Value pair, ValueRange) -> KernelBuilder::Carried {
    Value row = k.mul(pair, 2);
    for (int64_t v = 0; v < vectors; ++v) {
      Value n = k.add(column, v * lanes);
      Value within = b.createOrFold<arith::RemUIOp>(k.loc, n, k.index(blockColumns));
      Value block = k.add(k.mul(convGroup, blocks),
                          b.createOrFold<arith::DivUIOp>(k.loc, n, k.index(blockColumns)));
      Value at = k.add(k.mul(k.add(k.mul(block, rows / 2), pair), blockColumns * perRow),
                       k.mul(within, perRow));
      auto [even, odd] = numbersOf(k.loadVector(numbers, at, width));
      Value next = k.add(row, 1), factor = factorsOf(row, block, within),
            ofNext = pairsShare ? factor : factorsOf(next, block, within);
      auto store = [&](Value of, Value number, Value factor) {
        k.storeVector(arith::MulIOp::create(b, k.loc, number, factor), memory,
                      k.add(k.mul(of, pitch), v * width));
      };
      store(row, even, factor);
      store(next, odd, ofNext);
    }
    return {};
  });
}
