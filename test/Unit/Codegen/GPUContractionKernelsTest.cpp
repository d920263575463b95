//===- GPUContractionKernelsTest.cpp - tiles of tensor cores --------------===//
//
// Shapes large enough that each size of tile is chosen (WarpStrategyTest says
// which one), with tails in rows, columns and depth. ContractionKernelsTest has
// the small ones.
//
//===----------------------------------------------------------------------===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class GPUContractionKernels : public KernelTest {};

INSTANTIATE_TEST_SUITE_P(Targets, GPUContractionKernels,
                         testing::Values("nvptx/sm_75", "nvptx/sm_80",
                                         "nvptx/sm_90"));

TEST_P(GPUContractionKernels, WideTiles) {
  // 128 × 128; rows of 72 bytes are copied in pieces of 8.
  check(requantize(matmul(input({8000, 72}, u8()), 100)));
}

TEST_P(GPUContractionKernels, TallTiles) {
  check({requantize(conv(input({1, 92, 90, 16}, u8()), {40, 3})),
         requantize(conv(input({1, 80, 80, 16}, i8()), {40, 3}), true, i8())});
}

TEST_P(GPUContractionKernels, SmallTiles) {
  SmallVector<Value> results;
  results.push_back(requantize(conv(input({2, 42, 42, 20}, u8()), {40, 3})));
  results.push_back(requantize(conv(input({1, 34, 34, 16}, u8()), {64, 3})));
  results.push_back(requantize(conv(input({1, 10, 10, 64}, u8()), {64, 3})));
  results.push_back(requantize(matmul(input({196, 256}, u8()), 1024)));
  results.push_back(requantize(matmul(input({60, 64}, u8()), 10)));
  results.push_back(requantize(matmul(input({60, 65}, i8()), 8)));
  check(results);
}

TEST_P(GPUContractionKernels, StridesDilationGroups) {
  Value x = input({2, 31, 30, 64}, u8());
  check({requantize(conv(x, {64, 3, 1, 1, /*groups=*/4})),
         requantize(conv(x, {48, 3, /*stride=*/2, /*dilation=*/3})),
         requantize(conv(input({2, 45, 44, 3}, u8()), {64, 7, 2}))});
}

TEST_P(GPUContractionKernels, OddColumns) {
  // Results of 35 and 49 bytes a row: no two channels can be stored together.
  Value x = input({1, 20, 20, 32}, u8());
  check({requantize(conv(x, {35, 1})),
         requantize(add(requantize(conv(x, {49, 3})),
                        input({1, 18, 18, 49}, u8())),
                    false, u8())});
}

TEST_P(GPUContractionKernels, FewRows) {
  // Warps share sums; depth of one step and of several, whole and not.
  SmallVector<Value> results;
  for (auto [rows, depth, outputs] :
       {std::tuple(1, 2048, 1001), {1, 64, 10}, {4, 1000, 18}, {2, 1029, 32}})
    results.push_back(
        requantize(matmul(input({rows, depth}, u8()), outputs)));
  // A convolution of its whole image.
  results.push_back(requantize(conv(input({1, 7, 7, 24}, u8()), {12, 7})));
  check(results);
}

TEST_P(GPUContractionKernels, FloatTiles) {
  Value y = input({2, 40, 37}, f32());
  check({conv(input({2, 9, 8, 16}, f32()), {70, 3}),
         conv(input({1, 19, 20, 3}, f32()), {24, 3, 2}),
         conv(input({1, 10, 10, 24}, f32()), {40, 3, 1, 2, /*groups=*/2}),
         matmul(input({33, 65}, f32()), 19),
         make<qnn::MatmulOp>(y, input({2, 37, 66}, f32()), Value()),
         make<qnn::MatmulOp>(y, input({37, 20}, f32()), input({20}, f32())),
         quantize(make<qnn::MatmulOp>(input({3, 64, 32}, f32()),
                                      input({3, 32, 64}, f32()), Value()))});
}

} // namespace
