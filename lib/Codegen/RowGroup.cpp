//===- RowGroup.cpp -------------------------------------------------------===//
#include "RowGroup.h"

#include "TileSource.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// Sums of more steps than two of these are added up block by block: their error grows
/// with the square root of the count, not with the count.
static constexpr int64_t kBlock = 32;

/// A quarter of the registers for partial results. Rows of less than a register would be
/// all shuffles.
static int64_t rowsOfGroup(const KernelTarget &target, int64_t extent) {
  int64_t rows = std::min(target.lanes(), target.vectorRegisters() / 4);
  return extent < target.lanes() || rows < 4 ? 1 : llvm::bit_floor(uint64_t(rows));
}

int64_t RowGroup::rowsAtOnce(const KernelTarget &target, int64_t extent) {
  int64_t rows = rowsOfGroup(target, extent);
  return rows == 1 ? 1 : 2 * rows;
}

std::vector<RowGroup> RowGroup::split(KernelBuilder &k, Value first, int64_t count,
                                      int64_t extent) {
  std::vector<RowGroup> groups;
  int64_t rows = rowsOfGroup(k.target, extent);
  for (int64_t row = 0; row < count; row += rows)
    groups.push_back(RowGroup(k, first, row, std::min(rows, count - row), extent));
  return groups;
}

static int64_t lanesFor(int64_t rows) {
  return rows == 1 ? 1 : std::max<int64_t>(4, llvm::PowerOf2Ceil(rows));
}

RowGroup::RowGroup(KernelBuilder &k, Value begin, int64_t firstRow, int64_t count,
                   int64_t extent)
    : k(k), begin(begin), firstRow(firstRow), count(count), extent(extent),
      lanes(lanesFor(count)) {
  // One row alone is several chains, too.
  int64_t full = k.target.lanes() * (count == 1 ? 4 : 1);
  width = std::min<int64_t>(full, llvm::bit_floor(uint64_t(extent)));
  whole = extent - extent % width;
  rest = cutRow(extent - whole, width);
  for (RowPiece &piece : rest)
    piece.at += whole;
}

RowGroup::Rows RowGroup::loop(int64_t count, Rows initial,
                              llvm::function_ref<Rows(Value, ValueRange)> body) {
  Rows results = k.loop(count, initial, body);
  if (count > 1)
    keepLoop(cast<scf::ForOp>(*std::prev(k.b.getInsertionPoint())));
  return results;
}

RowGroup::Rows RowGroup::reduceRange(Value first, int64_t steps, double identity,
                                     Step step) {
  if (steps == 1) {
    Rows made;
    for (int64_t row = 0; row < count; ++row)
      made.push_back(step(row, first, width, {}));
    return made;
  }
  Value start = k.splat(k.vectorType(width, k.b.getF32Type()), identity);
  return loop(steps, Rows(count, start), [&](Value i, ValueRange partials) {
    Rows next;
    Value at = k.add(first, k.mul(i, width));
    for (auto [row, partial] : llvm::enumerate(partials))
      next.push_back(step(row, at, width, partial));
    return next;
  });
}

