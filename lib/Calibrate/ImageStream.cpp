//===- ImageStream.cpp - samples from image files -------------------------===//
#include "SampleSources.h"
#include "StbImage.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>

using namespace llvm;

namespace dyadic {

namespace {
class ImageStream : public SampleStream {
public:
  ImageStream(std::vector<std::string> paths, InputSpec input,
              const ImageOptions &options)
      : paths(std::move(paths)), input(std::move(input)), options(options) {}

  /// Finds out which dimensions are height, width and channels.
  Error initialize() {
    ArrayRef<int64_t> shape = input.shape;
    if (shape.size() != 4 || input.kind != ElementKind::F32)
      return inputError("%s is an image, but input \"%s\" of the model is %s: "
                        "expected four dimensions of float32",
                        paths.front().c_str(), input.name.c_str(),
                        printShape(shape).c_str());
    auto isColour = [](int64_t extent) { return extent == 1 || extent == 3; };
    channelsFirst = options.layout == ImageOptions::Layout::NCHW ||
                    (options.layout == ImageOptions::Layout::Auto && isColour(shape[1]));
    channels = shape[channelsFirst ? 1 : 3];
    height = shape[channelsFirst ? 2 : 1];
    width = shape[channelsFirst ? 3 : 2];
    if (!isColour(channels))
      return inputError("%s is an image, but input \"%s\" of the model is %s: "
                        "expected 1 or 3 channels, but got %lld",
                        paths.front().c_str(), input.name.c_str(),
                        printShape(shape).c_str(), (long long)channels);
    for (auto [values, what] : {std::make_pair(&options.mean, "mean"),
                                std::make_pair(&options.std, "std")})
      if (values->size() > 1 && (int64_t)values->size() != channels)
        return inputError("expected 1 or %lld values of %s, but got %d",
                          (long long)channels, what, (int)values->size());
    if (llvm::is_contained(options.std, 0.0f))
      return inputError("expected a std other than 0");
    if (paths.size() % shape[0])
      return inputError("expected a multiple of the model's batch of %lld "
                        "images, but got %d",
                        (long long)shape[0], (int)paths.size());
    return Error::success();
  }

  int64_t size() const override { return paths.size() / input.shape[0]; }

  Expected<SmallVector<HostTensor>> read(int64_t index) override {
    HostTensor tensor(ElementKind::F32, input.shape);
    int64_t batch = input.shape[0], elements = tensor.numElements() / batch;
    for (int64_t i = 0; i < batch; ++i) {
      auto slice = tensor.as<float>().slice(i * elements, elements);
      if (Error error = readImage(paths[index * batch + i], slice))
        return std::move(error);
    }
    SmallVector<HostTensor> sample;
    sample.push_back(std::move(tensor));
    return sample;
  }

private:
  Error readImage(const std::string &path, MutableArrayRef<float> out) {
    auto file = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
    if (!file)
      return inputError("cannot read %s: %s", path.c_str(),
                        file.getError().message().c_str());
    auto image = decodeImage((*file)->getBuffer(), channels);
    if (!image)
      return inputError("%s: %s", path.c_str(),
                        toString(image.takeError()).c_str());
    if (image->height != height || image->width != width) {
      if (options.resize == ImageOptions::Resize::None)
        return inputError("%s: expected %lldx%lld pixels, but got %lldx%lld: see "
                          "--resize",
                          path.c_str(), (long long)width, (long long)height,
                          (long long)image->width, (long long)image->height);
      auto resized = fit(*image);
      if (!resized)
        return inputError("%s: %s", path.c_str(),
                          toString(resized.takeError()).c_str());
      image = std::move(resized);
    }
    normalize(*image, out);
    return Error::success();
  }

  /// Scales, and for `Crop` cuts, an image to the model's size.
  Expected<Image> fit(const Image &image) {
    int64_t w = width, h = height;
    if (options.resize == ImageOptions::Resize::Crop) {
      double factor = std::max(double(width) / image.width,
                               double(height) / image.height);
      w = std::max<int64_t>(width, image.width * factor + 0.5);
      h = std::max<int64_t>(height, image.height * factor + 0.5);
    }
    auto scaled = resizeImage(image, w, h);
    if (!scaled || (w == width && h == height))
      return scaled;
    Image cut{width, height, channels, {}};
    cut.pixels.reserve(width * height * channels);
    for (int64_t y = 0; y < height; ++y) {
      auto *row = scaled->pixels.data() +
                  ((y + (h - height) / 2) * w + (w - width) / 2) * channels;
      cut.pixels.insert(cut.pixels.end(), row, row + width * channels);
    }
    return cut;
  }

  void normalize(const Image &image, MutableArrayRef<float> out) {
    auto pick = [](ArrayRef<float> values, int64_t c, float otherwise) {
      return values.empty() ? otherwise : values.size() == 1 ? values[0] : values[c];
    };
    for (int64_t c = 0; c < channels; ++c) {
      // The model's channel c; pixels are red, green, blue.
      int64_t from = options.bgr ? channels - 1 - c : c;
      float mean = pick(options.mean, c, 0), std = pick(options.std, c, 1);
      for (int64_t i = 0; i < height * width; ++i) {
        float value = (image.pixels[i * channels + from] * options.scale - mean) / std;
        out[channelsFirst ? c * height * width + i : i * channels + c] = value;
      }
    }
  }

  std::vector<std::string> paths;
  InputSpec input;
  ImageOptions options;
  bool channelsFirst = true;
  int64_t channels = 0, height = 0, width = 0;
};
} // namespace

Expected<std::unique_ptr<SampleStream>>
openImages(std::vector<std::string> paths, ArrayRef<InputSpec> inputs,
           const ImageOptions &options) {
  if (inputs.size() != 1)
    return inputError("%s is an image, but the model has %d inputs: expected an "
                      ".npz archive",
                      paths.front().c_str(), (int)inputs.size());
  auto stream = std::make_unique<ImageStream>(std::move(paths), inputs[0], options);
  if (Error error = stream->initialize())
    return std::move(error);
  return std::move(stream);
}

} // namespace dyadic
