//===- AMXStrategyTest.cpp - where matrices in registers pay --------------===//
#include "dyadic/Target/KernelTarget.h"
#include "dyadic/Target/Target.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace dyadic;

static RegisterTile best(ContractionShape shape, const char *cpu = "amx") {
  mlir::MLIRContext context;
  auto info = resolveTarget({"x86", cpu}, mlir::UnknownLoc::get(&context));
  return info->target->createKernels(*info)->candidates(shape).front().tile;
}

/// rows × pixels, channels, segments × length, by a kernel that has tiles.
static ContractionShape shapeOf(int64_t rows, int64_t pixels, int64_t channels,
                                int64_t segments, int64_t length) {
  ContractionShape shape{OperandKind::U8, rows, pixels, channels,
                         segments * length, segments};
  shape.matrices = true;
  return shape;
}

TEST(AMXStrategyTest, RowsDivideThePixels) {
  // 3×3 convolutions of ResNet-50: 56 and 28 pixels are tiles of 2×14.
  for (int64_t width : {56, 28}) {
    RegisterTile tile = best(shapeOf(width, width, 128, 3, 384));
    EXPECT_EQ(tile.tileRows, 14);
    EXPECT_EQ(tile.pixels, 28);
    EXPECT_EQ(tile.vectors, 2);
    EXPECT_EQ(tile.depth, 64);
  }
}

TEST(AMXStrategyTest, FourProductsAreOnTheirWay) {
  // No two tiles in a row of 14 pixels: four panels instead.
  RegisterTile tile = best(shapeOf(14, 14, 256, 3, 768));
  EXPECT_EQ(tile.tileRows, 14);
  EXPECT_EQ(tile.pixels, 14);
  EXPECT_EQ(tile.vectors, 4);
}

TEST(AMXStrategyTest, NarrowSegmentsHaveNarrowTiles) {
  // The first layer: 7 × 7 windows of 3 channels, in words of four bytes.
  RegisterTile tile = best(shapeOf(112, 112, 64, 7, 21));
  EXPECT_GT(tile.tileRows, 0);
  EXPECT_EQ(tile.depth, 24);
}

TEST(AMXStrategyTest, TilesFitTheRegisters) {
  for (int64_t pixels : {2, 7, 14, 49, 3136})
    for (int64_t channels : {8, 16, 24, 96, 1000})
      for (int64_t length : {3, 27, 64, 100, 2048}) {
        RegisterTile tile = best(shapeOf(1, pixels, channels, 1, length));
        if (!tile.tileRows)
          continue;
        int64_t m = tile.pixels / tile.tileRows;
        EXPECT_LE(m * tile.vectors + std::min(m, tile.vectors) + 1, 8);
        EXPECT_LE(tile.tileRows, 16);
        EXPECT_LE(tile.pixels, pixels);
        EXPECT_EQ(tile.pixels % tile.tileRows, 0);
      }
}

TEST(AMXStrategyTest, OtherKernelsHaveVectors) {
  EXPECT_EQ(best(shapeOf(1, 1, 1000, 1, 2048)).tileRows, 0);
  ContractionShape shape = shapeOf(56, 56, 64, 3, 192);
  EXPECT_GT(best(shape).tileRows, 0);
  EXPECT_EQ(best(shape, "avx512vnni").tileRows, 0);
  shape.matrices = false;
  EXPECT_EQ(best(shape).tileRows, 0);
  shape.matrices = true;
  shape.operand = OperandKind::F32;
  EXPECT_EQ(best(shape).tileRows, 0);
}

TEST(AMXStrategyTest, RoundedFloatsNeedTheirInstruction) {
  ContractionShape shape = shapeOf(56, 56, 64, 3, 192);
  shape.operand = OperandKind::BF16;
  EXPECT_EQ(best(shape, "amx,+avx512bf16").tileRows, 0);
  RegisterTile tile = best(shape, "amx,+avx512bf16,+amx-bf16");
  EXPECT_GT(tile.tileRows, 0);
  EXPECT_EQ(tile.preparedBytes, 2);
  EXPECT_EQ(tile.depth, 32);
  EXPECT_FALSE(tile.panelsOutermost);
}
