//===- TensorCores.cpp - convolutions and products on tensor cores --------===//
//
// A block of threads makes a tile of rows × columns sums, `depth` bytes of each
// at a time: a slice of the activations, gathered from their image, and one of
// the weights, packed as it will lie in the block's memory. Slices are copied
// ahead while warps multiply the present one.
//
// A slice's row is 64 bytes, four chunks of 16. Chunk c of row r lies at place
// c ^ (r / 2 % 4), so that eight rows of one chunk, which a fragment load reads
// at once, are in different banks.
//
// A thread gets two neighbouring columns of each 16 × 8 product. Weights are
// packed so that those of a warp's products are neighbouring channels: what is
// behind the sums runs on whole vectors, and results are stored as such.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
constexpr int64_t kChunk = 16, kFragmentRows = 16, kFragmentColumns = 8,
                  kFragmentDepth = 32;

class TensorCoreEmitter {
public:
  TensorCoreEmitter(GPUKernelBuilder &k, const Contraction &c,
                    PointwiseEmitter &epilogue)
      : k(k), c(c), epilogue(epilogue), gather(k, c, kChunk),
        tile(k.warps.chooseBlockTile({c.kind, c.images * c.rowsPerImage,
                                      c.pixels, c.channels, gather.depth()},
                                     c.groups)),
        rowTiles(llvm::divideCeil(gather.rows(), tile.rows)),
        columnTiles(llvm::divideCeil(c.channels, tile.columns)),
        slices(llvm::divideCeil(gather.depth(), tile.depth)),
        rowFragments(tile.warpRows / kFragmentRows),
        columnFragments(tile.warpColumns / kFragmentColumns),
        isAsync(k.warps.hasAsyncCopies() && gather.pieceSize() >= 4) {
    if (!isAsync)
      tile.stages = 1;
  }

  void emit() {
    k.launch(tile.threads(), rowTiles, columnTiles, c.groups);
    memory = k.workgroupMemory(tile.bytes());
    weights = k.constants<int8_t>(packWeights());
    bias = k.constants<int32_t>(
        gpu_kernels::packBias<int32_t>(c, columnTiles * tile.columns));
    locate();
    Sums sums = initialSums();
    sums = isAsync ? sumAhead(sums) : sumThroughRegisters(sums);
    finish(sums);
  }

private:
  using Sums = KernelBuilder::Carried;

  int64_t chunksPerRow() const { return tile.depth / kChunk; }
  int64_t channelsPerThread() const { return 2 * columnFragments; }
  int64_t weightSlice() const { return tile.columns * tile.depth; }
  /// Where a chunk of a row lies among those of its row.
  static int64_t swizzle(int64_t row, int64_t chunk) {
    return chunk ^ (row / 2 % 4);
  }

