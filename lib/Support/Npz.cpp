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
  uint64_t header, next, end; // where its elements go on, where they end
  uint64_t size;
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

// Every entry has its 64-bit field, so that headers have one form.
size_t NpzWriter::declare(StringRef name, ElementKind kind,
                          ArrayRef<int64_t> shape) {
  Entry entry{name.str() + ".npy", end, 0, 0, 0, 0};
  std::string npy = npyHeader(kind, shape);
  entry.size = npy.size();
  uint64_t elements = byteWidth(kind);
  for (int64_t extent : shape)
    elements *= extent;
  entry.size += elements;

  std::string header;
  raw_string_ostream os(header);
  Writer le(os, endianness::little);
  le.write<uint32_t>(kLocal);
  for (uint16_t field : {45, 0, 0, 0, 0x21}) // version 4.5, stored, 1980-01-01
    le.write(field);
  le.write<uint32_t>(0); // checksum: with `finish`
  le.write(kMax32);
  le.write(kMax32);
  for (uint16_t field : {(int)entry.name.size(), 20})
    le.write(field);
  os << entry.name;
  for (uint16_t field : {1, 16})
    le.write(field);
  le.write(entry.size);
  le.write(entry.size);
  file->os().pwrite(header.data(), header.size(), entry.header);
  entry.next = entry.header + header.size();
  entry.end = end = entry.next + entry.size;
  entries.push_back(std::move(entry));
  append(entries.size() - 1, ArrayRef<char>(npy.data(), npy.size()));
  return entries.size() - 1;
}

void NpzWriter::append(size_t number, ArrayRef<char> bytes) {
  Entry &entry = entries[number];
  assert(entry.next + bytes.size() <= entry.end && "more than declared");
  if (!bytes.empty())
    file->os().pwrite(bytes.data(), bytes.size(), entry.next);
  entry.next += bytes.size();
  while (!bytes.empty()) {
    auto chunk = bytes.take_front(1 << 30); // zlib counts in 32 bits
    entry.crc = crc32(entry.crc, reinterpret_cast<const Bytef *>(chunk.data()),
                      chunk.size());
    bytes = bytes.drop_front(chunk.size());
  }
}

void NpzWriter::add(StringRef name, const HostTensor &tensor) {
  append(declare(name, tensor.kind, tensor.shape), tensor.bytes);
}

Error NpzWriter::finish() {
  std::string directory;
  raw_string_ostream os(directory);
  Writer le(os, endianness::little);
  for (const Entry &entry : entries) {
    if (entry.next != entry.end)
      return createStringError(inconvertibleErrorCode(),
                               "%s: array %s was not completed",
                               file->path().str().c_str(), entry.name.c_str());
    char crc[4];
    write32le(crc, entry.crc);
    file->os().pwrite(crc, 4, entry.header + 14);
    le.write(kCentral);
    for (uint16_t field : {45, 45, 0, 0, 0, 0x21})
      le.write(field);
    le.write(entry.crc);
    le.write(kMax32);
    le.write(kMax32);
    for (uint16_t field : {(int)entry.name.size(), 28, 0, 0, 0})
      le.write(field);
    le.write<uint32_t>(0);
    le.write(kMax32);
    os << entry.name;
    for (uint16_t field : {1, 24})
      le.write(field);
    le.write(entry.size);
    le.write(entry.size);
    le.write(entry.header);
  }
  uint64_t size = directory.size(), count = entries.size();
  le.write(kEnd64);
  le.write<uint64_t>(44);
  le.write<uint16_t>(45);
  le.write<uint16_t>(45);
  le.write<uint64_t>(0); // disks
  for (uint64_t field : {count, count, size, end})
    le.write(field);
  le.write(kLocator64);
  le.write<uint32_t>(0);
  le.write<uint64_t>(end + size);
  le.write<uint32_t>(1);
  le.write(kEnd);
  uint16_t shortCount = std::min<uint64_t>(count, 0xffff);
  for (uint16_t field : {(uint16_t)0, (uint16_t)0, shortCount, shortCount})
    le.write(field);
  le.write<uint32_t>(std::min<uint64_t>(size, kMax32));
  le.write<uint32_t>(std::min<uint64_t>(end, kMax32));
  le.write<uint16_t>(0);
  file->os().pwrite(directory.data(), directory.size(), end);
  return file->commit();
}

} // namespace dyadic
