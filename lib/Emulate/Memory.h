//===- Memory.h - memory that knows who touched it --------------*- C++ -*-===//
#ifndef DYADIC_LIB_EMULATE_MEMORY_H
#define DYADIC_LIB_EMULATE_MEMORY_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dyadic::emulate {

/// Most threads a block may have; as a lane: several threads.
constexpr unsigned kMaxLanes = 1024, kSeveralLanes = 2047;

/// What is wrong with an access, and the other party.
struct Fault {
  enum Reason {
    None,
    Uninitialized,
    Pending,
    WriteRace,
    ReadRace
  } reason = None;
  /// The first byte concerned, from the beginning of the memory.
  int64_t byte = 0;
  /// The thread that the access collides with; kSeveralLanes: more than one.
  unsigned lane = 0;
  /// Global memory: its block, or −1 for several.
  int64_t block = 0;

  explicit operator bool() const { return reason != None; }
};

/// Workgroup memory of one block with, for each byte, who wrote and who read it
/// since the last barrier. Two accesses of one byte by different threads, of
/// which one writes, are a race unless a barrier lies between them.
class WorkgroupMemory {
public:
  void resize(int64_t bytes);
  int64_t size() const { return data.size(); }
  char *bytes() { return data.data(); }

  /// Forgets all contents.
  void beginBlock();
  void barrier();

  Fault read(int64_t byte, int64_t count, unsigned lane);
  Fault write(int64_t byte, int64_t count, unsigned lane);
  /// The bytes are the target of an asynchronous copy of `lane`: nobody may
  /// touch them until `arrive`.
  Fault depart(int64_t byte, int64_t count, unsigned lane);
  void arrive(int64_t byte, int64_t count, unsigned lane);

private:
  /// An epoch (21 bits) and a lane (11 bits).
  struct Shadow {
    uint32_t written = 0, read = 0;
    uint32_t pending = 0; // 1 + lane
  };
  std::vector<char> data;
  std::vector<Shadow> shadows;
  uint32_t epoch = 1, firstEpoch = 1;
};

/// A buffer of the host: an argument of the entry or a constant. While a kernel
/// runs that writes to it, it has the same shadows, for all blocks.
class GlobalMemory {
public:
  char *data = nullptr;
  int64_t size = 0;
  /// The alignment of its address: that of device memory as it is allocated.
  static constexpr int64_t alignment = 256;
  bool isConstant = false;
  std::string name;

  /// Forgets what earlier launches did with these bytes; from now on accesses
  /// of them are watched.
  void watch(int64_t byte, int64_t count);

  struct Party {
    int64_t block;
    unsigned lane;
    uint32_t epoch;
  };
  Fault read(int64_t byte, int64_t count, Party who);
  Fault write(int64_t byte, int64_t count, Party who);

private:
  struct Shadow {
    std::atomic<uint64_t> written, read;
  };
  /// One for each byte of `data`; allocated with the first launch that writes.
  std::unique_ptr<Shadow[]> shadows;
};

} // namespace dyadic::emulate

#endif
