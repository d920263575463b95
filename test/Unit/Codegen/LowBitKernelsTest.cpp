//===- LowBitKernelsTest.cpp - weights of four bits -----------------------===//
#include "KernelTest.h"

#include "dyadic/Support/ConstantData.h"

#include <cmath>

using namespace dyadic;
using namespace mlir;

namespace {

class LowBitKernels : public KernelTest {
protected:
  /// Contractions of every shape that kernels tell apart.
  void checkAll() {
    SmallVector<Value> results;
    for (int64_t depth : {1, 3, 4, 5, 8, 9, 15, 16, 23, 64, 130})
      results.push_back(
          requantize(matmul(input({1 + depth % 5, depth}, u8()), 11 + depth)));
    results.push_back(requantize(matmul(input({40, 72}, u8()), 100)));
    results.push_back(
        requantize(matmul(input({2, 50}, i8()), 33), false, i8()));
    Value x = input({1, 7, 9, 16}, u8());
    for (const Conv &form : {Conv{40, 1}, Conv{24, 3, 2}, Conv{32, 3, 1, 2},
                             Conv{32, 3, 1, 1, 4}, Conv{16, 3, 1, 1, 16}})
      results.push_back(requantize(conv(x, form)));
    results.push_back(requantize(conv(input({1, 6, 5, 3}, i8()), {20, 3}), true,
                                 i8()));
    check(results);
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, LowBitKernels, kernelTargets());

TEST_P(LowBitKernels, Numbers) {
  nibbles = true;
  checkAll();
}

TEST_P(LowBitKernels, Codebook) {
  nibbles = true;
  entries = {-127, -90, -60, -41, -28, -17, -8, 0, 7, 16, 27, 40, 59, 88, 126, 127};
  checkAll();
}

/// Entries in no order, twice, with the one whose products are the largest.
TEST_P(LowBitKernels, AnyCodebook) {
  nibbles = true;
  entries = {5, -128, 0, 127, 127, -1, 3, 3, -77, 0, 12, -13, 100, -100, 1, 2};
  checkAll();
}

/// Nothing in it can be padding.
TEST_P(LowBitKernels, CodebookWithoutZero) {
  nibbles = true;
  entries = {1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -8};
  check({requantize(matmul(input({3, 21}, u8()), 19)),
         requantize(conv(input({1, 5, 5, 3}, u8()), {7, 3}))});
}

TEST_P(LowBitKernels, Factors) {
  factorGroup = 16;
  checkAll();
}

/// The last group is shorter, and a row's products are in one or in two groups.
TEST_P(LowBitKernels, FactorsOfShortGroups) {
  Value x = input({3, 52}, u8()), image = input({1, 5, 6, 8}, i8());
  SmallVector<Value> results;
  for (int64_t group : {1, 3, 4, 8, 12, 20, 64}) {
    factorGroup = group;
    results.push_back(requantize(matmul(x, 37)));
    results.push_back(requantize(conv(image, {20, 3})));
  }
  check(results);
}

/// Sums of 28 bits: 16 times them don't fit.
TEST_P(LowBitKernels, SumsTooLargeToShift) {
  nibbles = true;
  Value x = input({1, 1, 1, 60000}, u8()), bias = constant({3}, b.getI32Type());
  HostTensor weights(ElementKind::I8, {60000, 3});
  for (int64_t i = 0; i < weights.numElements(); ++i)
    weights.set(i, i % 3 == 0 ? -8 : i % 16 - 8);
  auto type = typed(weights.shape, b.getI4Type());
  Value w = make<dyadic::ConstantOp>(type, makeConstant(std::move(weights), type));
  check({requantize(make<dyadic::MatmulOp>(x, w, bias, codebook()), true, i16())});
}

/// Decoded in registers for few rows, else a panel at a time.
TEST_P(LowBitKernels, FloatProducts) {
  SmallVector<Value> results;
  Value row = input({1, 53}, f32()), rows = input({20, 53}, f32()),
        image = input({1, 4, 5, 8}, f32());
  for (unsigned bits : {2, 3, 4, 8}) {
    codedBits = bits;
    codedGroup = bits == 4 ? 32 : 5;
    results.append({matmul(row, 37), matmul(rows, 37), conv(image, {12, 3, 1, 1, 2})});
  }
  check(results);
}

} // namespace
