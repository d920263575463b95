//===- NpyTest.cpp --------------------------------------------------------===//
#include "dyadic/Support/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>
#include <zlib.h>

using namespace dyadic;
using namespace llvm;

namespace {
class NpyTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("dyadic-npy", folder));
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  std::string at(StringRef name) { return (folder + "/" + name).str(); }

  std::string write(StringRef name, StringRef bytes) {
    cantFail(writeFile(at(name), bytes));
    return at(name);
  }
  std::string read(StringRef path) {
    return cantFail(errorOrToExpected(MemoryBuffer::getFile(path)))->getBuffer().str();
  }

  /// The message with which opening and reading `bytes` as .npy fails.
  std::string npyFault(StringRef bytes) {
    auto array = openNpy(write("bad.npy", bytes));
    if (!array)
      return toString(array.takeError());
    auto all = (*array)->readAll();
    return all ? "" : toString(all.takeError());
  }
  std::string npzFault(StringRef bytes, StringRef name = "x") {
    auto archive = NpzArchive::open(write("bad.npz", bytes));
    if (!archive)
      return toString(archive.takeError());
    auto array = (*archive)->get(name);
    if (!array)
      return toString(array.takeError());
    auto all = (*array)->readAll();
    return all ? "" : toString(all.takeError());
  }

  SmallString<64> folder;
};

HostTensor iota(ElementKind kind, ArrayRef<int64_t> shape) {
  HostTensor tensor(kind, shape);
  for (int64_t i = 0; i < tensor.numElements(); ++i)
    tensor.set(i, i % 100);
  return tensor;
}

std::string npy(StringRef dictionary, StringRef data, char version = 1) {
  std::string header = (dictionary + "\n").str();
  char length[2];
  support::endian::write16le(length, header.size());
  return std::string("\x93NUMPY") + version + '\0' + std::string(length, 2) +
         header + data.str();
}

/// An archive of one deflated entry, as numpy.savez_compressed writes it.
std::string deflatedNpz(StringRef name, StringRef content, uint32_t crcXor = 0) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = (Bytef *)content.data();
  stream.avail_in = content.size();
  stream.next_out = (Bytef *)packed.data();
  stream.avail_out = packed.size();
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  uint32_t crc = crc32(0, (const Bytef *)content.data(), content.size()) ^ crcXor;

  std::string out;
  auto u16 = [&](uint16_t v) { out.append((char *)&v, 2); };
  auto u32 = [&](uint32_t v) { out.append((char *)&v, 4); };
  auto common = [&] {
    u16(20), u16(0), u16(8), u16(0), u16(0x21);
    u32(crc), u32(packed.size()), u32(content.size()), u16(name.size()), u16(0);
  };
  u32(0x04034b50), common();
  out += name.str() + packed;
  uint32_t directory = out.size();
  u32(0x02014b50), u16(20), common();
  u16(0), u16(0), u16(0), u32(0), u32(0);
  out += name;
  uint32_t size = out.size() - directory;
  u32(0x06054b50), u16(0), u16(0), u16(1), u16(1), u32(size), u32(directory), u16(0);
  return out;
}

TEST_F(NpyTest, EveryKindSurvivesARoundTrip) {
  for (auto kind : {ElementKind::Bool, ElementKind::U8, ElementKind::I8, ElementKind::I16,
                    ElementKind::I32, ElementKind::I64, ElementKind::F32, ElementKind::F64}) {
    for (SmallVector<int64_t> shape : {SmallVector<int64_t>{}, {7}, {2, 3, 4}, {0, 3}}) {
      HostTensor tensor = iota(kind, shape);
      ASSERT_FALSE(errorToBool(writeNpy(at("a.npy"), tensor)));
      auto array = cantFail(openNpy(at("a.npy")));
      EXPECT_EQ(array->kind(), kind);
      EXPECT_EQ(array->shape(), ArrayRef<int64_t>(shape));
      EXPECT_EQ(cantFail(array->readAll()).bytes, tensor.bytes);
    }
  }
}

TEST_F(NpyTest, FortranOrderIsReadInCOrder) {
  // numpy.asfortranarray([[0, 1, 2], [10, 11, 12]])
  std::string bytes = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }",
                          StringRef("\0\12\1\13\2\14", 6));
  auto array = cantFail(openNpy(write("f.npy", bytes)));
  EXPECT_EQ(cantFail(array->readAll()).bytes, (std::vector<char>{0, 1, 2, 10, 11, 12}));
  EXPECT_EQ(cantFail(array->readElements(3, 2)).bytes, (std::vector<char>{10, 11}));
}

