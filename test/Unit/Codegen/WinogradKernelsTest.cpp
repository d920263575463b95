//===- WinogradKernelsTest.cpp - windows that are transformed -------------===//
#include "KernelTest.h"

#include "llvm/ADT/STLExtras.h"

using namespace dyadic;
using namespace mlir;

namespace {

class WinogradKernels : public KernelTest {
protected:
  /// Whether this target transforms windows of shapes that are large enough.
  static bool transforms() {
    StringRef target = GetParam();
    return target == "native" || target.starts_with("avx") || target.starts_with("x86/avx");
  }
  static bool isTransformed(const std::string &tile) {
    return StringRef(tile).contains("windows");
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, WinogradKernels, kernelTargets());

TEST_P(WinogradKernels, EdgesAndTails) {
  // Rows and columns of four results and of three; channels that fill no register; tiles
  // that are no multiple of what registers hold.
  SmallVector<Value> results;
  for (auto [images, height, width, channels, outputs] :
       {std::tuple(1, 14, 18, 64, 64), {2, 17, 13, 32, 40}, {3, 10, 25, 24, 72},
        {1, 33, 34, 32, 16}, {1, 13, 30, 40, 48}})
    results.push_back(requantize(
        conv(input({images, height, width, channels}, u8()), {outputs, 3})));
  check(results);
  if (transforms())
    EXPECT_TRUE(llvm::all_of(tiles, isTransformed));
}

TEST_P(WinogradKernels, Extremes) {
  leastWeight = -128;
  onlyExtremes = true;
  SmallVector<Value> results;
  for (Type type : {u8(), i8()})
    results.push_back(
        requantize(conv(input({1, 18, 18, 64}, type), {32, 3}), true, type));
  check(results);
  if (transforms())
    EXPECT_TRUE(llvm::all_of(tiles, isTransformed));
}

TEST_P(WinogradKernels, SumsThatMayNotFit) {
  // 255 · 127 · 9 · 128 is more than 2^25.
  onlyExtremes = true;
  check({requantize(conv(input({1, 18, 18, 128}, u8()), {32, 3}))});
  EXPECT_FALSE(llvm::any_of(tiles, isTransformed));
}

TEST_P(WinogradKernels, OtherWindows) {
  // The last ones: two and five rows of results, which aren't fours and threes.
  Value x = input({1, 19, 19, 64}, u8());
  check({requantize(conv(x, {32, 3, /*stride=*/2})),
         requantize(conv(x, {32, 3, 1, /*dilation=*/2})),
         requantize(conv(x, {64, 3, 1, 1, /*groups=*/2})),
         requantize(conv(x, {32, 5})), requantize(conv(x, {32, 1})),
         requantize(conv(input({1, 4, 40, 64}, u8()), {32, 3})),
         requantize(conv(input({1, 7, 40, 64}, u8()), {32, 3}))});
  EXPECT_FALSE(llvm::any_of(tiles, isTransformed));
}

TEST_P(WinogradKernels, FusedBehind) {
  Value x = input({2, 14, 14, 32}, u8()), residual = input({2, 12, 12, 40}, u8());
  Value row = constant({40}, i8());
  Value sums = requantize(conv(x, {40, 3}));
  check({requantize(add(lookup(sums), residual), false, u8()),
         requantize(make<dyadic::AddOp>(requantize(conv(x, {40, 3})), row, 3, 0, 900,
                                        20000),
                    false, u8()),
         requantize(conv(x, {40, 3}), true, i16()),
         dequantize(requantize(conv(x, {40, 3})))});
  if (transforms())
    EXPECT_TRUE(llvm::all_of(tiles, isTransformed));
}

TEST_P(WinogradKernels, OverwrittenTerm) {
  overwritesTerms = !StringRef(GetParam()).starts_with("nvptx"); // has no views
  Value y = input({1, 18, 22, 8}, u8()), x = input({1, 20, 24, 64}, u8());
  Value term = requantize(conv(y, {64, 1}));
  Value sum = requantize(add(requantize(conv(x, {64, 3})), term), false, u8());
  check({requantize(conv(sum, {16, 1}))});
  if (transforms())
    EXPECT_TRUE(llvm::any_of(tiles, isTransformed));
}

TEST_P(WinogradKernels, BlocksOfTiles) {
  // More activations than stay in a cache: all weights are transformed first.
  check({requantize(conv(input({1, 62, 58, 64}, u8()), {24, 3}))});
  if (transforms())
    EXPECT_TRUE(llvm::all_of(tiles, isTransformed));
}

} // namespace
