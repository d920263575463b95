//===- InterleavedRows.cpp ------------------------------------------------===//
//
//   row 0   a0 a1 a2 …
//   row 1   b0 b1 b2 …      becomes      a0 b0 c0 a1 b1 c1 a2 b2 c2 …
//   row 2   c0 c1 c2 …
//
// A window of a first layer, 3×3 pixels of 3 channels, is three runs of 9 bytes, each
// of which takes the products of 12. Column by column it is one run of 27, which takes
// those of 28. The rows that a row of results reads are brought into that order in
// scratch first, as many columns at once as fill a register.
//
//===----------------------------------------------------------------------===//
#include "InterleavedRows.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
constexpr int64_t kRegister = 64;

class RowInterleaver {
public:
  RowInterleaver(const ConvOperands &conv)
      : channels(conv.inputShape[3]), rows(conv.filterShape[1]),
        columns((conv.outputShape[2] - 1) * conv.strides[1] + conv.filterShape[2]),
        rowStride(conv.inputStrides[1]), atOnce(kRegister / column()),
        read(llvm::PowerOf2Ceil(atOnce * channels)) {}

  /// The bytes of a column of all rows.
  int64_t column() const { return rows * channels; }
  /// All that is read from two registers; nothing beyond a row is.
  bool isPossible() const {
    return atOnce > 0 && rows * read <= 2 * kRegister && read <= columns * channels;
  }
  /// The last vector is stored whole.
  int64_t size() const { return columns * column() + kRegister; }

  /// Writes the rows that begin with element `from` to `to`.
  void emit(KernelBuilder &k, Value memory, Value from, Value to) const {
    int64_t step = atOnce * channels, last = columns * channels - read,
            whole = last / step + 1;
    k.loop(std::min(whole, columns / atOnce), [&](Value i) {
      emitStep(k, memory, k.add(from, k.mul(i, step)), 0, to,
               k.mul(i, atOnce * column()));
    });
    // The others are read with some before them, so as not to leave the row.
    for (int64_t c = std::min(whole, columns / atOnce) * atOnce; c < columns;
         c += atOnce)
      emitStep(k, memory, k.add(from, last), c * channels - last, to,
               k.index(c * column()));
  }

private:
  /// The columns that begin `skipped` bytes behind element `at` of the first row.
  void emitStep(KernelBuilder &k, Value memory, Value at, int64_t skipped, Value to,
                Value place) const {
    int64_t inOne = std::min(rows, kRegister / read);
    SmallVector<Value> registers[2];
    for (int64_t r = 0; r < rows; ++r)
      registers[r >= inOne].push_back(
          k.loadVector(memory, k.add(at, r * rowStride), read));
    auto joined = [&](ArrayRef<Value> parts) {
      return k.widen(k.concatenate(parts, int64_t(parts.size()) * read), kRegister);
    };
    Value first = joined(registers[0]),
          second = registers[1].empty() ? first : joined(registers[1]);
    SmallVector<int64_t> lanes(kRegister, 0);
    for (int64_t i = 0; i < atOnce * column(); ++i) {
      int64_t row = i / channels % rows,
              byte = skipped + i / column() * channels + i % channels;
      if (byte < read) // behind the last column is nothing
        lanes[i] = row < inOne ? row * read + byte
                               : kRegister + (row - inOne) * read + byte;
    }
    k.storeVector(vector::ShuffleOp::create(k.b, k.loc, first, second, lanes), to,
                  place);
  }

  int64_t channels, rows, columns, rowStride, atOnce, read;
};
} // namespace

void codegen::interleaveRows(KernelBuilder &k, const ConvOperands &conv,
                             Contraction &c) {
  int64_t rows = conv.filterShape[1], width = conv.filterShape[2],
          channels = conv.filterShape[3], group = k.target.reductionGroup(conv.kind);
  bool isPlain = !isFloat(conv.kind) && !conv.nibbles && !conv.coded &&
                 !conv.integers && conv.groups == 1 && conv.dilations[0] == 1 &&
                 !c.pixelLimit && c.segmentLoops.size() == 1 && c.length == width * channels;
  if (!k.target.permutesBytes() || !isPlain ||
      rows * llvm::divideCeil(c.length, group) <=
          llvm::divideCeil(rows * c.length, group))
    return;
  RowInterleaver interleaver(conv);
  if (!interleaver.isPossible())
    return;
  Value from = c.activations;
  c.activations = k.scratch(interleaver.size(), k.b.getI8Type());
  Value to = c.activations;
  c.beginRow = [&k, interleaver, from, to](Value first) {
    interleaver.emit(k, from, first, to);
    return k.index(0);
  };
  c.segmentLoops.clear();
  c.length *= rows;
  c.pixelStride = conv.strides[1] * interleaver.column();
  const HostTensor &filter = conv.filter;
  c.weight = [&filter, rows, width, channels](int64_t channel, int64_t, int64_t i) {
    int64_t row = i / channels % rows, column = i / channels / rows;
    return filter.get(((channel * rows + row) * width + column) * channels +
                      i % channels);
  };
}
