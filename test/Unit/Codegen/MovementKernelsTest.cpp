//===- MovementKernelsTest.cpp --------------------------------------------===//
#include "KernelTest.h"

using namespace dyadic;
using namespace mlir;

namespace {

class MovementKernels : public KernelTest {
protected:
  /// Every type that moves.
  SmallVector<Type> types() { return {u8(), i16(), f32()}; }

  Value transpose(Value x, Shape permutation) {
    return makeFor<dyadic::TransposeOp, qnn::TransposeOp>(x, x, permutation);
  }
  Value concat(ValueRange inputs, int64_t axis) {
    return makeFor<dyadic::ConcatOp, qnn::ConcatOp>(inputs[0], inputs, axis);
  }
  Value slice(Value x, Shape offsets, Shape sizes, Shape strides) {
    return makeFor<dyadic::SliceOp, qnn::SliceOp>(x, x, offsets, sizes, strides);
  }
  Value pad(Value x, Shape low, Shape high, int32_t value) {
    if (elementType(x).isF32())
      return make<qnn::PadOp>(x, low, high, APFloat(float(value)));
    return make<dyadic::PadOp>(x, low, high, value);
  }
  Value resize(Value x, Shape rows, Shape cols) {
    return makeFor<dyadic::ResizeOp, qnn::ResizeOp>(x, x, rows, cols);
  }
  /// Pointwise ops behind a movement: one that vectors may cross rows in, and
  /// one with a value per channel.
  SmallVector<Value> fused(llvm::function_ref<Value()> move) {
    Value flat = move(), perChannel = move();
    if (elementType(flat).isF32()) {
      Value row = constant({shapeOf(flat).back()}, f32());
      return {quantize(flat), add(perChannel, row)};
    }
    if (elementType(flat).isInteger(16))
      return {requantize(flat, false, i16()), requantize(perChannel, true, i16())};
    return {lookup(flat), requantize(perChannel, true, u8())};
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, MovementKernels,
                         kernelTargets());

TEST_P(MovementKernels, ChannelsFirstToLastAndBack) {
  SmallVector<Value> results;
  for (Type type : types())
    for (int64_t channels : {1, 3, 4, 7, 16, 40}) {
      results.push_back(
          transpose(input({2, channels, 9, 11}, type), {0, 2, 3, 1}));
      results.push_back(
          transpose(input({2, 9, 11, channels}, type), {0, 3, 1, 2}));
    }
  check(results);
}

TEST_P(MovementKernels, OtherTransposes) {
  SmallVector<Value> results;
  for (Type type : types()) {
    results.push_back(transpose(input({33, 50}, type), {1, 0}));
    results.push_back(transpose(input({2, 5, 3, 7}, type), {0, 2, 1, 3}));
    results.push_back(transpose(input({2, 5, 3, 7}, type), {3, 2, 1, 0}));
    results.push_back(transpose(input({1, 4, 1, 5}, type), {3, 2, 1, 0}));
    results.push_back(transpose(input({2, 3, 4, 2, 3, 5}, type), {0, 1, 4, 2, 5, 3}));
    results.push_back(transpose(input({6, 17, 19}, type), {1, 2, 0}));
  }
  check(results);
}

TEST_P(MovementKernels, FusedTransposes) {
  SmallVector<Value> results;
  for (Type type : types())
    for (int64_t channels : {3, 20}) {
      Value first = input({2, channels, 5, 9}, type);
      Value last = input({2, 5, 9, channels}, type);
      llvm::append_range(results,
                         fused([&] { return transpose(first, {0, 2, 3, 1}); }));
      llvm::append_range(results,
                         fused([&] { return transpose(last, {0, 3, 1, 2}); }));
    }
  check(results);
}

TEST_P(MovementKernels, Concat) {
  SmallVector<Value> results;
  for (Type type : types()) {
    Value x = input({2, 3, 5, 16}, type), y = input({2, 3, 5, 7}, type),
          z = input({2, 3, 5, 1}, type), w = input({2, 1, 5, 16}, type);
    results.push_back(concat({x, y, z, x}, 3));
    results.push_back(concat({z, z, z}, 3));
    results.push_back(concat({x, w}, 1));
    results.push_back(concat({w, w}, 0));
    results.push_back(concat({x, constant({2, 3, 5, 2}, type)}, 3));
    llvm::append_range(results, fused([&] { return concat({x, z, y}, 3); }));
    llvm::append_range(results, fused([&] { return concat({w, x}, 1); }));
  }
  check(results);
}

TEST_P(MovementKernels, Slice) {
  SmallVector<Value> results;
  for (Type type : types()) {
    Value x = input({2, 9, 8, 40}, type);
    results.push_back(slice(x, {0, 0, 0, 8}, {2, 9, 8, 16}, {1, 1, 1, 1}));
    results.push_back(slice(x, {0, 1, 1, 0}, {2, 4, 3, 40}, {1, 2, 2, 1}));
    results.push_back(slice(x, {1, 2, 0, 1}, {1, 7, 8, 20}, {1, 1, 1, 2}));
    results.push_back(slice(x, {0, 0, 0, 3}, {2, 9, 8, 5}, {1, 1, 1, 7}));
    results.push_back(slice(x, {0, 0, 0, 39}, {2, 9, 8, 1}, {1, 1, 1, 1}));
    llvm::append_range(results, fused([&] {
      return slice(x, {0, 1, 1, 3}, {2, 4, 3, 13}, {1, 2, 2, 2});
    }));
  }
  check(results);
}

TEST_P(MovementKernels, Pad) {
  SmallVector<Value> results;
  for (Type type : types()) {
    for (int64_t channels : {1, 3, 16, 72})
      results.push_back(pad(input({2, 5, 6, channels}, type), {0, 1, 1, 0},
                            {0, 1, 2, 0}, 113));
    Value x = input({2, 5, 6, 7}, type);
    results.push_back(pad(x, {0, 0, 2, 0}, {0, 0, 0, 0}, 0));
    results.push_back(pad(x, {1, 2, 3, 4}, {4, 3, 2, 1}, 200));
    results.push_back(pad(x, {0, 0, 0, 0}, {0, 0, 0, 0}, 200));
    llvm::append_range(results, fused([&] {
      return pad(x, {0, 1, 1, 0}, {1, 2, 1, 0}, 255);
    }));
    llvm::append_range(results, fused([&] {
      return pad(x, {0, 1, 1, 2}, {1, 2, 1, 3}, 1);
    }));
  }
  check(results);
}

TEST_P(MovementKernels, Resize) {
  SmallVector<Value> results;
  for (Type type : types())
    for (int64_t channels : {1, 3, 40}) {
      Value x = input({2, 3, 4, channels}, type);
      auto move = [&] { return resize(x, {0, 0, 1, 2, 2}, {0, 0, 1, 1, 2, 2, 3}); };
      results.push_back(move());
      llvm::append_range(results, fused(move));
    }
  check(results);
}

TEST_P(MovementKernels, RefuseOperandsMadeInTheKernel) {
  // The fuse pass doesn't make such kernels.
  Value x = input({2, 3}, f32());
  OperationState state(b.getUnknownLoc(), KernelOp::getOperationName());
  state.addOperands(x);
  state.addTypes(typed({3, 2}, u8()));
  Block *body = &state.addRegion()->emplaceBlock();
  Value argument = body->addArgument(x.getType(), b.getUnknownLoc());
  auto kernel = cast<KernelOp>(b.create(state));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(body);
  YieldOp::create(b, b.getUnknownLoc(), transpose(quantize(argument), {1, 0}));
  b.setInsertionPointAfter(kernel);
  checkRefused(kernel.getResults(), "expected operands that are in memory");
}

} // namespace