  /// Indices that stay the same for the whole sum.
  void locate() {
    thread = k.thread();
    Value lane = k.rem(thread, 32), warp = k.div(thread, 32);
    int64_t warpsDown = tile.rows / tile.warpRows;
    warpRow = k.mul(k.rem(warp, warpsDown), tile.warpRows);
    warpColumn = k.mul(k.div(warp, warpsDown), tile.warpColumns);
    laneRow = k.div(lane, 4);
    laneColumn = k.rem(lane, 4);
    firstRow = k.mul(k.block(gpu::Dimension::x), tile.rows);
    columnTile = k.block(gpu::Dimension::y);
    group = c.groups == 1 ? k.index(0) : k.block(gpu::Dimension::z);

    // Fragment loads: lane l gives the address of row l % 8 of matrix l / 8.
    Value matrixRow = k.rem(lane, 8), matrix = k.div(lane, 8);
    Value twist = k.rem(k.div(matrixRow, 2), 4);
    for (int64_t depth = 0; depth < tile.depth; depth += kFragmentDepth) {
      auto address = [&](Value row, Value chunk) {
        Value place = k.b.createOrFold<arith::XOrIOp>(
            k.loc, k.add(chunk, depth / kChunk), twist);
        return k.add(k.mul(row, tile.depth), k.mul(place, kChunk));
      };
      // Activations: rows 0–7 and 8–15 of the first chunk, then of the second.
      Value row = k.add(k.add(matrixRow, k.mul(k.rem(matrix, 2), 8)), warpRow);
      activationAddress.push_back(address(row, k.div(matrix, 2)));
      // Weights: both chunks of eight columns, then of the next eight.
      Value column =
          k.add(k.add(matrixRow, k.mul(k.div(matrix, 2), 8)), warpColumn);
      if (columnFragments == 1)
        column = k.add(matrixRow, warpColumn);
      weightAddress.push_back(address(column, k.rem(matrix, 2)));
    }

    // Copies: the threads take a slice's chunks in turn; a thread's are all at
    // the same place of their rows.
    Value copyRow = k.div(thread, chunksPerRow());
    copyChunk = k.rem(thread, chunksPerRow());
    Value place = k.b.createOrFold<arith::XOrIOp>(
        k.loc, copyChunk, k.rem(k.div(copyRow, 2), 4));
    copyAddress =
        k.add(k.mul(copyRow, tile.depth), k.mul(place, kChunk));
    Value groupBase = k.mul(group, c.groupStride);
    for (int64_t i = 0; i < copies(tile.rows); ++i) {
      Value row = k.add(k.add(firstRow, copyRow), i * rowsPerCopy());
      // A row that isn't there is computed like the last one, and not stored.
      if (gather.rows() % tile.rows)
        row = k.b.createOrFold<arith::MinUIOp>(k.loc, row,
                                               k.index(gather.rows() - 1));
      rowBases.push_back(k.add(gather.rowBase(row), groupBase));
    }
    Value slice = k.mul(k.add(k.mul(group, columnTiles), columnTile),
                        slices * weightSlice());
    weightBase = k.add(slice, k.mul(thread, kChunk));
  }

  /// Chunks that a thread copies of `rows` rows; the last may be too many.
  int64_t copies(int64_t rows) const {
    return llvm::divideCeil(rows * chunksPerRow(), tile.threads());
  }
  int64_t rowsPerCopy() const { return tile.threads() / chunksPerRow(); }
  /// `body` for the thread's chunk `i` of `rows` rows, where there is one.
  void forCopy(int64_t rows, int64_t i, function_ref<void()> body) {
    int64_t left = rows * chunksPerRow() - i * tile.threads();
    if (left >= tile.threads())
      return body();
    k.when(k.less(thread, left), body);
  }
  bool hasWholeCopies(int64_t rows) const {
    return rows * chunksPerRow() % tile.threads() == 0;
  }

  //===--- Weights ---------------------------------------------------------===//

  /// [group][column tile][slice][column][chunk place][16 bytes]
  std::vector<int8_t> packWeights() {
    std::vector<int8_t> data(c.groups * columnTiles * slices * weightSlice());
    for (int64_t g = 0; g < c.groups; ++g)
      for (int64_t n = 0; n < c.channels; ++n) {
        std::vector<int8_t> channel =
            gather.packChannel<int8_t>(g * c.channels + n);
        int64_t column = columnOf(n % tile.columns);
        int64_t base = (g * columnTiles + n / tile.columns) * slices;
        for (int64_t at = 0; at < gather.depth(); at += kChunk) {
          int64_t place = swizzle(column, at % tile.depth / kChunk);
          std::copy_n(channel.begin() + at, kChunk,
                      data.begin() + (base + at / tile.depth) * weightSlice() +
                          column * tile.depth + place * kChunk);
        }
      }
    return data;
  }

