//===- Npz.cpp - reading and writing .npz archives ------------------------===//
//
// A .npz file is a ZIP archive of .npy files, stored or deflated; above 4 GB
// with the 64-bit fields of ZIP's appendix ("zip64").
//
//===----------------------------------------------------------------------===//
#include "NpyHeader.h"
#include "NpySource.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/EndianStream.h"

#include <zlib.h>

using namespace llvm;
using namespace llvm::support::endian;

namespace dyadic {

static constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50,
                          kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                          kLocator64 = 0x07064b50, kMax32 = 0xffffffff;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

struct NpzArchive::Entry {
  std::shared_ptr<InputFile> file;
  int64_t header = 0, packedSize = 0, size = 0;
  uint32_t crc = 0;
  uint16_t method = 0, flags = 0;
};

NpzArchive::NpzArchive() = default;
NpzArchive::~NpzArchive() = default;

static Error damaged(StringRef path, const char *why) {
  return createStringError(inconvertibleErrorCode(), "%s is damaged: %s",
                           path.str().c_str(), why);
}

/// Where the directory lies: {offset, size, entries}.
static Expected<std::array<uint64_t, 3>> findDirectory(const InputFile &file) {
  // The end record is the last thing but for a comment of up to 64 KB.
  int64_t tail = std::min<int64_t>(file.size(), (1 << 16) + 22 + 20);
  std::string bytes(tail, '\0');
  if (Error error = file.read(file.size() - tail,
                              MutableArrayRef<char>(bytes.data(), tail)))
    return std::move(error);
  int64_t at = tail - 22;
  while (at >= 0 && read32le(&bytes[at]) != kEnd)
    --at;
  if (at < 0)
    return createStringError(inconvertibleErrorCode(),
                             "%s is not an .npz archive, or is truncated: it "
                             "has no directory at its end",
                             file.path().str().c_str());
  std::array<uint64_t, 3> found = {read32le(&bytes[at + 16]),
                                   read32le(&bytes[at + 12]),
                                   read16le(&bytes[at + 10])};
  if (found[0] != kMax32 && found[1] != kMax32 && found[2] != 0xffff)
    return found;
  if (at < 20 || read32le(&bytes[at - 20]) != kLocator64)
    return damaged(file.path(), "its 64-bit directory is missing");
  uint64_t offset = read64le(&bytes[at - 20 + 8]);
  char record[56];
  if (offset > (uint64_t)file.size() - std::min<int64_t>(file.size(), 56))
    return damaged(file.path(), "its 64-bit directory is out of range");
  if (Error error = file.read(offset, record))
    return std::move(error);
  if (read32le(record) != kEnd64)
    return damaged(file.path(), "its 64-bit directory is missing");
  found = {read64le(record + 48), read64le(record + 40), read64le(record + 32)};
  return found;
}

/// Replaces the sizes and the offset that say "see the 64-bit field".
static bool readZip64(StringRef extra, uint64_t &size, uint64_t &packed,
                      uint64_t &header) {
  while (extra.size() >= 4) {
    uint16_t id = read16le(extra.data()), length = read16le(extra.data() + 2);
    extra = extra.drop_front(4);
    if (length > extra.size())
      return false;
    StringRef field = extra.take_front(length);
    extra = extra.drop_front(length);
    if (id != 1)
      continue;
    for (uint64_t *value : {&size, &packed, &header}) {
      if (*value != kMax32)
        continue;
      if (field.size() < 8)
        return false;
      *value = read64le(field.data());
      field = field.drop_front(8);
    }
  }
  return true;
}

Expected<std::unique_ptr<NpzArchive>> NpzArchive::open(StringRef path) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  uint64_t fileSize = (*file)->size();
  auto directory = findDirectory(**file);
  if (!directory)
    return directory.takeError();
  auto [offset, size, count] = *directory;
  if (offset > fileSize || size > fileSize - offset)
    return damaged(path, "its directory is out of range");
  std::string bytes(size, '\0');
  if (Error error = (*file)->read(offset, MutableArrayRef<char>(bytes.data(), size)))
    return std::move(error);

  std::unique_ptr<NpzArchive> archive(new NpzArchive);
  archive->filePath = path.str();
  StringRef rest = bytes;
  for (uint64_t i = 0; i < count; ++i) {
    if (rest.size() < 46 || read32le(rest.data()) != kCentral)
      return damaged(path, "its directory ends early");
    const char *record = rest.data();
    size_t nameLength = read16le(record + 28), extraLength = read16le(record + 30),
           commentLength = read16le(record + 32);
    if (rest.size() < 46 + nameLength + extraLength + commentLength)
      return damaged(path, "its directory ends early");
    uint64_t entrySize = read32le(record + 24), packed = read32le(record + 20),
             header = read32le(record + 42);
    StringRef name = rest.substr(46, nameLength);
    if (!readZip64(rest.substr(46 + nameLength, extraLength), entrySize, packed,
                   header))
      return damaged(path, "a 64-bit field of its directory is cut short");
    rest = rest.drop_front(46 + nameLength + extraLength + commentLength);
    if (header > fileSize || packed > fileSize - header || entrySize > INT64_MAX)
      return damaged(path, "an entry is out of range");
    if (!name.consume_back(".npy"))
      continue;
    archive->arrayNames.push_back(name.str());
    archive->entries.push_back({*file, (int64_t)header, (int64_t)packed,
                                (int64_t)entrySize, read32le(record + 16),
                                read16le(record + 10), read16le(record + 8)});
  }
  return std::move(archive);
}

bool NpzArchive::contains(StringRef name) const {
  return is_contained(arrayNames, name);
}

