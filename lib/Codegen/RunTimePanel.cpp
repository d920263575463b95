//===- RunTimePanel.cpp ---------------------------------------------------===//
//
// With columns side by side in memory, `group` rows are interleaved. With sums
// side by side, the `group` products of a column are one integer already, and
// the integers of lanes() columns are transposed by riffling registers: as
// often as cards are to be halved, each time all of them.
//
//===----------------------------------------------------------------------===//
#include "RunTimePanel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
class PanelPacker {
public:
  PanelPacker(KernelBuilder &k, const ByteMatrix &matrix, Value first,
              int64_t valid, int64_t vectors, int64_t group, Value panel)
      : k(k), m(matrix), first(first), valid(valid), vectors(vectors),
        group(group), lanes(k.target.lanes()), panel(panel),
        i8(k.b.getI8Type()) {}

  void emit(int64_t packedDepth) {
    int64_t whole = m.depth / group, groups = packedDepth / group;
    if (m.columnStride == 1) {
      k.loop(whole, [&](Value g) { packRows(g, group); });
      if (int64_t rest = m.depth % group)
        packRows(k.index(whole), rest);
    } else {
      packColumns(whole);
      if (int64_t rest = m.depth % group)
        packTails(whole, rest);
    }
    auto zero = k.splatInt(k.vectorType(lanes * group, i8), 0);
    for (int64_t g = llvm::divideCeil(m.depth, group); g < groups; ++g)
      for (int64_t v = 0; v < vectors; ++v)
        k.storeVector(zero, panel, place(k.index(g), v));
  }

private:
  /// How many columns of register `v` are there.
  int64_t columnsOf(int64_t v) const {
    return std::min(lanes, valid - v * lanes);
  }
  /// The byte of the panel where a group of register `v` begins.
  Value place(Value g, int64_t v) {
    return k.add(k.mul(g, vectors * lanes * group), v * lanes * group);
  }
  /// A byte as it is in memory that becomes the weight zero.
  int64_t zeroByte() const { return m.offset ? -128 : 0; }
  /// From what is in memory to signed weights.
  Value toWeights(Value bytes) {
    if (!m.offset)
      return bytes;
    auto type = cast<VectorType>(bytes.getType());
    return arith::XOrIOp::create(k.b, k.loc, bytes, k.splatInt(type, -128));
  }
  Value bitcast(Value vector, int64_t count, Type element) {
    auto type = k.vectorType(count, element);
    if (vector.getType() == type)
      return vector;
    return vector::BitCastOp::create(k.b, k.loc, type, vector);
  }
  Value shuffle(Value x, Value y, ArrayRef<int64_t> mask) {
    return vector::ShuffleOp::create(k.b, k.loc, x, y, mask);
  }

  //===--- Columns side by side --------------------------------------------===//