  /// Thread q of four has columns 2q and 2q + 1 of every fragment of a warp,
  /// and channels from q · channelsPerThread() on.
  int64_t columnOf(int64_t channel) const {
    int64_t within = channel % tile.warpColumns;
    int64_t q = within / channelsPerThread(), i = within % channelsPerThread();
    return channel - within + i / 2 * kFragmentColumns + 2 * q + i % 2;
  }

  //===--- Sums ------------------------------------------------------------===//

  Value groupChannel(Value channel, int64_t perGroup) {
    return k.add(k.mul(group, perGroup), channel);
  }
  Value firstChannel() {
    return k.add(k.add(k.mul(columnTile, tile.columns), warpColumn),
                 k.mul(laneColumn, channelsPerThread()));
  }

  /// Sums are [row fragment][column fragment][word].
  Sums initialSums() {
    Value at = groupChannel(firstChannel(), columnTiles * tile.columns);
    Value biases = k.loadVector(bias, at, channelsPerThread());
    Sums sums;
    for (int64_t m = 0; m < rowFragments; ++m)
      for (int64_t n = 0; n < columnFragments; ++n)
        for (int64_t i = 0; i < 4; ++i)
          sums.push_back(
              vector::ExtractOp::create(k.b, k.loc, biases, 2 * n + i % 2));
    return sums;
  }

  Value activationStage(Value stage) {
    return k.mul(stage, tile.rows * tile.depth);
  }
  Value weightStage(Value stage) {
    return k.add(k.mul(stage, weightSlice()),
                 tile.stages * tile.rows * tile.depth);
  }
  Gather::Place activationPlace(Value slice) {
    Value at = k.add(k.mul(slice, tile.depth), k.mul(copyChunk, kChunk));
    return gather.place(at, slices * tile.depth);
  }

  /// Starts the copies of a slice to a stage.
  void copySlice(Value slice, Value stage) {
    Gather::Place place = activationPlace(slice);
    Value to = k.add(activationStage(stage), copyAddress);
    for (int64_t i = 0; i < copies(tile.rows); ++i)
      forCopy(tile.rows, i, [&] {
        gather.copyAsync(rowBases[i], place, memory,
                         k.add(to, i * rowsPerCopy() * tile.depth));
      });
    Value from = k.add(weightBase, k.mul(slice, weightSlice()));
    to = k.add(weightStage(stage), k.mul(thread, kChunk));
    for (int64_t i = 0; i < copies(tile.columns); ++i)
      forCopy(tile.columns, i, [&] {
        int64_t offset = i * tile.threads() * kChunk;
        nvgpu::DeviceAsyncCopyOp::create(k.b, k.loc, tokenType(), memory,
                                         k.add(to, offset), weights,
                                         k.add(from, offset),
                                         k.b.getIndexAttr(kChunk), Value(),
                                         k.b.getUnitAttr());
      });
  }

  Type tokenType() {
    return nvgpu::DeviceAsyncTokenType::get(k.b.getContext());
  }
  Value closeGroup() {
    auto group = nvgpu::DeviceAsyncCreateGroupOp::create(
        k.b, k.loc, tokenType(), ValueRange());
    // Printed without tokens, it would take the next line's result for one.
    group->setDiscardableAttr("dyadic.all_copies", k.b.getUnitAttr());
    return group;
  }
  /// Waits until the slice that is multiplied next is there for all threads.
  void waitForSlice(Value copies) {
    nvgpu::DeviceAsyncWaitOp::create(
        k.b, k.loc, copies, k.b.getI32IntegerAttr(tile.stages - 2));
    k.barrier();
  }

