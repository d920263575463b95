//===- MemoryPlanner.h - offsets for buffers with lifetimes -----*- C++ -*-===//
#ifndef DYADIC_FUSE_MEMORYPLANNER_H
#define DYADIC_FUSE_MEMORYPLANNER_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace dyadic {

/// `size` bytes that must stay from step `first` to step `last`, both included.
struct PlannedBuffer {
  int64_t size = 0;
  int64_t first = 0;
  int64_t last = 0;
  /// Set by planMemory.
  int64_t offset = 0;

  bool livesWith(const PlannedBuffer &other) const {
    return first <= other.last && other.first <= last;
  }
};

/// Gives every buffer an offset, a multiple of `alignment`, such that buffers
/// that live at the same step don't overlap. The largest are placed first, each
/// into the smallest gap that holds it. Returns the number of bytes used.
int64_t planMemory(llvm::MutableArrayRef<PlannedBuffer> buffers,
                   int64_t alignment);

} // namespace dyadic

#endif
