//===- StbImage.cpp -------------------------------------------------------===//
#include "StbImage.h"

#include <memory>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_MAX_DIMENSIONS (1 << 15)
#include <stb/stb_image.h>
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#include <stb/stb_image_resize.h>

using namespace llvm;

namespace dyadic {

/// More than any camera makes; a header that claims more is a bad file.
static constexpr int64_t kMaxPixels = int64_t(1) << 28;

static Error cannot(const char *what) {
  return createStringError(inconvertibleErrorCode(), "cannot decode the image: %s",
                           what ? what : "unknown format");
}

Expected<Image> decodeImage(StringRef bytes, int channels) {
  auto *data = reinterpret_cast<const stbi_uc *>(bytes.data());
  int width, height, stored;
  if (bytes.size() > INT32_MAX)
    return cannot("the file is larger than 2 GB");
  if (!stbi_info_from_memory(data, bytes.size(), &width, &height, &stored))
    return cannot(stbi_failure_reason());
  if (int64_t(width) * height > kMaxPixels)
    return cannot("it claims more than 2^28 pixels");
  std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(data, bytes.size(), &width, &height, &stored, channels),
      stbi_image_free);
  if (!pixels)
    return cannot(stbi_failure_reason());
  Image image{width, height, channels, {}};
  image.pixels.assign(pixels.get(), pixels.get() + int64_t(width) * height * channels);
  return image;
}

Expected<Image> resizeImage(const Image &image, int64_t width, int64_t height) {
  if (width > (1 << 15) || height > (1 << 15))
    return createStringError(inconvertibleErrorCode(),
                             "cannot scale the image to %lldx%lld pixels",
                             (long long)width, (long long)height);
  Image result{width, height, image.channels, {}};
  result.pixels.resize(width * height * image.channels);
  if (!stbir_resize_uint8_generic(
          image.pixels.data(), image.width, image.height, 0,
          result.pixels.data(), width, height, 0, image.channels,
          STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE,
          STBIR_COLORSPACE_LINEAR, nullptr))
    return createStringError(inconvertibleErrorCode(), "cannot scale the image");
  return result;
}

} // namespace dyadic
