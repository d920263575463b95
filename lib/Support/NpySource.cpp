//===- NpySource.cpp ------------------------------------------------------===//
#include "NpySource.h"

#include <zlib.h>

using namespace llvm;
namespace fs = llvm::sys::fs;

namespace dyadic {

ByteSource::~ByteSource() = default;

Expected<std::shared_ptr<InputFile>> InputFile::open(StringRef path) {
  auto cannotRead = [&](std::error_code error) {
    return createStringError(error, "cannot read %s: %s", path.str().c_str(),
                             error.message().c_str());
  };
  fs::file_status status;
  if (std::error_code error = fs::status(path, status))
    return cannotRead(error);
  if (fs::is_directory(status))
    return cannotRead(std::make_error_code(std::errc::is_a_directory));
  auto handle = fs::openNativeFileForRead(path);
  if (!handle)
    return cannotRead(errorToErrorCode(handle.takeError()));
  std::shared_ptr<InputFile> file(new InputFile);
  file->filePath = path.str();
  file->handle = *handle;
  file->fileSize = status.getSize();
  return file;
}

InputFile::~InputFile() {
  if (handle != fs::kInvalidFile)
    fs::closeFile(handle);
}

Error InputFile::read(int64_t offset, MutableArrayRef<char> out) const {
  while (!out.empty()) {
    auto count = fs::readNativeFileSlice(handle, out, offset);
    if (!count)
      return createStringError(inconvertibleErrorCode(), "cannot read %s: %s",
                               filePath.c_str(),
                               toString(count.takeError()).c_str());
    if (*count == 0)
      return createStringError(inconvertibleErrorCode(),
                               "%s ends at byte %lld, where more was expected",
                               filePath.c_str(), (long long)offset);
    out = out.drop_front(*count);
    offset += *count;
  }
  return Error::success();
}

namespace {
class Slice : public ByteSource {
public:
  Slice(std::shared_ptr<InputFile> file, int64_t offset, int64_t size)
      : file(std::move(file)), start(offset), length(size) {}
  int64_t size() const override { return length; }
  Error read(int64_t offset, MutableArrayRef<char> out) override {
    return file->read(start + offset, out);
  }

private:
  std::shared_ptr<InputFile> file;
  int64_t start, length;
};

class Inflated : public ByteSource {
public:
  Inflated(std::shared_ptr<InputFile> file, int64_t offset, int64_t packedSize,
           int64_t size, uint32_t crc, std::string label)
      : file(std::move(file)), start(offset), packedSize(packedSize),
        length(size), expectedCrc(crc), label(std::move(label)) {}
  ~Inflated() override { stop(); }

  int64_t size() const override { return length; }

  Error read(int64_t offset, MutableArrayRef<char> out) override {
    if (!running || offset < position)
      if (Error error = restart())
        return error;
    std::vector<char> skipped(
        std::min<int64_t>(offset - position, 1 << 16));
    while (position < offset) {
      auto chunk = MutableArrayRef<char>(skipped).take_front(offset - position);
      if (Error error = inflateInto(chunk))
        return error;
    }
    return inflateInto(out);
  }

private:
  void stop() {
    if (running)
      inflateEnd(&stream);
    running = false;
  }

  Error restart() {
    stop();
    stream = {};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
      return damaged("the decompressor did not start");
    running = true;
    position = consumed = 0;
    crc = crc32(0, nullptr, 0);
    return Error::success();
  }

  Error inflateInto(MutableArrayRef<char> out) {
    stream.next_out = reinterpret_cast<Bytef *>(out.data());
    // zlib counts in 32 bits.
    int64_t left = out.size();
    while (left > 0 || stream.avail_out > 0) {
      if (stream.avail_out == 0) {
        stream.avail_out = std::min<int64_t>(left, 1 << 30);
        left -= stream.avail_out;
      }
      if (stream.avail_in == 0) {
        int64_t count = std::min<int64_t>(packedSize - consumed, sizeof(input));
        if (count == 0)
          return damaged("the compressed data ends early");
        if (Error error = file->read(start + consumed,
                                     MutableArrayRef<char>(input, count)))
          return error;
        consumed += count;
        stream.next_in = reinterpret_cast<Bytef *>(input);
        stream.avail_in = count;
      }
      int result = inflate(&stream, Z_NO_FLUSH);
      if (result == Z_STREAM_END && (left > 0 || stream.avail_out > 0))
        return damaged("the compressed data ends early");
      if (result != Z_OK && result != Z_STREAM_END)
        return damaged(stream.msg ? stream.msg : "cannot decompress");
    }
    position += out.size();
    for (ArrayRef<char> rest = out; !rest.empty();) {
      auto chunk = rest.take_front(1 << 30);
      crc = crc32(crc, reinterpret_cast<const Bytef *>(chunk.data()),
                  chunk.size());
      rest = rest.drop_front(chunk.size());
    }
    if (position == length && crc != expectedCrc)
      return damaged("the checksum is wrong");
    return Error::success();
  }

  Error damaged(StringRef why) {
    return createStringError(inconvertibleErrorCode(), "%s is damaged: %s",
                             label.c_str(), why.str().c_str());
  }

  std::shared_ptr<InputFile> file;
  int64_t start, packedSize, length;
  uint32_t expectedCrc, crc = 0;
  std::string label;
  z_stream stream = {};
  bool running = false;
  int64_t position = 0, consumed = 0;
  char input[1 << 15];
};
} // namespace

std::unique_ptr<ByteSource> makeSlice(std::shared_ptr<InputFile> file,
                                      int64_t offset, int64_t size) {
  return std::make_unique<Slice>(std::move(file), offset, size);
}

std::unique_ptr<ByteSource> makeInflated(std::shared_ptr<InputFile> file,
                                         int64_t offset, int64_t packedSize,
                                         int64_t size, uint32_t crc,
                                         std::string label) {
  return std::make_unique<Inflated>(std::move(file), offset, packedSize, size,
                                    crc, std::move(label));
}

} // namespace dyadic
