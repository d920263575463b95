//===- Accounting.cpp - malloc that counts --------------------------------===//
//
// libFuzzer's own limits need a sanitizer or look at all of the process; this
// counts what is in use, whoever asks for it, libMLIR too. With a sanitizer,
// which has a malloc of its own, nothing is counted.
//
//===----------------------------------------------------------------------===//
#include "Accounting.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>

static std::atomic<int64_t> inUse{0}, most{INT64_MAX};

namespace dyadic::fuzz {
Allowance::Allowance(size_t inputBytes) {
  most = inUse + (int64_t{256} << 20) + 256 * static_cast<int64_t>(inputBytes);
}
Allowance::~Allowance() { most = INT64_MAX; }
} // namespace dyadic::fuzz

#if !__has_feature(address_sanitizer)
extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);
}

static void add(int64_t bytes) {
  if ((inUse += bytes) <= most)
    return;
  most = INT64_MAX; // reporting allocates, too
  std::fprintf(stderr, "error: an allocation beyond what a file of this size may cost\n");
  std::abort();
}

static int64_t sizeOf(void *block) {
  return block ? static_cast<int64_t>(malloc_usable_size(block)) : 0;
}

/// Checked before it is made, so that a terabyte is not a lack of memory.
static void ask(size_t bytes) {
  if (bytes > static_cast<uint64_t>(INT64_MAX) ||
      inUse + static_cast<int64_t>(bytes) > most)
    add(INT64_MAX / 2);
}

extern "C" {
void *malloc(size_t bytes) {
  ask(bytes);
  void *block = __libc_malloc(bytes);
  add(sizeOf(block));
  return block;
}
void *calloc(size_t count, size_t each) {
  size_t bytes;
  if (!__builtin_mul_overflow(count, each, &bytes))
    ask(bytes);
  void *block = __libc_calloc(count, each);
  add(sizeOf(block));
  return block;
}
void *realloc(void *from, size_t bytes) {
  int64_t before = sizeOf(from);
  ask(bytes);
  void *block = __libc_realloc(from, bytes);
  if (block || bytes == 0)
    add(sizeOf(block) - before);
  return block;
}
void *memalign(size_t alignment, size_t bytes) {
  ask(bytes);
  void *block = __libc_memalign(alignment, bytes);
  add(sizeOf(block));
  return block;
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  return memalign(alignment, bytes);
}
int posix_memalign(void **block, size_t alignment, size_t bytes) {
  *block = memalign(alignment, bytes);
  return *block || bytes == 0 ? 0 : ENOMEM;
}
void free(void *block) {
  inUse -= sizeOf(block);
  __libc_free(block);
}
}
#endif
