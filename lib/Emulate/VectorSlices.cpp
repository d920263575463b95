//===- VectorSlices.cpp - slices and permutations of vectors --------------===//
#include "OpTable.h"
#include "Rows.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dyadic::emulate {

static SmallVector<int64_t> integersOf(ArrayAttr array) {
  return llvm::map_to_vector(
      array, [](Attribute value) { return cast<IntegerAttr>(value).getInt(); });
}

/// Calls `visit` with the index of each component of `shape` in order.
static void forEachIndex(ArrayRef<int64_t> shape,
                         llvm::function_ref<void(ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  while (true) {
    visit(index);
    int64_t d = int64_t(shape.size()) - 1;
    for (; d >= 0 && ++index[d] == shape[d]; --d)
      index[d] = 0;
    if (d < 0)
      return;
  }
}

LogicalResult compileExtractSlice(Compiler &compiler, Operation *op,
                                  const OpEntry &) {
  auto slice = cast<vector::ExtractStridedSliceOp>(op);
  VectorType from = slice.getSourceVectorType();
  auto offsets = integersOf(slice.getOffsets()),
       strides = integersOf(slice.getStrides());
  RowBuilder rows(compiler, op);
  int64_t to = 0;
  forEachIndex(cast<VectorType>(op->getResult(0).getType()).getShape(),
               [&](ArrayRef<int64_t> index) {
                 SmallVector<int64_t> position(index);
                 for (size_t d = 0; d < offsets.size(); ++d)
                   position[d] = offsets[d] + index[d] * strides[d];
                 rows.copy(to++, slice.getSource(), linearize(from, position));
               });
  return rows.finish();
}

LogicalResult compileInsertSlice(Compiler &compiler, Operation *op,
                                 const OpEntry &) {
  auto slice = cast<vector::InsertStridedSliceOp>(op);
  auto from = slice.getSourceVectorType(), to = slice.getDestVectorType();
  auto offsets = integersOf(slice.getOffsets()),
       strides = integersOf(slice.getStrides());
  RowBuilder rows(compiler, op);
  SmallVector<int64_t> source(rows.components(), -1);
  int64_t number = 0, lead = to.getRank() - from.getRank();
  forEachIndex(from.getShape(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> position(offsets);
    for (int64_t d = 0; d < from.getRank(); ++d)
      position[lead + d] += index[d] * strides[d];
    source[linearize(to, position)] = number++;
  });
  for (auto [i, part] : llvm::enumerate(source))
    rows.copy(i, part < 0 ? slice.getDest() : slice.getValueToStore(),
              part < 0 ? int64_t(i) : part);
  return rows.finish();
}

LogicalResult compileShuffleVector(Compiler &compiler, Operation *op,
                                   const OpEntry &) {
  auto shuffle = cast<vector::ShuffleOp>(op);
  VectorType v1 = shuffle.getV1VectorType();
  int64_t first = v1.getRank() == 0 ? 1 : v1.getDimSize(0);
  int64_t inner = v1.getNumElements() / first;
  RowBuilder rows(compiler, op);
  int64_t to = 0;
  for (int64_t which : shuffle.getMask())
    for (int64_t i = 0; i < inner; ++i, ++to) {
      int64_t from = std::max<int64_t>(which, 0); // −1: anything
      if (from < first)
        rows.copy(to, shuffle.getV1(), from * inner + i);
      else
        rows.copy(to, shuffle.getV2(), (from - first) * inner + i);
    }
  return rows.finish();
}

LogicalResult compileInterleave(Compiler &compiler, Operation *op,
                                const OpEntry &) {
  RowBuilder rows(compiler, op);
  for (int64_t i = 0; i < rows.components(); ++i)
    rows.copy(i, op->getOperand(i % 2), i / 2);
  return rows.finish();
}

LogicalResult compileTranspose(Compiler &compiler, Operation *op,
                               const OpEntry &) {
  auto transpose = cast<vector::TransposeOp>(op);
  auto from = transpose.getSourceVectorType();
  RowBuilder rows(compiler, op);
  int64_t to = 0;
  forEachIndex(
      transpose.getResultVectorType().getShape(), [&](ArrayRef<int64_t> index) {
        SmallVector<int64_t> position(index.size());
        for (auto [i, d] : llvm::enumerate(transpose.getPermutation()))
          position[d] = index[i];
        rows.copy(to++, transpose.getVector(), linearize(from, position));
      });
  return rows.finish();
}

} // namespace dyadic::emulate