  /// Copies run `stages` − 1 slices ahead of the products.
  Sums sumAhead(Sums sums) {
    Value copies;
    for (int64_t stage = 0; stage < tile.stages - 1; ++stage) {
      if (stage < slices)
        copySlice(k.index(stage), k.index(stage));
      copies = closeGroup();
    }
    waitForSlice(copies);
    Sums carried = sums;
    carried.push_back(k.index(0));
    carried.push_back(k.index(tile.stages - 1));
    carried = k.loop(slices, carried, [&](Value slice, ValueRange values) {
      Value present = values[sums.size()], ahead = values[sums.size() + 1];
      Value next = k.add(slice, tile.stages - 1);
      // The stage that is filled is the one that was multiplied last.
      k.when(k.less(next, slices), [&] { copySlice(next, ahead); });
      Value copies = closeGroup();
      Sums result = multiplySlice(activationStage(present),
                                  weightStage(present),
                                  values.take_front(sums.size()));
      waitForSlice(copies);
      result.push_back(nextStage(present));
      result.push_back(nextStage(ahead));
      return result;
    });
    carried.truncate(sums.size());
    return carried;
  }

  Value nextStage(Value stage) {
    Value next = k.add(stage, 1);
    return k.b.createOrFold<arith::SelectOp>(
        k.loc, k.equal(next, tile.stages), k.index(0), next);
  }

  /// A thread's chunks of a slice, in registers.
  Sums loadSlice(Value slice) {
    Gather::Place place = activationPlace(slice);
    Sums chunks;
    for (int64_t i = 0; i < copies(tile.rows); ++i)
      chunks.push_back(gather.loadChunk(rowBases[i], place));
    Value from = k.add(weightBase, k.mul(slice, weightSlice()));
    for (int64_t i = 0; i < copies(tile.columns); ++i) {
      Value at = k.add(from, i * tile.threads() * kChunk);
      // Threads without a chunk read some other thread's.
      if (!hasWholeCopies(tile.columns))
        at = k.b.createOrFold<arith::MinUIOp>(
            k.loc, at,
            k.index(c.groups * columnTiles * slices * weightSlice() - kChunk));
      Value bytes = k.loadVector(weights, at, kChunk);
      chunks.push_back(vector::BitCastOp::create(
          k.b, k.loc, k.vectorType(4, k.b.getI32Type()), bytes));
    }
    return chunks;
  }

  void storeChunk(Value chunk, Value offset) {
    Value bytes = vector::BitCastOp::create(
        k.b, k.loc, k.vectorType(kChunk, k.b.getI8Type()), chunk);
    k.storeVector(bytes, memory, offset);
  }

  /// One slice in memory, the next in registers.
  Sums sumThroughRegisters(Sums sums) {
    Sums carried = sums;
    carried.append(loadSlice(k.index(0)));
    carried = k.loop(slices, carried, [&](Value slice, ValueRange values) {
      ValueRange chunks = values.drop_front(sums.size());
      for (int64_t i = 0; i < copies(tile.rows); ++i)
        forCopy(tile.rows, i, [&] {
          storeChunk(chunks[i],
                     k.add(copyAddress, i * rowsPerCopy() * tile.depth));
        });
      chunks = chunks.drop_front(copies(tile.rows));
      Value to = k.add(weightStage(k.index(0)), k.mul(thread, kChunk));
      for (int64_t i = 0; i < copies(tile.columns); ++i)
        forCopy(tile.columns, i, [&] {
          storeChunk(chunks[i], k.add(to, i * tile.threads() * kChunk));
        });
      k.barrier();
      Value next = k.b.createOrFold<arith::MinUIOp>(k.loc, k.add(slice, 1),
                                                    k.index(slices - 1));
      Sums loaded = loadSlice(next);
      Sums result = multiplySlice(k.index(0), weightStage(k.index(0)),
                                  values.take_front(sums.size()));
      k.barrier();
      result.append(loaded);
      return result;
    });
    carried.truncate(sums.size());
    return carried;
  }

