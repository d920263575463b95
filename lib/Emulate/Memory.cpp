//===- Memory.cpp ---------------------------------------------------------===//
#include "Memory.h"

#include <algorithm>

namespace dyadic::emulate {

//===--- Workgroup memory -------------------------------------------------===//

static constexpr unsigned kLaneBits = 11;
static constexpr uint32_t kLaneMask = (1u << kLaneBits) - 1;
static constexpr uint32_t kLastEpoch = (1u << (32 - kLaneBits)) - 2;

static uint32_t epochOf(uint32_t stamp) { return stamp >> kLaneBits; }
static uint32_t laneOf(uint32_t stamp) { return stamp & kLaneMask; }

void WorkgroupMemory::resize(int64_t bytes) {
  data.assign(bytes, 0);
  shadows.assign(bytes, Shadow());
  epoch = firstEpoch = 1;
}

void WorkgroupMemory::beginBlock() {
  for (Shadow &shadow : shadows)
    shadow.pending = 0;
  barrier();
  firstEpoch = epoch;
}

void WorkgroupMemory::barrier() {
  if (++epoch < kLastEpoch)
    return;
  // Start over; what was written stays known as written, in the first epoch.
  for (Shadow &shadow : shadows) {
    shadow.written =
        epochOf(shadow.written) >= firstEpoch ? 1u << kLaneBits : 0;
    shadow.read = 0;
  }
  firstEpoch = 1;
  epoch = 2;
}

Fault WorkgroupMemory::read(int64_t byte, int64_t count, unsigned lane) {
  uint32_t stamp = epoch << kLaneBits | lane;
  for (int64_t i = byte; i < byte + count; ++i) {
    Shadow &shadow = shadows[i];
    if (shadow.pending)
      return {Fault::Pending, i, shadow.pending - 1};
    uint32_t when = epochOf(shadow.written);
    if (when < firstEpoch)
      return {Fault::Uninitialized, i};
    if (when == epoch && laneOf(shadow.written) != lane)
      return {Fault::WriteRace, i, laneOf(shadow.written)};
    if (epochOf(shadow.read) != epoch || shadow.read == stamp)
      shadow.read = stamp;
    else
      shadow.read = stamp | kSeveralLanes;
  }
  return {};
}

Fault WorkgroupMemory::write(int64_t byte, int64_t count, unsigned lane) {
  uint32_t stamp = epoch << kLaneBits | lane;
  for (int64_t i = byte; i < byte + count; ++i) {
    Shadow &shadow = shadows[i];
    if (shadow.pending)
      return {Fault::Pending, i, shadow.pending - 1};
    if (epochOf(shadow.written) == epoch && laneOf(shadow.written) != lane)
      return {Fault::WriteRace, i, laneOf(shadow.written)};
    if (epochOf(shadow.read) == epoch && laneOf(shadow.read) != lane)
      return {Fault::ReadRace, i, laneOf(shadow.read)};
    shadow.written = stamp;
  }
  return {};
}

Fault WorkgroupMemory::depart(int64_t byte, int64_t count, unsigned lane) {
  if (Fault fault = write(byte, count, lane))
    return fault;
  for (int64_t i = byte; i < byte + count; ++i)
    shadows[i].pending = 1 + lane;
  return {};
}

void WorkgroupMemory::arrive(int64_t byte, int64_t count, unsigned lane) {
  for (int64_t i = byte; i < byte + count; ++i) {
    shadows[i].pending = 0;
    shadows[i].written = epoch << kLaneBits | lane;
  }
}

//===--- Global memory ----------------------------------------------------===//

// A stamp is a block (32 bits, from 1), an epoch (21) and a lane (11).
static constexpr uint64_t kSeveralBlocks = 0xffffffffu;

static uint64_t stampOf(GlobalMemory::Party who) {
  return uint64_t(who.block + 1) << 32 | uint32_t(who.epoch << kLaneBits) |
         who.lane;
}
static int64_t blockOf(uint64_t stamp) {
  return stamp >> 32 == kSeveralBlocks ? -1 : int64_t(stamp >> 32) - 1;
}

/// Whether two accesses are in one thread, or in one block with a barrier in
/// between.
static bool areOrdered(uint64_t earlier, uint64_t later) {
  return earlier >> 32 == later >> 32 &&
         (uint32_t(earlier) == uint32_t(later) ||
          epochOf(uint32_t(earlier)) < epochOf(uint32_t(later)) ||
          laneOf(uint32_t(earlier)) == laneOf(uint32_t(later)));
}

void GlobalMemory::watch(int64_t byte, int64_t count) {
  if (!shadows)
    shadows = std::make_unique<Shadow[]>(std::max<int64_t>(size, 1));
  for (int64_t i = byte; i < byte + count; ++i) {
    shadows[i].written.store(0, std::memory_order_relaxed);
    shadows[i].read.store(0, std::memory_order_relaxed);
  }
}

Fault GlobalMemory::read(int64_t byte, int64_t count, Party who) {
  uint64_t stamp = stampOf(who);
  for (int64_t i = byte; i < byte + count; ++i) {
    Shadow &shadow = shadows[i];
    uint64_t known = shadow.read.exchange(stamp);
    if (known && known != stamp && !areOrdered(known, stamp))
      shadow.read.store(known >> 32 == stamp >> 32 ? stamp | kSeveralLanes
                                                   : kSeveralBlocks << 32);
    uint64_t writer = shadow.written.load();
    if (writer && !areOrdered(writer, stamp))
      return {Fault::WriteRace, i, laneOf(uint32_t(writer)), blockOf(writer)};
  }
  return {};
}

Fault GlobalMemory::write(int64_t byte, int64_t count, Party who) {
  uint64_t stamp = stampOf(who);
  for (int64_t i = byte; i < byte + count; ++i) {
    Shadow &shadow = shadows[i];
    uint64_t writer = shadow.written.exchange(stamp);
    if (writer && !areOrdered(writer, stamp))
      return {Fault::WriteRace, i, laneOf(uint32_t(writer)), blockOf(writer)};
    uint64_t reader = shadow.read.load();
    if (reader && !areOrdered(reader, stamp))
      return {Fault::ReadRace, i, laneOf(uint32_t(reader)), blockOf(reader)};
  }
  return {};
}

} // namespace dyadic::emulate
