//===- MixSamplesTest.cpp -------------------------------------------------===//
#include "MixSamples.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

using namespace dyadic;

namespace {
template <typename T>
HostTensor make(ElementKind kind, std::vector<T> values) {
  HostTensor tensor(kind, {1, static_cast<int64_t>(values.size())});
  llvm::copy(values, tensor.as<T>().begin());
  return tensor;
}

/// Tokens and their mask.
SampleTensors sentences() {
  SampleTensors samples;
  for (int64_t s = 0; s < 20; ++s)
    samples.push_back({make<int64_t>(ElementKind::I64, {101, 900 + s, 7 * s, 300, 300 - s, 0}),
                       make<int64_t>(ElementKind::I64, {1, 1, 1, 1, s % 2, 0})});
  return samples;
}

TEST(MixSamplesTest, DrawsTokensAmongThoseSeen) {
  SampleTensors samples = sentences(), copies = mixSamples(samples);
  ASSERT_EQ(copies.size(), samples.size());
  int64_t changed = 0;
  for (auto [sample, copy] : llvm::zip_equal(samples, copies))
    for (int64_t i = 0; i < 6; ++i) {
      double value = copy[0].get(i);
      EXPECT_TRUE(0 <= value && value <= 919) << value;
      changed += value != sample[0].get(i);
      // What all samples have there.
      if (i == 0 || i == 3 || i == 5) {
        EXPECT_EQ(value, sample[0].get(i));
      }
    }
  EXPECT_GT(changed, 50);
}

TEST(MixSamplesTest, LeavesMasks) {
  SampleTensors samples = sentences(), copies = mixSamples(samples);
  for (auto [sample, copy] : llvm::zip_equal(samples, copies))
    EXPECT_EQ(copy[1].bytes, sample[1].bytes);
}

TEST(MixSamplesTest, BlendsFloats) {
  SampleTensors samples{{make<float>(ElementKind::F32, {0, 8})},
                        {make<float>(ElementKind::F32, {8, 0})}};
  SampleTensors copies = mixSamples(samples);
  float first = copies[0][0].as<float>()[0], second = copies[1][0].as<float>()[0];
  EXPECT_TRUE(0 < first && first < 4) << first;
  EXPECT_TRUE(4 < second && second < 8) << second;
  // The same part of both elements.
  EXPECT_FLOAT_EQ(copies[0][0].as<float>()[1], 8 - first);
}

TEST(MixSamplesTest, RepeatsItself) {
  SampleTensors samples = sentences();
  EXPECT_EQ(mixSamples(samples, 1)[3][0].bytes, mixSamples(samples, 1)[3][0].bytes);
  EXPECT_NE(mixSamples(samples, 1)[3][0].bytes, mixSamples(samples, 2)[3][0].bytes);
  EXPECT_TRUE(mixSamples({}).empty());
}
} // namespace
