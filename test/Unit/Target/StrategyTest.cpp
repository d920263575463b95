//===- StrategyTest.cpp - register tiles, apart from their code -----------===//
#include "dyadic/Target/KernelTarget.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
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

TEST(StrategyTest, WindowsAreTransformedWhereThatPays) {
  auto chosen = [](llvm::StringRef level, ContractionShape shape, int64_t windows) {
    shape.segments = 3;
    shape.windowTiles = windows;
    shape.windowSums = 36 * windows;
    return target(level)->chooseTile(shape);
  };
  ContractionShape wide{OperandKind::U8, 56, 56, 64, 576},
      deep{OperandKind::U8, 28, 28, 128, 1152}, small{OperandKind::U8, 7, 7, 512, 4608};
  for (llvm::StringRef level : {"avx2", "avxvnni", "avx512vnni"}) {
    EXPECT_GT(chosen(level, wide, 196).windowTiles, 0);
    EXPECT_EQ(chosen(level, wide, 0).windowTiles, 0);
    // All activations, for transformed weights don't stay in a cache.
    EXPECT_GE(chosen("avx512vnni", deep, 49).windowTiles, 49);
  }
  // Weights that are hardly used again.
  EXPECT_EQ(chosen("avx512vnni", small, 4).windowTiles, 0);
}

TEST(StrategyTest, HoweverDeepTheProductThereIsATile) {
  for (auto [level, kind] : {std::pair("avx2", OperandKind::U8),
                             {"avx2", OperandKind::BF16},
                             {"avx512vnni", OperandKind::I8},
                             {"avx512vnni", OperandKind::BF16},
                             {"amx", OperandKind::BF16}})
    for (int64_t depth : {32768, 32770, 1 << 20})
      EXPECT_GE(target(level)->chooseTile({kind, 1, 4, 64, depth}).pixels, 1);
}

TEST(StrategyTest, TheLargerOperandIsReadOnce) {
  auto t = target("avx512vnni");
  // Few pixels, many weights: a panel of weights stays.
  EXPECT_TRUE(t->chooseTile({OperandKind::U8, 7, 7, 2048, 4608}).panelsOutermost);
  // One tile of pixels: its activations stay.
  EXPECT_FALSE(t->chooseTile({OperandKind::U8, 1, 14, 256, 64}).panelsOutermost);
}

TEST(StrategyTest, CandidatesDifferAndComeBestFirst) {
  for (const char *level : {"avx2", "avxvnni", "avx512vnni"}) {
    ContractionShape shape{OperandKind::U8, 28, 28, 128, 3 * 384, 3};
    auto all = target(level)->candidates(shape);
    ASSERT_GT(all.size(), 4u);
    llvm::StringSet<> names;
    for (auto [i, choice] : llvm::enumerate(all)) {
      EXPECT_TRUE(names.insert(choice.tile.str()).second) << choice.tile.str();
      EXPECT_GE(choice.estimate(), all[i ? i - 1 : 0].estimate());
    }
    KernelStrategy strategy;
    EXPECT_EQ(target(level)->tileFor(shape, &strategy).str(), all[0].tile.str());
    EXPECT_EQ(strategy.shape, "u8 28x28 pixels, 128 channels, 3x384 products");
    EXPECT_EQ(strategy.tile, all[0].tile.str());
    EXPECT_EQ(strategy.candidates, int64_t(all.size()));
    // A product takes at least the time of its instructions: 64 or 16 a cycle.
    double macs = 28. * 28 * 128 * 1152;
    EXPECT_GE(strategy.estimate, macs / 128);
    EXPECT_LE(strategy.estimate, macs / 8);
  }
}

