//===- StrategyTest.cpp - register tiles, apart from their code -----------===//
#include "dyadic/Target/KernelTarget.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace dyadic;

static std::unique_ptr<KernelTarget> target(llvm::StringRef level,
                                            const char *name = "x86") {
  mlir::MLIRContext context;
  auto info = resolveTarget({name, level.str()}, mlir::UnknownLoc::get(&context));
  return info->target->createKernels(*info);
}

/// Accumulators, a weight register a vector and an activation.
static int64_t registers(const RegisterTile &tile) {
  return tile.pixels * tile.vectors + tile.vectors + 1;
}

TEST(StrategyTest, TilesFitTheRegistersAndTheShape) {
  for (auto [machine, level] : {std::pair("x86", "avx2"), {"x86", "avx512vnni"},
                                {"arm", "neon"}, {"arm", "dotprod"}, {"arm", "i8mm"}})
    for (OperandKind kind : {OperandKind::U8, OperandKind::I8, OperandKind::F32})
      for (int64_t pixels : {1, 2, 7, 14, 56, 3136})
        for (int64_t channels : {1, 8, 24, 64, 1000}) {
          auto t = target(level, machine);
          RegisterTile tile = t->chooseTile({kind, 4, pixels, channels, 576});
          EXPECT_GE(tile.pixels, 1);
          EXPECT_GE(tile.vectors, 1);
          EXPECT_LE(tile.pixels, pixels);
          EXPECT_LE((tile.vectors - 1) * t->lanes(), channels);
          EXPECT_LE(registers(tile), t->vectorRegisters());
          EXPECT_EQ(tile.depth % tile.group, 0);
        }
}

TEST(StrategyTest, LargeShapesFillTheRegisters) {
  RegisterTile tile = target("avx512vnni")
                          ->chooseTile({OperandKind::U8, 56, 56, 64, 576});
  EXPECT_GE(registers(tile), 28);
  // No junk pixels: a row is a whole number of tiles.
  EXPECT_EQ(56 % tile.pixels, 0);
}

TEST(StrategyTest, TheLargerOperandIsReadOnce) {
  auto t = target("avx512vnni");
  // Few pixels, many weights: a panel of weights stays.
  EXPECT_TRUE(t->chooseTile({OperandKind::U8, 7, 7, 2048, 4608}).panelsOutermost);
  // One tile of pixels: its activations stay.
  EXPECT_FALSE(t->chooseTile({OperandKind::U8, 1, 14, 256, 64}).panelsOutermost);
}

TEST(StrategyTest, TargetsOfBytesShareOnePacking) {
  EXPECT_EQ(target("avx2")->reductionGroup(OperandKind::U8), 4);
  EXPECT_EQ(target("avx512vnni")->reductionGroup(OperandKind::U8), 4);
  EXPECT_EQ(target("avx512vnni")->reductionGroup(OperandKind::F32), 1);
  EXPECT_EQ(target("scalar")->reductionGroup(OperandKind::U8), 1);
}

TEST(StrategyTest, EachLevelOfARMHasItsForm) {
  auto tileOf = [](const char *level, OperandKind kind, int64_t pixels = 56) {
    return target(level, "arm")->chooseTile({kind, 56, pixels, 256, 64});
  };
  // sdot takes signed activations only; usmmla and usdot take them as they are.
  EXPECT_EQ(tileOf("dotprod", OperandKind::U8).activationOffset, 128);
  EXPECT_EQ(tileOf("dotprod", OperandKind::I8).activationOffset, 0);
  EXPECT_EQ(tileOf("i8mm", OperandKind::U8).activationOffset, 0);
  // Eight products of two pixels, or four of one where there is no second.
  EXPECT_EQ(tileOf("i8mm", OperandKind::U8).group, 8);
  EXPECT_EQ(tileOf("i8mm", OperandKind::U8, 1).group, 4);
  EXPECT_EQ(tileOf("dotprod", OperandKind::U8).group, 4);
  EXPECT_EQ(tileOf("neon", OperandKind::U8).group, 16);
  for (const char *level : {"neon", "dotprod", "i8mm"}) {
    EXPECT_EQ(tileOf(level, OperandKind::F32).group, 1);
    EXPECT_TRUE(tileOf(level, OperandKind::U8).shortLastStep);
  }
}

TEST(StrategyTest, DepthwiseFiltersOfManyTapsLeaveRoomForFewerSums) {
  auto t = target("neon", "arm");
  DepthwiseTile small = t->chooseDepthwise({OperandKind::U8, 56, 32, 3, 3}),
                large = t->chooseDepthwise({OperandKind::U8, 56, 32, 5, 5});
  EXPECT_GT(small.pixels, large.pixels);
  EXPECT_EQ(small.activationOffset, 128);
  EXPECT_EQ(target("avx2")->chooseDepthwise({OperandKind::U8, 2, 32, 3, 3}).pixels, 2);
}
