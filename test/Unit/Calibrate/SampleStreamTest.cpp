//===- SampleStreamTest.cpp -----------------------------------------------===//
#include "dyadic/Calibrate/SampleStream.h"
#include "dyadic/Support/Npy.h"

#include "llvm/Support/FileSystem.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace dyadic;
using namespace llvm;

namespace {
using Arrays = std::vector<std::pair<const char *, HostTensor>>;

HostTensor iota(ElementKind kind, ArrayRef<int64_t> shape) {
  HostTensor tensor(kind, shape);
  for (int64_t i = 0; i < tensor.numElements(); ++i)
    tensor.set(i, i);
  return tensor;
}

class SampleStreamTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("dyadic-samples", folder));
  }
  void TearDown() override { sys::fs::remove_directories(folder); }
  std::string at(StringRef name) { return (folder + "/" + name).str(); }

  std::string npz(const Arrays &arrays, StringRef name = "a.npz") {
    auto writer = cantFail(NpzWriter::create(at(name)));
    for (auto &[array, tensor] : arrays)
      writer->add(array, tensor);
    cantFail(writer->finish());
    return at(name);
  }

  /// A 2×1 image: one pixel of each colour.
  std::string bmp(StringRef name, std::array<uint8_t, 3> left, std::array<uint8_t, 3> right) {
    std::string bytes("BM\x3e\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\1\0\0\0\1\0\x18\0", 30);
    bytes.resize(54);
    for (auto pixel : {left, right}) // stored blue, green, red
      bytes.append({char(pixel[2]), char(pixel[1]), char(pixel[0])});
    bytes.resize(62);
    cantFail(writeFile(at(name), bytes));
    return at(name);
  }

  std::string fault(StringRef path, ArrayRef<InputSpec> inputs, const ImageOptions &images = {}) {
    auto stream = SampleStream::open(path, inputs, images);
    if (!stream)
      return toString(stream.takeError());
    for (int64_t i = 0; i < (*stream)->size(); ++i)
      if (auto sample = (*stream)->read(i); !sample)
        return toString(sample.takeError());
    return "";
  }

  SmallString<64> folder;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(SampleStreamTest, ReadsArchivesSampleBySample) {
  auto path = npz({{"x", iota(ElementKind::F32, {4, 1, 2})}, {"y", iota(ElementKind::I64, {4, 3})},
                   {"label", iota(ElementKind::I32, {4})}});
  auto stream = cantFail(SampleStream::open(path, {{"x", {1, 1, 2}}, {"y", {1, 3}}}));
  ASSERT_EQ(stream->size(), 4);
  for (int64_t i : {0, 1, 3, 2}) {
    auto sample = cantFail(stream->read(i));
    EXPECT_EQ(sample[0].as<float>(), (ArrayRef<float>{2.f * i, 2.f * i + 1}));
    EXPECT_EQ(sample[1].as<float>(), (ArrayRef<float>{3.f * i, 3.f * i + 1, 3.f * i + 2}));
    EXPECT_EQ(sample[1].shape, (SmallVector<int64_t>{1, 3}));
  }
}

TEST_F(SampleStreamTest, AcceptsTheShapesThatMeanSamples) {
  auto size = [&](ArrayRef<int64_t> array, SmallVector<int64_t> input) {
    auto path = npz({{"x", iota(ElementKind::U8, array)}});
    return cantFail(SampleStream::open(path, {{"x", input}}))->size();
  };
  EXPECT_EQ(size({6, 2, 5}, {1, 2, 5}), 6);
  EXPECT_EQ(size({6, 2, 5}, {3, 2, 5}), 2);
  EXPECT_EQ(size({2, 5}, {1, 2, 5}), 1);
  EXPECT_EQ(size({6, 1, 2, 5}, {1, 2, 5}), 6);
}

TEST_F(SampleStreamTest, RefusesWhatDoesNotFit) {
  InputSpec x{"x", {1, 2}};
  EXPECT_SAYS(fault(at("none.npz"), {x}), "none.npz");
  EXPECT_SAYS(fault(npz({{"z", iota(ElementKind::F32, {3, 2})}}), {x}), "expected an array \"x\", but got \"z\"");
  EXPECT_SAYS(fault(npz({{"x", iota(ElementKind::F32, {3, 7})}}), {x}), "but got 3x7xfloat32");
  EXPECT_SAYS(fault(npz({{"x", iota(ElementKind::F32, {3, 2})}}), {{"x", {2, 2}}}), "multiple of the model's batch of 2");
  EXPECT_SAYS(fault(npz({{"x", iota(ElementKind::F32, {0, 2})}}), {x}), "holds no samples");
  EXPECT_SAYS(fault(npz({{"x", iota(ElementKind::F32, {3, 2})}, {"y", iota(ElementKind::F32, {2, 2})}}),
                    {x, {"y", {1, 2}}}), "expected as many samples");
}

TEST_F(SampleStreamTest, GivesIntegersToInputsOfIntegers) {
  HostTensor x(ElementKind::I64, {2, 2});
  x.as<int64_t>()[3] = 255;
  InputSpec bytes{"x", {1, 2}, ElementKind::U8};
  auto stream = cantFail(SampleStream::open(npz({{"x", x}}), bytes));
  auto sample = cantFail(stream->read(1));
  EXPECT_EQ(sample[0].as<uint8_t>(), (ArrayRef<uint8_t>{0, 255}));
  x.as<int64_t>()[3] = 256;
  EXPECT_SAYS(fault(npz({{"x", x}}), bytes), "sample 1: expected elements of type uint8 for input \"x\", but got 256");
  x.as<int64_t>()[3] = -1;
  EXPECT_SAYS(fault(npz({{"x", x}}), bytes), "but got -1");
  EXPECT_SAYS(fault(npz({{"x", iota(ElementKind::F32, {2, 2})}}), bytes), "expected integers for input \"x\", but got 2x2xfloat32");
  // What has the input's type is taken as it is, whatever its size.
  x.as<int64_t>()[3] = INT64_MAX;
  stream = cantFail(SampleStream::open(npz({{"x", x}}), InputSpec{"x", {1, 2}, ElementKind::I64}));
  EXPECT_EQ(cantFail(stream->read(1))[0].as<int64_t>(), (ArrayRef<int64_t>{0, INT64_MAX}));
}