TEST(StrategyTest, AMeasuredChoiceGoesFirstIfItIsACandidate) {
  mlir::MLIRContext context;
  auto info = *resolveTarget({"x86", "avx512vnni"}, mlir::UnknownLoc::get(&context));
  ContractionShape shape{OperandKind::U8, 1, 784, 512, 128};
  std::string best = info.target->createKernels(info)->tileFor(shape).str();
  std::string third = info.target->createKernels(info)->candidates(shape)[2].tile.str();
  auto with = [&](std::string tile) {
    TileChoices choices;
    choices[shape.str()] = tile;
    info.tuned = std::make_shared<TileChoices>(choices);
    return info.target->createKernels(info)->tileFor(shape).str();
  };
  EXPECT_EQ(with(third), third);
  EXPECT_EQ(with("99x9 pixels"), best);
  shape.pixels = 785;
  EXPECT_NE(with(third), "");
}

TEST(StrategyTest, WeightsBeyondTheFirstCacheAreFetchedAhead) {
  ContractionShape shape{OperandKind::U8, 1, 49, 512, 3072};
  auto tile = [&](const char *cpu) { return target(cpu)->tileFor(shape); };
  EXPECT_TRUE(tile("znver4").panelsOutermost);
  EXPECT_EQ(tile("znver4").prefetch, tile("znver4").vectors * 16 * 3072);
  // One pixel reads a stream.
  shape.pixels = 1;
  EXPECT_EQ(tile("znver4").prefetch, 4096);
  // 147 KB wouldn't be in the second cache when the network comes round again.
  ContractionShape one{OperandKind::U8, 1, 128, 384, 384};
  RegisterTile panels = target("znver4")->tileFor(one);
  EXPECT_TRUE(panels.panelsOutermost);
  EXPECT_EQ(panels.prefetch, panels.vectors * 16 * 384);
  // 16 KB are no stream.
  ContractionShape small{OperandKind::U8, 1, 784, 128, 128};
  EXPECT_EQ(target("znver4")->tileFor(small).prefetch, 0);
}

TEST(StrategyTest, BytesWithoutADotProductAreWidenedOncePerTile) {
  ContractionShape shape{OperandKind::U8, 28, 28, 128, 3 * 384, 3};
  RegisterTile tile = target("avx2")->tileFor(shape);
  EXPECT_EQ(tile.preparedBytes, 2);
  EXPECT_FALSE(tile.panelsOutermost);
  EXPECT_EQ(target("avxvnni")->tileFor(shape).preparedBytes, 0);
  // Signed activations are made unsigned for vpdpbusd.
  shape.operand = OperandKind::I8;
  for (const char *level : {"avxvnni", "avx512vnni"}) {
    EXPECT_EQ(target(level)->tileFor(shape).preparedBytes, 1);
    EXPECT_EQ(target(level)->tileFor(shape).activationOffset, -128);
  }
  EXPECT_EQ(target("avx2")->tileFor(shape).activationOffset, 0);
  // A row that no stack should hold stays in place.
  shape = {OperandKind::U8, 1, 1, 64, 1 << 20};
  EXPECT_EQ(target("avx2")->tileFor(shape).preparedBytes, 0);
}

TEST(StrategyTest, TargetsOfBytesShareOnePacking) {
  EXPECT_EQ(target("avx2")->reductionGroup(OperandKind::U8), 4);
  EXPECT_EQ(target("avx512vnni")->reductionGroup(OperandKind::U8), 4);
  EXPECT_EQ(target("avx512vnni")->reductionGroup(OperandKind::F32), 1);
  EXPECT_EQ(target("scalar")->reductionGroup(OperandKind::U8), 1);
  // Whatever the tiles are: none begins amid a packed panel and leaves it.
  for (const char *level : {"avx2", "avxvnni", "avx512vnni", "amx"})
    for (int64_t channels : {8, 24, 40, 64, 1000}) {
      ContractionShape shape{OperandKind::U8, 28, 28, channels, 576};
      auto t = target(level);
      EXPECT_EQ(t->packedColumns(shape), 16);
      for (const TileChoice &choice : t->candidates(shape)) {
        int64_t columns = choice.tile.vectors * t->lanes();
        EXPECT_TRUE(columns % 16 == 0 || columns == 8 || columns >= channels)
            << level << " " << channels << " " << choice.tile.str();
      }
    }
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
