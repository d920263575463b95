//===- WarpStrategyTest.cpp - who computes what on a GPU ------------------===//
#include "dyadic/Target/Target.h"
#include "dyadic/Target/WarpTarget.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MathExtras.h"
#include "gtest/gtest.h"

using namespace dyadic;

static std::unique_ptr<WarpTarget> warps(llvm::StringRef arch) {
  mlir::MLIRContext context;
  auto info =
      resolveTarget({"nvptx", arch.str()}, mlir::UnknownLoc::get(&context));
  return info->target->createWarps(*info);
}

static ContractionShape shape(int64_t rows, int64_t channels, int64_t depth) {
  return {OperandKind::U8, 1, rows, channels, depth};
}

static int64_t blocks(const BlockTile &tile, const ContractionShape &s) {
  return llvm::divideCeil(s.rows * s.pixels, tile.rows) *
         llvm::divideCeil(s.channels, tile.columns);
}

TEST(WarpStrategyTest, TilesFitABlock) {
  for (const char *arch : {"sm_75", "sm_80", "sm_90", "sm_120a"})
    for (int64_t rows : {8, 49, 196, 3136, 12544, 100000})
      for (int64_t channels : {8, 10, 64, 100, 2048})
        for (int64_t depth : {16, 64, 576, 4608}) {
          BlockTile tile =
              warps(arch)->chooseBlockTile(shape(rows, channels, depth), 1);
          EXPECT_LE(tile.bytes(), 48 << 10); // of static memory a block
          EXPECT_LE(tile.threads(), 256);
          EXPECT_GE(tile.threads(), 32);
          EXPECT_EQ(tile.rows % tile.warpRows, 0);
          EXPECT_EQ(tile.columns % tile.warpColumns, 0);
          EXPECT_EQ(tile.warpRows % 16, 0);
          EXPECT_EQ(tile.warpColumns % 8, 0);
          // The sums of a thread, and room for fragments and addresses.
          EXPECT_LE(tile.warpRows * tile.warpColumns / 32, 64);
          EXPECT_EQ(tile.stages > 1, warps(arch)->hasAsyncCopies());
        }
}

TEST(WarpStrategyTest, EveryProcessorHasWorkWhereThereIsEnough) {
  // The layers of a ResNet-50 at batch 1 that have sums for 100 blocks of the
  // smallest fragments.
  for (auto s : {shape(3136, 64, 576), shape(784, 128, 1152),
                 shape(3136, 256, 64), shape(196, 1024, 256)})
    EXPECT_GE(blocks(warps("sm_80")->chooseBlockTile(s, 1), s), 90);
}

TEST(WarpStrategyTest, LargerWorkTakesLargerTiles) {
  auto t = warps("sm_80");
  auto sums = [&](const ContractionShape &s) {
    BlockTile tile = t->chooseBlockTile(s, 1);
    return tile.rows * tile.columns;
  };
  EXPECT_EQ(sums(shape(8000, 100, 72)), 128 * 128);
  EXPECT_EQ(sums(shape(7920, 40, 144)), 128 * 64);
  EXPECT_EQ(sums(shape(6084, 40, 144)), 64 * 64);
  EXPECT_EQ(sums(shape(3200, 40, 192)), 64 * 32);
  EXPECT_EQ(sums(shape(1024, 64, 144)), 32 * 32);
  EXPECT_EQ(sums(shape(60, 10, 64)), 32 * 16);
  EXPECT_EQ(sums(shape(60, 8, 64)), 32 * 8);
}

TEST(WarpStrategyTest, ThinShapesStayOffTheTensorCores) {
  auto t = warps("sm_80");
  EXPECT_EQ(t->chooseForm(shape(1, 1000, 2048), 1), ContractionForm::Warps);
  EXPECT_EQ(t->chooseForm(shape(196, 4, 576), 1), ContractionForm::Threads);
  EXPECT_EQ(t->chooseForm(shape(196, 2, 36), 32), ContractionForm::Threads);
  EXPECT_EQ(t->chooseForm(shape(12544, 64, 147), 1),
            ContractionForm::TensorCores);
  ContractionShape floats = shape(196, 64, 576);
  floats.operand = OperandKind::F32;
  EXPECT_EQ(t->chooseForm(floats, 1), ContractionForm::Threads);
}

TEST(WarpStrategyTest, CopiesPastRegistersBeginWithSm80) {
  EXPECT_FALSE(warps("sm_75")->hasAsyncCopies());
  EXPECT_TRUE(warps("sm_80")->hasAsyncCopies());
  EXPECT_TRUE(warps("sm_100a")->hasAsyncCopies());
}

static std::string refusal(const char *arch) {
  mlir::MLIRContext context;
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
    message = d.str();
    return mlir::success();
  });
  EXPECT_TRUE(failed(
      resolveTarget({"nvptx", arch}, mlir::UnknownLoc::get(&context))));
  return message;
}

TEST(WarpStrategyTest, UnknownArchitecturesAreRefused) {
  EXPECT_NE(refusal("sm_81").find("sm_80"), std::string::npos);
  EXPECT_NE(refusal("sm_70").find("expected sm_75 or newer"),
            std::string::npos);
}
