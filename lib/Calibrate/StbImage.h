//===- StbImage.h - decoding and scaling images by stb ----------*- C++ -*-===//
#ifndef DYADIC_LIB_CALIBRATE_STBIMAGE_H
#define DYADIC_LIB_CALIBRATE_STBIMAGE_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace dyadic {

/// Rows of pixels, 8 bits a channel.
struct Image {
  int64_t width = 0, height = 0, channels = 0;
  std::vector<uint8_t> pixels;
};

/// Decodes JPEG, PNG or BMP to `channels` (1: grey, 3: red, green, blue).
llvm::Expected<Image> decodeImage(llvm::StringRef bytes, int channels);

/// Bilinear, averaging where it shrinks.
llvm::Expected<Image> resizeImage(const Image &image, int64_t width,
                                  int64_t height);

} // namespace dyadic

#endif
