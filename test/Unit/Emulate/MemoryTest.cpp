//===- MemoryTest.cpp - the books about who touched which byte ------------===//
#include "Memory.h"

#include "gtest/gtest.h"

using namespace dyadic::emulate;

namespace {
TEST(WorkgroupMemory, RemembersAcrossTheLastEpoch) {
  // The books count barriers in 21 bits and begin again after that.
  WorkgroupMemory memory;
  memory.resize(8);
  memory.beginBlock();
  EXPECT_FALSE(memory.write(0, 4, 3));
  for (int i = 0; i < (1 << 21) + 5; ++i) {
    memory.barrier();
    if (i % 1000 == 0)
      ASSERT_FALSE(memory.read(0, 4, i % 7)) << i;
    Fault fault = memory.read(4, 1, 0);
    ASSERT_EQ(fault.reason, Fault::Uninitialized) << i;
  }
  EXPECT_FALSE(memory.write(0, 1, 5));
  Fault fault = memory.read(0, 1, 6);
  EXPECT_EQ(fault.reason, Fault::WriteRace);
  EXPECT_EQ(fault.lane, 5u);
}

TEST(WorkgroupMemory, ForgetsWithTheBlock) {
  WorkgroupMemory memory;
  memory.resize(4);
  memory.beginBlock();
  EXPECT_FALSE(memory.depart(0, 4, 1));
  memory.beginBlock();
  EXPECT_EQ(memory.read(0, 1, 1).reason, Fault::Uninitialized);
}

TEST(WorkgroupMemory, CopiesOnTheirWayBelongToNobody) {
  WorkgroupMemory memory;
  memory.resize(4);
  memory.beginBlock();
  EXPECT_FALSE(memory.depart(0, 4, 1));
  memory.barrier();
  EXPECT_EQ(memory.read(3, 1, 1).reason, Fault::Pending);
  EXPECT_EQ(memory.write(3, 1, 1).reason, Fault::Pending);
  EXPECT_EQ(memory.depart(0, 4, 1).reason, Fault::Pending);
  memory.arrive(0, 4, 1);
  EXPECT_FALSE(memory.read(3, 1, 1));
  EXPECT_EQ(memory.read(3, 1, 2).reason, Fault::WriteRace);
  memory.barrier();
  EXPECT_FALSE(memory.read(3, 1, 2));
}

TEST(WorkgroupMemory, SeveralReaders) {
  WorkgroupMemory memory;
  memory.resize(1);
  memory.beginBlock();
  EXPECT_FALSE(memory.write(0, 1, 0));
  memory.barrier();
  EXPECT_FALSE(memory.read(0, 1, 0));
  EXPECT_FALSE(memory.read(0, 1, 1));
  EXPECT_FALSE(memory.read(0, 1, 0));
  Fault fault = memory.write(0, 1, 0);
  EXPECT_EQ(fault.reason, Fault::ReadRace);
  EXPECT_EQ(fault.lane, kSeveralLanes);
}

class GlobalMemoryTest : public testing::Test {
protected:
  GlobalMemoryTest() {
    memory.size = 4;
    memory.watch(0, 4);
  }
  GlobalMemory memory;
};

TEST_F(GlobalMemoryTest, OrdersOneThread) {
  EXPECT_FALSE(memory.write(0, 4, {3, 7, 1}));
  EXPECT_FALSE(memory.read(0, 4, {3, 7, 1}));
  EXPECT_FALSE(memory.write(0, 4, {3, 7, 2}));
}

TEST_F(GlobalMemoryTest, BarriersOrderOneBlock) {
  EXPECT_FALSE(memory.write(0, 1, {3, 7, 1}));
  EXPECT_FALSE(memory.read(0, 1, {3, 8, 2}));
  EXPECT_EQ(memory.write(0, 1, {3, 9, 2}).reason, Fault::ReadRace);
  EXPECT_EQ(memory.read(0, 1, {3, 8, 2}).reason, Fault::WriteRace);
}

TEST_F(GlobalMemoryTest, NothingOrdersBlocks) {
  EXPECT_FALSE(memory.read(0, 1, {0, 0, 1}));
  EXPECT_FALSE(memory.read(0, 1, {1, 0, 1}));
  EXPECT_FALSE(memory.read(0, 1, {2, 0, 1}));
  Fault fault = memory.write(0, 1, {2, 0, 1});
  EXPECT_EQ(fault.reason, Fault::ReadRace);
  EXPECT_EQ(fault.block, -1);
  EXPECT_FALSE(memory.write(1, 1, {0, 0, 1}));
  fault = memory.write(1, 1, {1, 0, 9});
  EXPECT_EQ(fault.reason, Fault::WriteRace);
  EXPECT_EQ(fault.block, 0);
}

TEST_F(GlobalMemoryTest, ALaunchBeginsAfresh) {
  EXPECT_FALSE(memory.write(0, 4, {0, 0, 1}));
  memory.watch(0, 4);
  EXPECT_FALSE(memory.read(0, 4, {1, 1, 1}));
}
} // namespace