TEST_F(SampleStreamTest, RefusesNonFiniteElements) {
  HostTensor x = iota(ElementKind::F32, {3, 2, 2});
  x.as<float>()[11] = NAN;
  EXPECT_SAYS(fault(npz({{"x", x}}), {{"x", {1, 2, 2}}}), "array \"x\", sample 2: expected finite values, but got NaN at [0, 1, 1]");
  x.as<float>()[2] = -INFINITY;
  EXPECT_SAYS(fault(npz({{"x", x}}), {{"x", {1, 2, 2}}}), "sample 0: expected finite values, but got -infinity at [0, 1, 0]");
}

TEST_F(SampleStreamTest, ReadsFoldersInTheOrderOfNames) {
  cantFail(writeNpy(at("b.npy"), iota(ElementKind::F64, {2, 2})));
  cantFail(writeNpy(at("a.npy"), iota(ElementKind::I8, {2})));
  cantFail(writeFile(at("README"), "not a sample"));
  auto stream = cantFail(SampleStream::open(folder, {{"x", {1, 2}}}));
  ASSERT_EQ(stream->size(), 3);
  EXPECT_EQ(cantFail(stream->read(2))[0].as<float>(), (ArrayRef<float>{2, 3}));
  EXPECT_EQ(cantFail(stream->read(0))[0].as<float>(), (ArrayRef<float>{0, 1}));
  EXPECT_SAYS(fault(folder, {{"x", {1, 2}}, {"y", {1, 2}}}), "expected an .npz archive with \"x\", \"y\"");
}

TEST_F(SampleStreamTest, ReadsRawFloats) {
  HostTensor x = iota(ElementKind::F32, {4});
  cantFail(writeFile(at("a.raw"), StringRef(x.bytes.data(), x.bytes.size())));
  auto stream = cantFail(SampleStream::open(at("a.raw"), {{"x", {1, 2}}}));
  ASSERT_EQ(stream->size(), 2);
  EXPECT_EQ(cantFail(stream->read(1))[0].as<float>(), (ArrayRef<float>{2, 3}));
}

TEST_F(SampleStreamTest, NormalizesImages) {
  bmp("a.bmp", {255, 0, 51}, {102, 153, 204});
  ImageOptions options;
  auto stream = cantFail(SampleStream::open(folder, {{"x", {1, 3, 1, 2}}}, options));
  auto pixels = cantFail(stream->read(0));
  for (auto [got, expected] : zip(pixels[0].as<float>(), std::vector<float>{1, .4f, 0, .6f, .2f, .8f}))
    EXPECT_FLOAT_EQ(got, expected);

  options.layout = ImageOptions::Layout::NHWC;
  options.bgr = true;
  options.scale = 1;
  options.mean = {1, 2, 3};
  options.std = {2};
  stream = cantFail(SampleStream::open(folder, {{"x", {1, 1, 2, 3}}}, options));
  EXPECT_EQ(cantFail(stream->read(0))[0].as<float>(), (ArrayRef<float>{25, -1, 126, 101.5, 75.5, 49.5}));
}

TEST_F(SampleStreamTest, ResizesImagesOnRequest) {
  bmp("a.bmp", {10, 10, 10}, {30, 30, 30});
  InputSpec x{"x", {1, 3, 1, 1}};
  EXPECT_SAYS(fault(folder, {x}), "expected 1x1 pixels, but got 2x1");
  ImageOptions options;
  options.scale = 1;
  options.resize = ImageOptions::Resize::Stretch;
  auto stream = cantFail(SampleStream::open(folder, {x}, options));
  EXPECT_EQ(cantFail(stream->read(0))[0].as<float>(), (ArrayRef<float>{20, 20, 20}));
  options.resize = ImageOptions::Resize::Crop;
  EXPECT_EQ(fault(folder, {x}, options), "");
}

TEST_F(SampleStreamTest, RefusesFoldersOfSeveralKinds) {
  npz({{"x", iota(ElementKind::F32, {1, 2})}});
  bmp("b.bmp", {0, 0, 0}, {0, 0, 0});
  EXPECT_SAYS(fault(folder, {{"x", {1, 2}}}), "expected samples of one kind, but got both b.bmp and a.npz");
}

TEST_F(SampleStreamTest, RefusesBadImages) {
  InputSpec x{"x", {1, 3, 1, 2}};
  cantFail(writeFile(at("a.png"), "\x89PNG\r\n\x1a\n and then nothing"));
  EXPECT_SAYS(fault(folder, {x}), "a.png: cannot decode");
  EXPECT_SAYS(fault(folder, {{"x", {1, 2}}}), "expected four dimensions");
  EXPECT_SAYS(fault(folder, {{"x", {1, 4, 1, 2}}}), "expected 1 or 3 channels");
  ImageOptions options;
  options.mean = {1, 2};
  EXPECT_SAYS(fault(folder, {x}, options), "expected 1 or 3 values of mean, but got 2");
  EXPECT_SAYS(fault(npz({{"x", iota(ElementKind::F32, {1, 2})}}), {{"x", {1, 2}}}, options), "for image files");
}
} // namespace
