//===- RowPieces.cpp ------------------------------------------------------===//
#include "RowPieces.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dyadic;
using namespace dyadic::codegen;

RowPieces codegen::cutRow(int64_t count, int64_t width) {
  RowPieces pieces;
  for (int64_t at = 0; at < count; at += pieces.back().width)
    pieces.push_back(
        {at, std::min<int64_t>(width, llvm::bit_floor(uint64_t(count - at)))});
  return pieces;
}

static int64_t widthOf(Value vector) {
  return cast<VectorType>(vector.getType()).getNumElements();
}

static Value half(KernelBuilder &k, Value vector, bool upper) {
  int64_t n = widthOf(vector) / 2;
  return sliceLanes(k, vector, upper ? n : 0, n);
}

Value codegen::combineLanes(KernelBuilder &k, ArrayRef<Value> vectors,
                            llvm::function_ref<Value(Value, Value)> combine) {
  // Widths never grow along the list: neighbours of the first one's width are
  // paired, and a widest one that is alone is halved.
  SmallVector<Value> left(vectors);
  while (left.size() > 1 || widthOf(left.front()) > 1) {
    int64_t width = widthOf(left.front());
    SmallVector<Value> next;
    size_t i = 0;
    for (; i + 1 < left.size() && widthOf(left[i + 1]) == width; i += 2)
      next.push_back(combine(left[i], left[i + 1]));
    if (i == 0) {
      next.push_back(
          combine(half(k, left[0], false), half(k, left[0], true)));
      i = 1;
    }
    next.append(left.begin() + i, left.end());
    left = std::move(next);
  }
  return left.front();
}

Value codegen::spreadLane(KernelBuilder &k, Value one, int64_t width) {
  if (width == 1)
    return one;
  Type element = cast<VectorType>(one.getType()).getElementType();
  return vector::BroadcastOp::create(k.b, k.loc, k.vectorType(width, element),
                                     one);
}

void codegen::emitRow(KernelBuilder &k, ResultSink &sink, Value base, Value channel,
                      ArrayRef<RowPiece> pieces, ArrayRef<AnchorVectors> vectors) {
  // Where bytes are packed, the last register of some may have idle lanes.
  bool packs = k.target.packedRegisters() > 1 && !sink.isDirect();
  for (size_t i = 0, count; i < pieces.size(); i += count) {
    int64_t width = pieces[i].width;
    count = 1;
    if (packs && width == k.target.lanes())
      while (count < 4 && i + count < pieces.size() &&
             pieces[i + count - 1].width == width)
        ++count;
    else
      while (count < 4 && i + 2 * count <= pieces.size() &&
             pieces[i + 2 * count - 1].width == width)
        count *= 2;
    int64_t elements = 0;
    for (RowPiece piece : pieces.slice(i, count))
      elements += piece.width;
    auto join = [&](Value AnchorVectors::*which) -> Value {
      auto parts = llvm::map_to_vector(vectors.slice(i, count),
                                       [&](AnchorVectors v) { return v.*which; });
      return parts.front() ? k.concatenate(parts, elements) : Value();
    };
    sink.emit({k.add(base, pieces[i].at), k.add(channel, pieces[i].at), elements},
              {join(&AnchorVectors::plain), join(&AnchorVectors::scaled)});
  }
}
