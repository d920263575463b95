//===- MemoryPlannerTest.cpp ----------------------------------------------===//
#include "dyadic/Fuse/MemoryPlanner.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <random>
#include <vector>

using namespace dyadic;

namespace {

/// The most bytes that live at one step: no plan needs fewer.
int64_t lowerBound(const std::vector<PlannedBuffer> &buffers, int64_t steps) {
  int64_t most = 0;
  for (int64_t step = 0; step < steps; ++step) {
    int64_t live = 0;
    for (const PlannedBuffer &b : buffers)
      live += b.first <= step && step <= b.last ? b.size : 0;
    most = std::max(most, live);
  }
  return most;
}

void expectValid(const std::vector<PlannedBuffer> &buffers, int64_t bytes,
                 int64_t alignment) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    const PlannedBuffer &a = buffers[i];
    EXPECT_EQ(a.offset % alignment, 0);
    EXPECT_GE(a.offset, 0);
    EXPECT_LE(a.offset + a.size, bytes);
    for (size_t j = 0; j < i; ++j) {
      const PlannedBuffer &b = buffers[j];
      if (!a.livesWith(b))
        continue;
      EXPECT_TRUE(a.offset + a.size <= b.offset ||
                  b.offset + b.size <= a.offset)
          << "buffers " << j << " and " << i;
    }
  }
}

TEST(MemoryPlannerTest, NothingNeedsNothing) {
  std::vector<PlannedBuffer> buffers;
  EXPECT_EQ(planMemory(buffers, 64), 0);
}

TEST(MemoryPlannerTest, AChainAlternatesBetweenTwoPlaces) {
  std::vector<PlannedBuffer> buffers;
  for (int64_t i = 0; i < 6; ++i)
    buffers.push_back({128, i, i + 1});
  EXPECT_EQ(planMemory(buffers, 64), 256);
  expectValid(buffers, 256, 64);
}

TEST(MemoryPlannerTest, LifetimesThatTouchConflict) {
  // The second is written at the step that reads the first.
  std::vector<PlannedBuffer> buffers{{100, 0, 1}, {100, 1, 2}, {100, 2, 3}};
  EXPECT_EQ(planMemory(buffers, 64), 228);
  EXPECT_EQ(buffers[0].offset, buffers[2].offset);
}

TEST(MemoryPlannerTest, TheSmallestGapThatFitsIsTaken) {
  // Gaps of 256 and 128 bytes are free at step 9; 128 bytes go into the second.
  std::vector<PlannedBuffer> buffers{
      {1024, 0, 9}, {512, 0, 9}, {256, 0, 1}, {192, 0, 9},
      {150, 0, 1},  {140, 0, 9}, {128, 9, 9}};
  int64_t bytes = planMemory(buffers, 64);
  expectValid(buffers, bytes, 64);
  EXPECT_EQ(buffers.back().offset, buffers[4].offset);
}

TEST(MemoryPlannerTest, EmptyBuffersTakeNoRoom) {
  std::vector<PlannedBuffer> buffers{{0, 0, 5}, {64, 0, 5}, {0, 2, 3}};
  EXPECT_EQ(planMemory(buffers, 64), 64);
}

TEST(MemoryPlannerTest, RandomPlansAreValidAndTight) {
  std::mt19937 random(7);
  double worst = 1;
  for (int round = 0; round < 200; ++round) {
    int64_t steps = 1 + random() % 60;
    std::vector<PlannedBuffer> buffers;
    for (int64_t i = 0, n = random() % 80; i < n; ++i) {
      int64_t first = random() % steps;
      int64_t last = std::min<int64_t>(steps - 1, first + random() % 6);
      buffers.push_back({64 * (1 + int64_t(random() % 50)), first, last});
    }
    int64_t bytes = planMemory(buffers, 64);
    expectValid(buffers, bytes, 64);
    int64_t bound = lowerBound(buffers, steps);
    EXPECT_GE(bytes, bound);
    if (bound)
      worst = std::max(worst, double(bytes) / bound);
  }
  EXPECT_LT(worst, 1.6);
}

} // namespace
