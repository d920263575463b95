//===- Pieces.cpp - the pieces of a result as threads ---------------------===//
#include "GPUKernelBuilder.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

/// Bytes of the widest element that a kernel reads or writes.
static int64_t widestElement(KernelOp kernel) {
  int64_t bits = 8;
  for (Type type : llvm::concat<Type>(
           llvm::to_vector(kernel.getInputs().getTypes()),
           llvm::to_vector(kernel.getOutputs().getTypes())))
    bits = std::max<int64_t>(
        bits, cast<RankedTensorType>(type).getElementTypeBitWidth());
  return bits / 8;
}

int64_t PieceGrid::perRow() const { return llvm::divideCeil(count, width); }

int64_t PieceGrid::size() const {
  int64_t rows = 1;
  for (int64_t extent : extents)
    rows *= extent;
  return rows * perRow();
}

PieceGrid GPUKernelBuilder::divide(ArrayRef<int64_t> extents, int64_t count,
                                   int64_t most) {
  PieceGrid grid{llvm::to_vector(extents), count, 1};
  int64_t elements = grid.size(), bytes = widestElement(kernel);
  // Accesses of 16 bytes, but not at the price of idle processors.
  constexpr int64_t enough = 1 << 20;
  if (elements < enough)
    most = std::min<int64_t>(most, 4);
  most = std::min(most, 16 / bytes);
  grid.width = llvm::bit_floor<uint64_t>(most);
  // Of several rows all begin at a multiple of what divides their length. Fewer
  // than 4 bytes at a time are not worth it.
  if (elements != count)
    grid.width = std::min(grid.width, std::max(count & -count, 4 / bytes));
  return grid;
}

void GPUKernelBuilder::emitPiece(const PieceGrid &grid, Value number,
                                 PieceBody body) {
  int64_t tail = grid.count % grid.width, perRow = grid.perRow();
  Value start = mul(rem(number, perRow), grid.width);
  SmallVector<Value> outer = coordinates(div(number, perRow), grid.extents);
  if (!tail)
    return body(outer, start, grid.width);
  if (perRow == 1)
    return body(outer, start, tail);
  whenElse(less(start, grid.count - tail),
           [&] { body(outer, start, grid.width); },
           [&] { body(outer, start, tail); });
}

void GPUKernelBuilder::forPieces(ArrayRef<int64_t> extents, int64_t count,
                                 int64_t width, PieceBody body) {
  PieceGrid grid = divide(extents, count, width);
  forThreads(grid.size(), [&](Value item) { emitPiece(grid, item, body); });
}

SmallVector<Value> GPUKernelBuilder::coordinates(Value number,
                                                 ArrayRef<int64_t> extents) {
  SmallVector<Value> result(extents.size());
  // A leading extent of one says nothing about the number.
  size_t leading = 0;
  while (leading + 1 < extents.size() && extents[leading] == 1)
    result[leading++] = index(0);
  for (size_t i = extents.size(); i-- > leading;) {
    result[i] = i == leading ? number : rem(number, extents[i]);
    if (i != leading)
      number = div(number, extents[i]);
  }
  return result;
}
