//===- MovementTest.cpp - moving elements, in both dialects ---------------===//
#include "ReferenceTest.h"

using namespace dyadic;

namespace {

/// The dialect, so that each test runs on f32 and on bytes.
class Movement : public ReferenceTest,
                 public testing::WithParamInterface<const char *> {
protected:
  bool isFloat() { return StringRef(GetParam()) == "qnn"; }

  /// Replaces T by the element type and D by the dialect.
  std::string text(llvm::StringRef pattern) {
    std::string result;
    for (char c : pattern)
      result += c == 'T'   ? std::string(isFloat() ? "xf32" : "xui8")
                : c == 'D' ? std::string(GetParam())
                           : std::string(1, c);
    return result;
  }

  Ints move(llvm::StringRef parameters, llvm::StringRef op,
            llvm::StringRef types, llvm::StringRef resultType,
            const std::vector<std::vector<int64_t>> &shapes) {
    std::vector<HostTensor> inputs;
    int next = 1;
    for (const auto &shape : shapes) {
      inputs.emplace_back(isFloat() ? ElementKind::F32 : ElementKind::U8, shape);
      for (int64_t i = 0; i < inputs.back().numElements(); ++i)
        inputs.back().set(i, next++);
    }
    std::string p = text(parameters), o = text(op), t = text(types),
                r = text(resultType);
    if (!isFloat()) {
      Bytes out = runOp<uint8_t>(p, o, t, r, inputs);
      return {out.begin(), out.end()};
    }
    Floats out = runOp<float>(p, o, t, r, inputs);
    return {out.begin(), out.end()};
  }

  using StringRef = llvm::StringRef;
};

TEST_P(Movement, Reshape) {
  EXPECT_EQ(move("%x: tensor<2x3T>", "D.reshape %x", "(tensor<2x3T>)",
                 "tensor<3x1x2T>", {{2, 3}}),
            (Ints{1, 2, 3, 4, 5, 6}));
}

TEST_P(Movement, Transpose) {
  EXPECT_EQ(move("%x: tensor<1x2x3T>",
                 "D.transpose %x {permutation = array<i64: 2, 0, 1>}",
                 "(tensor<1x2x3T>)", "tensor<3x1x2T>", {{1, 2, 3}}),
            (Ints{1, 4, 2, 5, 3, 6}));
}

TEST_P(Movement, Concat) {
  EXPECT_EQ(move("%x: tensor<2x2T>, %w: tensor<2x1T>",
                 "D.concat %x, %w {axis = 1 : i64}",
                 "(tensor<2x2T>, tensor<2x1T>)", "tensor<2x3T>",
                 {{2, 2}, {2, 1}}),
            (Ints{1, 2, 5, 3, 4, 6}));
}

TEST_P(Movement, Slice) {
  EXPECT_EQ(move("%x: tensor<3x4T>",
                 "D.slice %x {offsets = array<i64: 1, 0>, sizes = array<i64: "
                 "2, 2>, strides = array<i64: 1, 2>}",
                 "(tensor<3x4T>)", "tensor<2x2T>", {{3, 4}}),
            (Ints{5, 7, 9, 11}));
}

TEST_P(Movement, Pad) {
  std::string value = isFloat() ? "9.0 : f32" : "9 : i32";
  EXPECT_EQ(move("%x: tensor<1x2T>",
                 "D.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 1>, "
                 "value = " + value + "}",
                 "(tensor<1x2T>)", "tensor<2x3T>", {{1, 2}}),
            (Ints{9, 9, 9, 1, 2, 9}));
}

TEST_P(Movement, Resize) {
  EXPECT_EQ(move("%x: tensor<1x2x2x2T>",
                 "D.resize %x {rows = array<i64: 0, 1, 1>, cols = array<i64: "
                 "1, 0>}",
                 "(tensor<1x2x2x2T>)", "tensor<1x3x2x2T>", {{1, 2, 2, 2}}),
            (Ints{3, 4, 1, 2, 7, 8, 5, 6, 7, 8, 5, 6}));
}

INSTANTIATE_TEST_SUITE_P(Dialects, Movement, testing::Values("qnn", "dyadic"),
                         [](const auto &info) { return info.param; });

} // namespace