  /// `count` matrices of eight rows and 16 bytes: a word of each.
  SmallVector<Value> loadFragment(Value address, int64_t count) {
    auto type = VectorType::get({count, 4}, k.b.getI8Type());
    Value rows = nvgpu::LdMatrixOp::create(k.b, k.loc, type, memory, address,
                                           /*transpose=*/false, count);
    SmallVector<Value> words;
    for (int64_t i = 0; i < count; ++i)
      words.push_back(
          wordToInt(k, vector::ExtractOp::create(k.b, k.loc, rows, i)));
    return words;
  }

  Sums multiplySlice(Value activationsAt, Value weightsAt, ValueRange values) {
    Sums sums(values);
    for (size_t d = 0; d < activationAddress.size(); ++d) {
      SmallVector<Value> w; // two words a fragment
      Value at = k.add(weightsAt, weightAddress[d]);
      for (int64_t n = 0; n < columnFragments; n += 2)
        w.append(loadFragment(
            k.add(at, n * kFragmentColumns * tile.depth),
            columnFragments == 1 ? 2 : 4));
      at = k.add(activationsAt, activationAddress[d]);
      for (int64_t m = 0; m < rowFragments; ++m) {
        SmallVector<Value> x =
            loadFragment(k.add(at, m * kFragmentRows * tile.depth), 4);
        for (int64_t n = 0; n < columnFragments; ++n) {
          int64_t first = 4 * (m * columnFragments + n);
          auto next = k.warps.multiplyFragments(
              k.b, k.loc, c.kind, ValueRange(sums).slice(first, 4), x,
              ValueRange(w).slice(2 * n, 2));
          llvm::copy(next, sums.begin() + first);
        }
      }
    }
    return sums;
  }

  //===--- Results ---------------------------------------------------------===//

  void finish(const Sums &sums) {
    Value channel = firstChannel();
    Value row = k.add(k.add(firstRow, warpRow), laneRow);
    for (int64_t m = 0; m < rowFragments; ++m)
      for (int64_t half = 0; half < 2; ++half) {
        Value at = k.add(row, m * kFragmentRows + half * 8);
        auto emitRow = [&] { finishRow(sums, m, half, at, channel); };
        if (gather.rows() % tile.rows)
          k.when(k.less(at, gather.rows()), emitRow);
        else
          emitRow();
      }
  }

  void finishRow(const Sums &sums, int64_t m, int64_t half, Value row,
                 Value channel) {
    int64_t width = wholeWidth(channelsPerThread(), c.channels);
    for (int64_t begin = 0; begin < channelsPerThread(); begin += width) {
      SmallVector<Value> elements;
      for (int64_t i = begin; i < begin + width; ++i)
        elements.push_back(
            sums[4 * (m * columnFragments + i / 2) + 2 * half + i % 2]);
      Value first = k.add(channel, begin);
      auto emitPiece = [&] {
        Value vector = vector::FromElementsOp::create(
            k.b, k.loc, k.vectorType(width, k.b.getI32Type()), elements);
        Value column = groupChannel(first, c.channels);
        Value flat = k.add(k.mul(row, c.channels * c.groups), column);
        epilogue.emit({flat, column, width}, vector);
      };
      if (c.channels % tile.columns)
        k.when(k.less(first, c.channels), emitPiece);
      else
        emitPiece();
    }
  }

  GPUKernelBuilder &k;
  const Contraction &c;
  PointwiseEmitter &epilogue;
  Gather gather;
  BlockTile tile;
  int64_t rowTiles, columnTiles, slices, rowFragments, columnFragments;
  bool isAsync;

  Value memory, weights, bias;
  Value thread, warpRow, warpColumn, laneRow, laneColumn, firstRow, columnTile,
      group;
  SmallVector<Value> activationAddress, weightAddress; // per 32 bytes of depth
  Value copyChunk, copyAddress, weightBase;
  SmallVector<Value> rowBases;
};
} // namespace

void gpu_kernels::emitOnTensorCores(GPUKernelBuilder &k, const Contraction &c,
                                    PointwiseEmitter &epilogue) {
  TensorCoreEmitter(k, c, epilogue).emit();
}
