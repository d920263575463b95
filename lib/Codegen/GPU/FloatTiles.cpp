//===- FloatTiles.cpp - products of float matrices on a GPU ---------------===//
//
// A block of 128 threads makes 64 × 64 sums, 16 products of each at a time. The
// slice of the left operand lies [depth][row] in the block's memory, that of the
// right one [depth][column]; a thread multiplies eight rows by four columns. The
// next slice is loaded while the present one is multiplied.
//
//===----------------------------------------------------------------------===//
#include "FloatTiles.h"

#include "Gather.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

namespace {
constexpr int64_t kThreads = 128, kRows = 64,
                  kColumns = gpu_kernels::kFloatTileColumns,
                  kDepth = gpu_kernels::kFloatTileDepth, kThreadRows = 8,
                  kThreadColumns = 4;
/// Rows of the left slice lie apart, so that its columns are stored to
/// different banks.
constexpr int64_t kLeftStride = kRows + 4;

class FloatTileEmitter {
public:
  FloatTileEmitter(GPUKernelBuilder &k,
                   const gpu_kernels::FloatProduct &product,
                   PointwiseEmitter &epilogue)
      : k(k), p(product), epilogue(epilogue),
        slices(llvm::divideCeil(p.depth, kDepth)) {}

  void emit() {
    k.launch(kThreads, llvm::divideCeil(p.rows, kRows),
             llvm::divideCeil(p.columns, kColumns), p.matrices);
    // ptxas would rather spill than keep fewer blocks on a processor.
    k.getGPUFunction()->setDiscardableAttr("nvvm.minctasm",
                                           k.b.getI32IntegerAttr(1));
    left = k.workgroupMemory(kDepth * kLeftStride, k.b.getF32Type());
    right = k.workgroupMemory(kDepth * kColumns, k.b.getF32Type());
    Value thread = k.thread();
    matrix = p.matrices == 1 ? k.index(0) : k.block(gpu::Dimension::z);
    firstRow = k.mul(k.block(gpu::Dimension::x), kRows);
    firstColumn = k.mul(k.block(gpu::Dimension::y), kColumns);
    threadRow = k.mul(k.div(thread, kColumns / kThreadColumns), kThreadRows);
    threadColumn =
        k.mul(k.rem(thread, kColumns / kThreadColumns), kThreadColumns);

    // Four products of a row: the threads take 32 rows at once.
    copyRow = k.div(thread, kDepth / 4);
    copyDepth = k.mul(k.rem(thread, kDepth / 4), 4);
    for (int64_t i = 0; i < kRows; i += kThreads / (kDepth / 4))
      rowBases.push_back(p.rowBase(
          matrix, clamp(k.add(k.add(firstRow, copyRow), i), p.rows - 1)));
    // Four columns: the threads take eight of a slice's depth at once.
    copyLine = k.div(thread, kColumns / 4);
    copyColumn = k.mul(k.rem(thread, kColumns / 4), 4);

    KernelBuilder::Carried sums(
        kThreadRows, p.initial(matrix, k.add(firstColumn, threadColumn)));
    KernelBuilder::Carried carried = sums;
    carried.append(loadSlice(k.index(0)));
    carried = k.loop(slices, carried, [&](Value slice, ValueRange values) {
      storeSlice(values.drop_front(kThreadRows));
      k.barrier();
      auto next = loadSlice(clamp(k.add(slice, 1), slices - 1));
      auto result = multiplySlice(values.take_front(kThreadRows));
      k.barrier();
      result.append(next);
      return result;
    });
    finish(ValueRange(carried).take_front(kThreadRows));
  }

private:
  Value clamp(Value index, int64_t last) {
    return k.b.createOrFold<arith::MinUIOp>(k.loc, index, k.index(last));
  }

  KernelBuilder::Carried loadSlice(Value slice) {
    KernelBuilder::Carried loaded;
    Value depth = k.mul(slice, kDepth);
    for (Value base : rowBases)
      loaded.push_back(p.loadLeft(base, k.add(depth, copyDepth)));
    Value column = k.add(firstColumn, copyColumn);
    for (int64_t i = 0; i < kDepth; i += kThreads / (kColumns / 4))
      loaded.push_back(
          p.loadRight(matrix, k.add(k.add(depth, copyLine), i), column));
    return loaded;
  }

  void storeSlice(ValueRange loaded) {
    for (size_t i = 0; i < rowBases.size(); ++i)
      for (int64_t d = 0; d < 4; ++d) {
        Value row = k.add(copyRow, i * (kThreads / (kDepth / 4)));
        Value at = k.add(k.mul(k.add(copyDepth, d), kLeftStride), row);
        Value x = vector::ExtractOp::create(k.b, k.loc, loaded[i], d);
        memref::StoreOp::create(k.b, k.loc, x, left, at);
      }
    for (auto [i, columns] :
         llvm::enumerate(loaded.drop_front(rowBases.size()))) {
      Value line = k.add(copyLine, i * (kThreads / (kColumns / 4)));
      k.storeVector(columns, right, k.add(k.mul(line, kColumns), copyColumn));
    }
  }

  KernelBuilder::Carried multiplySlice(ValueRange values) {
    KernelBuilder::Carried sums(values);
    for (int64_t d = 0; d < kDepth; ++d) {
      Value w = k.loadVector(right, k.add(threadColumn, d * kColumns), 4);
      Value at = k.add(threadRow, d * kLeftStride);
      for (int64_t r = 0; r < kThreadRows; ++r) {
        if (r % 4 == 0)
          rows = k.loadVector(left, k.add(at, r), 4);
        Value x = vector::ExtractOp::create(k.b, k.loc, rows, r % 4);
        Value splat = vector::BroadcastOp::create(k.b, k.loc, w.getType(), x);
        sums[r] = k.warps.multiplyAdd(k.b, k.loc, OperandKind::F32, sums[r],
                                      splat, w);
      }
    }
    return sums;
  }

  void finish(ValueRange sums) {
    int64_t width = wholeWidth(kThreadColumns, p.columns);
    Value column = k.add(firstColumn, threadColumn);
    for (int64_t r = 0; r < kThreadRows; ++r) {
      Value row = k.add(k.add(firstRow, threadRow), r);
      for (int64_t begin = 0; begin < kThreadColumns; begin += width) {
        Value first = k.add(column, begin);
        Value inside = arith::AndIOp::create(
            k.b, k.loc, k.less(row, p.rows), k.less(first, p.columns));
        k.when(inside, [&] {
          Value piece = sums[r];
          if (width < kThreadColumns)
            piece = vector::ExtractStridedSliceOp::create(
                k.b, k.loc, piece, ArrayRef<int64_t>{begin},
                ArrayRef<int64_t>{width}, ArrayRef<int64_t>{1});
          epilogue.emit(p.position(matrix, row, first, width), piece);
        });
      }
    }
  }

  GPUKernelBuilder &k;
  const gpu_kernels::FloatProduct &p;
  PointwiseEmitter &epilogue;
  int64_t slices;
  Value left, right, matrix, firstRow, firstColumn, threadRow, threadColumn;
  Value copyRow, copyDepth, copyLine, copyColumn, rows;
  SmallVector<Value> rowBases;
};
} // namespace

bool gpu_kernels::suitsFloatTiles(int64_t rows, int64_t columns,
                                  int64_t depth) {
  return rows >= 32 && columns >= 16 && depth >= 16;
}

void gpu_kernels::emitFloatTiles(GPUKernelBuilder &k,
                                 const FloatProduct &product,
                                 PointwiseEmitter &epilogue) {
  FloatTileEmitter(k, product, epilogue).emit();
}
