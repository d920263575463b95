//===- MemoryPlanner.cpp - offsets for buffers with lifetimes -------------===//
#include "dyadic/Fuse/MemoryPlanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

using namespace dyadic;

/// The start of the smallest gap of at least `size` bytes between `placed`
/// buffers, which are in order of offset; behind them all if there is none.
static int64_t
bestFit(int64_t size, int64_t alignment,
        llvm::ArrayRef<const PlannedBuffer *> placed) {
  int64_t end = 0, best = -1, bestGap = INT64_MAX;
  for (const PlannedBuffer *buffer : placed) {
    int64_t gap = buffer->offset - end;
    if (gap >= size && gap < bestGap) {
      best = end;
      bestGap = gap;
    }
    int64_t bufferEnd = buffer->offset + buffer->size;
    end = std::max<int64_t>(end, llvm::alignTo(bufferEnd, alignment));
  }
  return best < 0 ? end : best;
}

int64_t dyadic::planMemory(llvm::MutableArrayRef<PlannedBuffer> buffers,
                           int64_t alignment) {
  llvm::SmallVector<PlannedBuffer *> order;
  for (PlannedBuffer &buffer : buffers)
    order.push_back(&buffer);
  // Of the same size, the first in the array.
  llvm::sort(order, [](const PlannedBuffer *a, const PlannedBuffer *b) {
    return a->size != b->size ? a->size > b->size : a < b;
  });

  int64_t bytes = 0;
  llvm::SmallVector<const PlannedBuffer *> placed; // in order of offset
  for (PlannedBuffer *buffer : order) {
    auto conflicts = llvm::to_vector(llvm::make_filter_range(
        placed, [&](const PlannedBuffer *p) { return p->livesWith(*buffer); }));
    buffer->offset = bestFit(buffer->size, alignment, conflicts);
    bytes = std::max(bytes, buffer->offset + buffer->size);
    auto position =
        llvm::upper_bound(placed, buffer,
                          [](const PlannedBuffer *a, const PlannedBuffer *b) {
                            return a->offset < b->offset;
                          });
    placed.insert(position, buffer);
  }
  return bytes;
}