Expected<std::unique_ptr<NpyArray>> NpzArchive::get(StringRef name) const {
  auto found = llvm::find(arrayNames, name);
  std::string label = filePath + ": array \"" + name.str() + "\"";
  if (found == arrayNames.end())
    return createStringError(
        inconvertibleErrorCode(), "%s: expected an array \"%s\", but got %s",
        filePath.c_str(), name.str().c_str(),
        arrayNames.empty() ? "none"
                           : ("\"" + join(arrayNames, "\", \"") + "\"").c_str());
  const Entry &entry = entries[found - arrayNames.begin()];
  if (entry.flags & 1)
    return createStringError(inconvertibleErrorCode(), "%s is encrypted",
                             label.c_str());
  if (entry.method != 0 && entry.method != 8)
    return createStringError(inconvertibleErrorCode(),
                             "%s: expected it stored or deflated, but got ZIP "
                             "method %d",
                             label.c_str(), (int)entry.method);
  char local[30];
  if (Error error = entry.file->read(entry.header, local))
    return std::move(error);
  int64_t data =
      entry.header + 30 + read16le(local + 26) + read16le(local + 28);
  if (read32le(local) != kLocal || data > entry.file->size() - entry.packedSize)
    return damaged(filePath, "an entry is out of range");
  if (entry.method == 0)
    return NpyArray::open(makeSlice(entry.file, data, entry.packedSize),
                          std::move(label));
  // Deflate shrinks to no less than 1/1032.
  if (entry.size / 1032 > entry.packedSize)
    return damaged(filePath, "an entry claims more than its bytes can hold");
  auto source = makeInflated(entry.file, data, entry.packedSize, entry.size,
                             entry.crc, label);
  return NpyArray::open(std::move(source), std::move(label));
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

struct NpzWriter::Entry {
  std::string name;
  uint64_t header, data, size;
  uint32_t crc;
};

NpzWriter::NpzWriter() = default;
NpzWriter::~NpzWriter() = default;

Expected<std::unique_ptr<NpzWriter>> NpzWriter::create(StringRef path) {
  auto file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  std::unique_ptr<NpzWriter> writer(new NpzWriter);
  writer->file = std::move(*file);
  return std::move(writer);
}

// Every entry has its 64-bit field, so that checksum and size can be filled in
// behind the data whatever the size turns out to be.
void NpzWriter::begin(StringRef name, ElementKind kind, ArrayRef<int64_t> shape) {
  if (isOpen)
    end();
  isOpen = true;
  raw_pwrite_stream &os = file->os();
  entries.push_back({name.str() + ".npy", os.tell(), 0, 0, 0});
  const std::string &entryName = entries.back().name;
  Writer le(os, endianness::little);
  le.write<uint32_t>(kLocal);
  le.write<uint16_t>({45, 0, 0, 0, 0x21}); // version 4.5, stored, 1980-01-01
  le.write<uint32_t>(0);                   // checksum: later
  le.write<uint32_t>({kMax32, kMax32});
  le.write<uint16_t>({(uint16_t)entryName.size(), 20});
  os << entryName;
  le.write<uint16_t>({1, 16});
  le.write<uint64_t>({0, 0}); // sizes: later
  entries.back().data = os.tell();
  std::string header = npyHeader(kind, shape);
  append(ArrayRef<char>(header.data(), header.size()));
}

void NpzWriter::append(ArrayRef<char> bytes) {
  Entry &entry = entries.back();
  file->os().write(bytes.data(), bytes.size());
  entry.size += bytes.size();
  for (; !bytes.empty(); bytes = bytes.drop_front(std::min<size_t>(bytes.size(), 1 << 30)))
    entry.crc = crc32(entry.crc, reinterpret_cast<const Bytef *>(bytes.data()),
                      std::min<size_t>(bytes.size(), 1 << 30));
}

void NpzWriter::add(StringRef name, const HostTensor &tensor) {
  begin(name, tensor.kind, tensor.shape);
  append(tensor.bytes);
}

void NpzWriter::end() {
  isOpen = false;
  const Entry &entry = entries.back();
  char field[16];
  write32le(field, entry.crc);
  file->os().pwrite(field, 4, entry.header + 14);
  write64le(field, entry.size);
  write64le(field + 8, entry.size);
  file->os().pwrite(field, 16, entry.data - 16);
}

Error NpzWriter::finish() {
  if (isOpen)
    end();
  raw_pwrite_stream &os = file->os();
  Writer le(os, endianness::little);
  uint64_t directory = os.tell();
  for (const Entry &entry : entries) {
    le.write<uint32_t>(kCentral);
    le.write<uint16_t>({45, 45, 0, 0, 0, 0x21});
    le.write<uint32_t>({entry.crc, kMax32, kMax32});
    le.write<uint16_t>({(uint16_t)entry.name.size(), 28, 0, 0, 0});
    le.write<uint32_t>({0, kMax32});
    os << entry.name;
    le.write<uint16_t>({1, 24});
    le.write<uint64_t>({entry.size, entry.size, entry.header});
  }
  uint64_t size = os.tell() - directory, end64 = os.tell();
  le.write<uint32_t>(kEnd64);
  le.write<uint64_t>(44);
  le.write<uint16_t>({45, 45});
  le.write<uint32_t>({0, 0});
  le.write<uint64_t>({entries.size(), entries.size(), size, directory});
  le.write<uint32_t>({kLocator64, 0});
  le.write<uint64_t>(end64);
  le.write<uint32_t>(1);
  uint16_t count = std::min<size_t>(entries.size(), 0xffff);
  le.write<uint32_t>(kEnd);
  le.write<uint16_t>({0, 0, count, count});
  le.write<uint32_t>({(uint32_t)std::min<uint64_t>(size, kMax32),
                      (uint32_t)std::min<uint64_t>(directory, kMax32)});
  le.write<uint16_t>(0);
  return file->commit();
}

} // namespace dyadic
