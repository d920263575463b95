//===- PerturbTest.cpp ----------------------------------------------------===//
#include "dyadic/Calibrate/Perturb.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace dyadic;

namespace {
using Samples = std::vector<llvm::SmallVector<HostTensor>>;

HostTensor tokens(llvm::ArrayRef<int64_t> values) {
  HostTensor tensor(ElementKind::I64, {1, static_cast<int64_t>(values.size())});
  llvm::copy(values, tensor.as<int64_t>().begin());
  return tensor;
}

/// An image whose halves are `left` and `right`.
HostTensor image(llvm::ArrayRef<int64_t> shape, bool isChannelsLast, float left, float right) {
  HostTensor tensor(ElementKind::F32, shape);
  int64_t channels = isChannelsLast ? shape[3] : 1;
  int64_t width = isChannelsLast ? shape[2] : shape[3];
  for (auto [i, x] : llvm::enumerate(tensor.as<float>()))
    x = static_cast<int64_t>(i) / channels % width < width / 2 ? left : right;
  return tensor;
}

TEST(PerturbTest, ReplacesTokensButNotWhatEverySampleHas) {
  // 101 begins each, 0 fills it up; masks have nothing else than both.
  Samples samples;
  for (int64_t s = 0; s < 20; ++s)
    samples.push_back({tokens({101, 10 + s, 20 + s, 30 + s, 0}), tokens({1, 1, 1, 1, 0})});
  Samples copies = perturbedCopies(samples, 1);
  ASSERT_EQ(copies.size(), samples.size());
  int changed = 0;
  for (auto [copy, sample] : llvm::zip(copies, samples)) {
    EXPECT_EQ(copy[1].bytes, sample[1].bytes);
    EXPECT_EQ(copy[0].get(0), 101);
    EXPECT_EQ(copy[0].get(4), 0);
    for (int i = 1; i < 4; ++i) {
      EXPECT_GE(copy[0].get(i), 10);
      EXPECT_LT(copy[0].get(i), 50);
      changed += copy[0].get(i) != sample[0].get(i);
    }
  }
  EXPECT_GT(changed, 50); // of 60
  for (auto [copy, sample] : llvm::zip(perturbedCopies(samples, 0), samples))
    EXPECT_EQ(copy[0].bytes, sample[0].bytes);
}

TEST(PerturbTest, IsTheSameEachTime) {
  Samples samples;
  for (int64_t s = 0; s < 5; ++s)
    samples.push_back({tokens({s, s + 1}), image({1, 3, 4, 4}, false, 0, 1)});
  for (auto [a, b] : llvm::zip(perturbedCopies(samples), perturbedCopies(samples)))
    for (auto [x, y] : llvm::zip(a, b))
      EXPECT_EQ(x.bytes, y.bytes);
}

TEST(PerturbTest, ChangesImagesInTurn) {
  for (bool isLast : {false, true}) {
    llvm::SmallVector<int64_t> shape{1, 3, 4, 8};
    if (isLast)
      shape = {1, 6, 8, 3};
    Samples samples(4, {image(shape, isLast, -1, 1)});
    Samples copies = perturbedCopies(samples);
    int64_t channels = isLast ? 3 : 1;
    auto at = [&](int s, int64_t column) { return copies[s][0].get(column * channels); };
    // Noise, which the range of all samples cuts off.
    EXPECT_NE(copies[0][0].bytes, samples[0][0].bytes);
    for (float x : copies[0][0].as<float>())
      EXPECT_LE(std::abs(x), 1);
    // A blur changes what is beside the edge alone: two of three are of its own half.
    EXPECT_EQ(at(1, 0), -1);
    EXPECT_NEAR(at(1, 3), -1.0 / 3, 1e-6);
    EXPECT_NEAR(at(1, 4), 1.0 / 3, 1e-6);
    EXPECT_EQ(at(1, 7), 1);
    // Contrast, and brightness by a tenth of the range.
    EXPECT_NEAR(at(2, 0), -0.7, 1e-6);
    EXPECT_NEAR(at(2, 7), 0.7, 1e-6);
    EXPECT_NEAR(at(3, 0), -0.8, 1e-6);
    EXPECT_EQ(at(3, 7), 1);
  }
}

TEST(PerturbTest, AddsNoiseToOtherFloats) {
  HostTensor row(ElementKind::F32, {1, 1000});
  for (auto [i, x] : llvm::enumerate(row.as<float>()))
    x = i % 2 ? 10 : -10;
  Samples copies = perturbedCopies(Samples{{row}});
  double squares = 0;
  for (auto [x, y] : llvm::zip(copies[0][0].as<float>(), row.as<float>()))
    squares += (x - y) * (x - y);
  EXPECT_NEAR(std::sqrt(squares / 1000), 0.5, 0.05); // a twentieth of the deviation
}

TEST(PerturbTest, LeavesOtherKindsAlone) {
  HostTensor doubles(ElementKind::F64, {1, 2});
  doubles.set(0, 1.5);
  Samples copies = perturbedCopies(Samples{{doubles}});
  EXPECT_EQ(copies[0][0].bytes, doubles.bytes);
  EXPECT_TRUE(perturbedCopies({}).empty());
}
} // namespace