TEST_F(NpyTest, ArchivesSurviveARoundTrip) {
  auto writer = cantFail(NpzWriter::create(at("a.npz")));
  writer->add("x", iota(ElementKind::F32, {10, 3}));
  writer->add("empty", iota(ElementKind::I64, {0}));
  size_t rows = writer->declare("rows", ElementKind::U8, {2, 2});
  writer->append(rows, {'a', 'b'});
  writer->add("last", iota(ElementKind::I8, {}));
  writer->append(rows, {'c', 'd'});
  ASSERT_FALSE(errorToBool(writer->finish()));

  auto archive = cantFail(NpzArchive::open(at("a.npz")));
  EXPECT_EQ(archive->names(), (ArrayRef<std::string>{"x", "empty", "rows", "last"}));
  auto x = cantFail(archive->get("x"));
  EXPECT_EQ(describe(*x), "10x3xfloat32");
  HostTensor some = cantFail(x->readElements(27, 3));
  EXPECT_EQ(some.as<float>(), (ArrayRef<float>{27, 28, 29}));
  EXPECT_EQ(cantFail(cantFail(archive->get("rows"))->readAll()).bytes,
            (std::vector<char>{'a', 'b', 'c', 'd'}));
}

TEST_F(NpyTest, DeflatedEntriesAreReadInAnyOrder) {
  HostTensor tensor = iota(ElementKind::F32, {1000, 50});
  cantFail(writeNpy(at("x.npy"), tensor));
  write("d.npz", deflatedNpz("x.npy", read(at("x.npy"))));
  auto archive = cantFail(NpzArchive::open(at("d.npz")));
  auto x = cantFail(archive->get("x"));
  for (int64_t first : {0, 49000, 49950, 123, 124}) {
    HostTensor some = cantFail(x->readElements(first, 50));
    for (int64_t i = 0; i < 50; ++i)
      ASSERT_EQ(some.get(i), (first + i) % 100);
  }
}

TEST_F(NpyTest, RefusesBadArrays) {
  const char *dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  EXPECT_EQ(npyFault(npy(dict, "12345678")), "");
  EXPECT_NE(npyFault("not an array at all").find("\\x93NUMPY"), std::string::npos);
  EXPECT_NE(npyFault("").find("not a NumPy array"), std::string::npos);
  EXPECT_NE(npyFault(npy(dict, "1234567")).find("needs 8 bytes, but there are 7"), std::string::npos);
  EXPECT_NE(npyFault(npy(dict, "", 9)).find("format 1, 2 or 3, but got 9"), std::string::npos);
  EXPECT_NE(npyFault(npy(dict, "").substr(0, 20)).find("truncated"), std::string::npos);
  EXPECT_NE(npyFault(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", "12345678"))
                .find("but got >f4"), std::string::npos);
  EXPECT_NE(npyFault(npy("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", "12345678"))
                .find("but got <c8"), std::string::npos);
  EXPECT_NE(npyFault(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", ""))
                .find("structure"), std::string::npos);
  EXPECT_NE(npyFault(npy("{'descr': '<f4', 'shape': (2,)}", "12345678")).find("header"), std::string::npos);
  EXPECT_NE(npyFault(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "1"))
                .find("header"), std::string::npos);
}

TEST_F(NpyTest, NeverAllocatesWhatTheFileDoesNotHave) {
  EXPECT_NE(npyFault(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}", "1234"))
                .find("truncated"), std::string::npos);
  EXPECT_NE(npyFault(npy("{'descr': '<f4', 'fortran_order': False, "
                         "'shape': (1099511627776, 1099511627776)}", "1234"))
                .find("too many elements"), std::string::npos);
}

TEST_F(NpyTest, RefusesBadArchives) {
  std::string content = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "12345678");
  std::string good = deflatedNpz("x.npy", content);
  EXPECT_EQ(npzFault(good), "");
  EXPECT_NE(npzFault("").find("not an .npz archive"), std::string::npos);
  EXPECT_NE(npzFault(good, "y").find("expected an array \"y\", but got \"x\""), std::string::npos);
  EXPECT_NE(npzFault(deflatedNpz("x.npy", content, 1)).find("checksum"), std::string::npos);
  // Whatever is cut off or overwritten, the answer is a message.
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(npzFault(good.substr(0, size)), "") << size;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0xff;
    npzFault(bad);
  }
}

TEST_F(NpyTest, RawFilesHoldWholeSamples) {
  write("a.raw", std::string(24, '\0'));
  auto array = cantFail(openRaw(at("a.raw"), ElementKind::F32, {1, 3}));
  EXPECT_EQ(array->shape(), (ArrayRef<int64_t>{2, 1, 3}));
  auto bad = openRaw(at("a.raw"), ElementKind::F32, {1, 5});
  ASSERT_FALSE(bad);
  EXPECT_NE(toString(bad.takeError()).find("multiple of 20 bytes"), std::string::npos);
}

TEST_F(NpyTest, UnfinishedFilesLeaveNothing) {
  {
    auto writer = cantFail(NpzWriter::create(at("a.npz")));
    writer->add("x", iota(ElementKind::F32, {10}));
  }
  std::error_code error;
  EXPECT_EQ(sys::fs::directory_iterator(folder, error), sys::fs::directory_iterator());
  auto missing = NpzWriter::create(at("no/such/a.npz"));
  ASSERT_FALSE(missing);
  EXPECT_NE(toString(missing.takeError()).find("cannot write"), std::string::npos);
  EXPECT_NE(toString(writeFile("/dev/full", "x")).find("cannot write /dev/full"), std::string::npos);
}
} // namespace
