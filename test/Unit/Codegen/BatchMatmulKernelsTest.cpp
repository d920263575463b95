//===- BatchMatmulKernelsTest.cpp - products of two run-time matrices -----===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class BatchMatmulKernels : public KernelTest {
protected:
  struct Zero {
    int32_t lhs, rhs;
  };
  /// The sums of a product, requantized for all of the table to be used.
  Value product(Value l, Value r, Zero zero, bool transposed = false,
                ArrayRef<int64_t> lhsOrder = {}, ArrayRef<int64_t> rhsOrder = {},
                ArrayRef<int64_t> order = {}) {
    return make<BatchMatmulOp>(l, r, zero.lhs, zero.rhs, transposed, lhsOrder,
                               rhsOrder, order);
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, BatchMatmulKernels, kernelTargets());

// Tiles and panels with and without tails, sums of whole and partial groups.
TEST_P(BatchMatmulKernels, Shapes) {
  SmallVector<Value> results;
  struct {
    int64_t rows, columns, depth;
  } shapes[] = {{1, 1, 1},   {5, 7, 2},   {3, 16, 3},  {40, 40, 15},
                {40, 15, 40}, {17, 33, 67}, {9, 100, 32}, {33, 64, 4}};
  for (auto [rows, columns, depth] : shapes)
    for (bool transposed : {false, true}) {
      Value l = input({2, rows, depth}, u8());
      Value r = transposed ? input({2, columns, depth}, u8())
                           : input({2, depth, columns}, u8());
      results.push_back(
          requantize(product(l, r, {7, 128}, transposed), false, u8()));
    }
  check(results);
}

// Each term of the sum's decomposition with and without its zero point.
TEST_P(BatchMatmulKernels, TypesAndZeroPoints) {
  SmallVector<Value> results;
  for (Type lhs : {u8(), i8()})
    for (Type rhs : {u8(), i8()})
      for (int32_t lhsZp : {0, 100})
        for (int32_t rhsZp : {0, 127}) {
          bool transposed = results.size() % 3 == 0;
          Value l = input({2, 7, 21}, lhs);
          Value r = transposed ? input({2, 19, 21}, rhs)
                               : input({2, 21, 19}, rhs);
          results.push_back(requantize(
              product(l, r, {lhsZp, rhsZp}, transposed), false, u8()));
        }
  check(results);
}

TEST_P(BatchMatmulKernels, Broadcasts) {
  Value l = input({3, 2, 5, 9}, u8()), r = input({9, 20}, u8());
  Value row = input({1, 2, 5, 9}, u8()), column = input({3, 1, 9, 20}, i8());
  check({requantize(product(l, r, {3, 5}), false, u8()),
         requantize(product(row, column, {3, 5}), true, u8()),
         requantize(product(input({4, 6}, u8()), input({2, 6, 3}, u8()), {1, 2}),
                    false, i8())});
}

// Heads are read from rows of all heads, and written so.
TEST_P(BatchMatmulKernels, Attention) {
  SmallVector<int64_t> heads{0, 2, 1, 3};
  SmallVector<Value> results;
  struct {
    int64_t sequence, heads, columns;
  } shapes[] = {{40, 8, 15}, {20, 2, 32}, {5, 3, 7}};
  for (auto [sequence, count, columns] : shapes) {
    Value q = input({1, sequence, count, columns}, u8()),
          k = input({1, sequence, count, columns}, u8()),
          v = input({1, sequence, count, columns}, u8());
    Value scores = product(q, k, {120, 128}, true, heads, heads);
    Value p = requantize(scores, false, u8());
    results.push_back(requantize(
        product(p, v, {0, 128}, false, {}, heads, heads), true, u8()));
  }
  check(results);
}

TEST_P(BatchMatmulKernels, FloatScores) {
  Value l = input({2, 10, 32}, u8()), r = input({2, 37, 32}, u8());
  Value scores = make<DequantizeOp>(typed({2, 10, 37}, f32()),
                                    product(l, r, {120, 128}, true),
                                    APFloat(1.0f / 65536), 0);
  check({add(scores, constant({37}, f32())),
         quantize(make<qnn::SoftmaxOp>(scores, 2))});
}

} // namespace