  /// `rows` rows of group `g`, and zeros for the others.
  void packRows(Value g, int64_t rows) {
    Value start = k.add(first, k.mul(g, group * m.depthStride));
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> parts;
      for (int64_t i = 0; i < group; ++i)
        parts.push_back(
            i < rows
                ? k.widen(k.loadVector(m.memory,
                                       k.add(k.add(start, i * m.depthStride),
                                             v * lanes),
                                       columnsOf(v)),
                          lanes)
                : k.splatInt(k.vectorType(lanes, i8), zeroByte()));
      k.storeVector(toWeights(interleave(parts)), panel, place(g, v));
    }
  }

  /// Element 0 of all, element 1 of all, …
  Value interleave(ArrayRef<Value> parts) {
    if (parts.size() == 1)
      return parts.front();
    SmallVector<Value> even, odd;
    for (auto [i, part] : llvm::enumerate(parts))
      (i % 2 ? odd : even).push_back(part);
    Value x = interleave(even), y = interleave(odd);
    SmallVector<int64_t> mask;
    int64_t size = cast<VectorType>(x.getType()).getNumElements();
    for (int64_t i = 0; i < size; ++i) {
      mask.push_back(i);
      mask.push_back(size + i);
    }
    return shuffle(x, y, mask);
  }

  //===--- Sums side by side -----------------------------------------------===//

  Value columnStart(int64_t v, int64_t column) {
    return k.add(first, (v * lanes + column) * m.columnStride);
  }

  void packColumns(int64_t groups) {
    // Integers of more than 64 bits are moved one by one.
    int64_t most = group <= 8 ? lanes : 1;
    for (int64_t done = 0, count; done < groups; done += count) {
      count = std::min<int64_t>(most, llvm::bit_floor(uint64_t(groups - done)));
      int64_t repeat = count == most ? (groups - done) / most : 1;
      k.loop(repeat, [&](Value i) {
        packBlock(k.add(k.mul(i, count), done), count);
      });
      count *= repeat;
    }
  }

  /// `count` groups from `g` on of all columns.
  void packBlock(Value g, int64_t count) {
    Value offset = k.mul(g, group);
    for (int64_t v = 0; v < vectors; ++v) {
      auto load = [&](int64_t column) {
        return k.loadVector(m.memory, k.add(columnStart(v, column), offset),
                            count * group);
      };
      if (count == 1) {
        packOneGroup(g, v, load);
        continue;
      }
      auto element = IntegerType::get(k.b.getContext(), 8 * group);
      // Each register holds some columns' integers.
      SmallVector<Value> registers;
      int64_t perRegister = lanes / count;
      for (int64_t r = 0; r < count; ++r) {
        SmallVector<Value> rows;
        for (int64_t i = 0; i < perRegister; ++i) {
          int64_t column = r * perRegister + i;
          rows.push_back(
              column < columnsOf(v)
                  ? load(column)
                  : k.splatInt(k.vectorType(count * group, i8), zeroByte()));
        }
        registers.push_back(
            bitcast(k.concatenate(rows, lanes * group), lanes, element));
      }
      for (int64_t size = lanes; size > 1; size /= 2)
        registers = riffle(registers);
      for (int64_t i = 0; i < count; ++i)
        k.storeVector(toWeights(bitcast(registers[i], lanes * group, i8)),
                      panel, place(k.add(g, i), v));
    }
  }

  /// The elements of all registers in order, the two halves merged.
  SmallVector<Value> riffle(ArrayRef<Value> registers) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes / 2; ++i) {
      low.append({i, lanes + i});
      high.append({lanes / 2 + i, lanes + lanes / 2 + i});
    }
    SmallVector<Value> result;
    size_t half = registers.size() / 2;
    for (size_t i = 0; i < half; ++i) {
      result.push_back(shuffle(registers[i], registers[half + i], low));
      result.push_back(shuffle(registers[i], registers[half + i], high));
    }
    return result;
  }

  /// Group `g` of each column of a register, given by `load`.
  void packOneGroup(Value g, int64_t v,
                    llvm::function_ref<Value(int64_t column)> load) {
    SmallVector<Value> rows;
    for (int64_t column = 0; column < lanes; ++column)
      rows.push_back(column < columnsOf(v)
                         ? load(column)
                         : k.splatInt(k.vectorType(group, i8), zeroByte()));
    Value all = k.concatenate(rows, lanes * group);
    k.storeVector(toWeights(all), panel, place(g, v));
  }

  /// The last, partial group of each column.
  void packTails(int64_t g, int64_t rest) {
    for (int64_t v = 0; v < vectors; ++v)
      packOneGroup(k.index(g), v, [&](int64_t column) -> Value {
        Value bytes = k.loadVector(
            m.memory, k.add(columnStart(v, column), g * group), rest);
        auto zeros = k.splatInt(k.vectorType(group, i8), zeroByte());
        return vector::InsertStridedSliceOp::create(
            k.b, k.loc, bytes, zeros, ArrayRef<int64_t>{0},
            ArrayRef<int64_t>{1});
      });
  }

  KernelBuilder &k;
  const ByteMatrix &m;
  Value first;
  int64_t valid, vectors, group, lanes;
  Value panel;
  Type i8;
};
} // namespace

void codegen::emitPackPanel(KernelBuilder &k, const ByteMatrix &matrix,
                            Value first, int64_t valid, int64_t vectors,
                            int64_t group, int64_t packedDepth, Value panel) {
  PanelPacker(k, matrix, first, valid, vectors, group, panel).emit(packedDepth);
}