Value RowGroup::narrow(ArrayRef<Value> partials, double identity, Combine combine) {
  auto widthOf = [](Value v) { return cast<VectorType>(v.getType()).getNumElements(); };
  Value total = partials.front();
  ArrayRef<Value> others = partials.drop_front();
  for (;;) {
    int64_t n = widthOf(total);
    while (!others.empty() && (widthOf(others.front()) == n || n == lanes)) {
      Value other = others.front();
      if (widthOf(other) != n)
        other = vector::InsertStridedSliceOp::create(
            k.b, k.loc, other, k.splat(cast<VectorType>(total.getType()), identity),
            ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
      total = combine(total, other);
      others = others.drop_front();
    }
    if (n == lanes)
      return total;
    total = combine(sliceLanes(k, total, 0, n / 2), sliceLanes(k, total, n / 2, n / 2));
  }
}

/// A shuffle of `x` and `y` (4 to 7) that is the same in all parts of four lanes.
Value RowGroup::shuffle(Value x, Value y, ArrayRef<int64_t> ofFour) {
  SmallVector<int64_t> from;
  for (int64_t part = 0; part < lanes; part += 4)
    for (int64_t lane : ofFour)
      from.push_back(part + (lane < 4 ? lane : lane - 4 + lanes));
  return vector::ShuffleOp::create(k.b, k.loc, x, y, from);
}

Value RowGroup::reduce(double identity, Combine combine, Step step) {
  int64_t steps = whole / width;
  Rows sums;
  if (steps <= 2 * kBlock) {
    sums = reduceRange(k.index(0), steps, identity, step);
  } else {
    Value start = k.splat(k.vectorType(width, k.b.getF32Type()), identity);
    auto add = [&](ValueRange totals, const Rows &block) {
      return llvm::map_to_vector(llvm::zip(totals, block), [&](auto pair) {
        return combine(std::get<0>(pair), std::get<1>(pair));
      });
    };
    int64_t blocks = steps / kBlock;
    sums = loop(blocks, Rows(count, start), [&](Value i, ValueRange totals) {
      return Rows(add(totals, reduceRange(k.mul(i, kBlock * width), kBlock, identity, step)));
    });
    if (int64_t tail = steps % kBlock)
      sums = Rows(add(sums, reduceRange(k.index(blocks * kBlock * width), tail, identity,
                                        step)));
  }
  Rows rows;
  for (auto [row, sum] : llvm::enumerate(sums)) {
    SmallVector<Value> partials{sum};
    for (RowPiece piece : rest)
      partials.push_back(step(row, k.index(piece.at), piece.width, {}));
    rows.push_back(narrow(partials, identity, combine));
  }
  if (count == 1)
    return rows.front();
  while (int64_t(rows.size()) < lanes) // lanes that nobody reads
    rows.push_back(rows.front());
  auto halve = [&](auto lower, auto upper) {
    Rows next;
    for (size_t i = 0; i < rows.size(); i += 2)
      next.push_back(combine(lower(rows[i], rows[i + 1]), upper(rows[i], rows[i + 1])));
    rows = std::move(next);
  };
  auto parts = [&](ArrayRef<int64_t> ofFour) {
    return [this, ofFour](Value x, Value y) { return shuffle(x, y, ofFour); };
  };
  if (lanes == 8) {
    auto half = [&](int64_t begin) {
      return [this, begin](Value x, Value y) -> Value {
        SmallVector<int64_t> from;
        for (int64_t other : {0, 8})
          for (int64_t i = 0; i < 4; ++i)
            from.push_back(other + begin + i);
        return vector::ShuffleOp::create(k.b, k.loc, x, y, from);
      };
    };
    halve(half(0), half(4));
  }
  static constexpr int64_t turns[] = {0, 4, 1, 5}, laterTurns[] = {2, 6, 3, 7},
                           firsts[] = {0, 1, 4, 5}, lasts[] = {2, 3, 6, 7};
  halve(parts(turns), parts(laterTurns));
  halve(parts(firsts), parts(lasts));
  return rows.front();
}

int64_t RowGroup::laneOf(int64_t row) const {
  return lanes == 8 ? row % 2 * 4 + row / 2 : row; // of eight, the even ones come first
}

Value RowGroup::spread(Value all, int64_t row, int64_t n) {
  return vector::ShuffleOp::create(k.b, k.loc, all, all,
                                   SmallVector<int64_t>(n, laneOf(row)));
}

bool RowGroup::isBetterFlat() const {
  constexpr int64_t registers = 64; // of code without a loop
  return count > 1 && extent % (4 * k.target.lanes()) != 0 &&
         count * extent <= registers * k.target.lanes();
}

void RowGroup::emitFlat(ResultSink &sink, Value all, MakeFlat make) {
  RowPieces pieces = cutRow(count * extent, k.target.lanes());
  auto vectors = llvm::map_to_vector(pieces, [&](RowPiece piece) {
    SmallVector<int64_t> from;
    for (int64_t i = 0; i < piece.width; ++i)
      from.push_back(laneOf((piece.at + i) / extent));
    return make(vector::ShuffleOp::create(k.b, k.loc, all, all, from), piece.at,
                piece.width);
  });
  emitRow(k, sink, element(0, k.index(0)), k.index(0), pieces, vectors);
}

void RowGroup::emit(ResultSink &sink, Make make) {
  int64_t lanes = k.target.lanes(), group = 4 * lanes, tail = extent % group;
  // All rows at once would share what belongs to channels among more of them, but take more
  // registers than there are.
  int64_t together = std::max<int64_t>(count / 2, 1);
  for (int64_t first = 0; first < count; first += together) {
    auto emitPieces = [&](Value start, const RowPieces &pieces) {
      for (int64_t row = first; row < std::min(first + together, count); ++row) {
        auto vectors = llvm::map_to_vector(pieces, [&](RowPiece piece) {
          return make(row, k.add(start, piece.at), piece.width);
        });
        emitRow(k, sink, element(row, start), start, pieces, vectors);
      }
    };
    loop(extent / group, {}, [&](Value i, ValueRange) {
      emitPieces(k.mul(i, group), cutRow(group, lanes));
      return Rows();
    });
    emitPieces(k.index(extent - tail), cutRow(tail, lanes));
  }
}
