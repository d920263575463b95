//===- Npy.cpp ------------------------------------------------------------===//
#include "dyadic/Support/Npy.h"
#include "NpyHeader.h"
#include "NpySource.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace llvm;

namespace dyadic {

static constexpr StringLiteral kMagic = "\x93NUMPY";

template <typename... Args>
static Error failure(const char *format, const Args &...args) {
  return createStringError(inconvertibleErrorCode(), format, args...);
}

//===----------------------------------------------------------------------===//
// Headers
//===----------------------------------------------------------------------===//

static std::optional<ElementKind> parseElementKind(StringRef descr) {
  // One-byte types have no byte order: '|'. Ours is little-endian, so is '='.
  if (!descr.empty() && StringRef("<|=").contains(descr.front()))
    descr = descr.drop_front();
  return StringSwitch<std::optional<ElementKind>>(descr)
      .Case("b1", ElementKind::Bool)
      .Case("u1", ElementKind::U8)
      .Case("i1", ElementKind::I8)
      .Case("i2", ElementKind::I16)
      .Case("i4", ElementKind::I32)
      .Case("i8", ElementKind::I64)
      .Case("f4", ElementKind::F32)
      .Case("f8", ElementKind::F64)
      .Case("u2", ElementKind::U16)
      .Case("u4", ElementKind::U32)
      .Case("u8", ElementKind::U64)
      .Case("f2", ElementKind::F16)
      .Case("V2", ElementKind::BF16) // as NumPy writes ml_dtypes' bfloat16
      .Default(std::nullopt);
}

static StringRef descrOf(ElementKind kind) {
  static constexpr StringLiteral names[] = {"|b1", "|u1", "|i1", "<i2",
                                            "<i4", "<i8", "<f4", "<f8",
                                            "<u2", "<u4", "<u8", "<f2",
                                            "<V2"};
  return names[static_cast<int>(kind)];
}

namespace {
/// The Python literal of a header: a dictionary of strings, booleans, tuples.
struct HeaderParser {
  StringRef rest;

  bool consume(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }
  std::optional<StringRef> string() {
    rest = rest.ltrim();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return std::nullopt;
    size_t end = rest.find(rest[0], 1);
    if (end == StringRef::npos)
      return std::nullopt;
    StringRef text = rest.slice(1, end);
    rest = rest.drop_front(end + 1);
    return text;
  }
  bool tuple(SmallVectorImpl<int64_t> &values) {
    if (!consume("("))
      return false;
    while (!consume(")")) {
      int64_t value;
      rest = rest.ltrim();
      if (rest.consumeInteger(10, value) || value < 0)
        return false;
      consume("L"); // Python 2 wrote long integers so
      values.push_back(value);
      if (!consume(",") && !rest.ltrim().starts_with(")"))
        return false;
    }
    return true;
  }
};
} // namespace

/// Parses the dictionary; `unsupported` gets an element type we don't have.
static bool parseHeader(StringRef text, std::optional<ElementKind> &kind,
                        std::string &descr, bool &isFortran,
                        SmallVectorImpl<int64_t> &shape) {
  HeaderParser parser{text};
  bool hasOrder = false, hasShape = false;
  if (!parser.consume("{"))
    return false;
  while (!parser.consume("}")) {
    auto key = parser.string();
    if (!key || !parser.consume(":"))
      return false;
    if (*key == "descr") {
      auto value = parser.string();
      if (!value) { // a list of fields
        descr = "a structure";
        return true;
      }
      descr = value->str();
      kind = parseElementKind(*value);
    } else if (*key == "fortran_order") {
      isFortran = parser.consume("True");
      if (!isFortran && !parser.consume("False"))
        return false;
      hasOrder = true;
    } else if (*key == "shape") {
      if (!parser.tuple(shape))
        return false;
      hasShape = true;
    } else {
      return false;
    }
    parser.consume(",");
  }
  return hasOrder && hasShape && !descr.empty();
}

std::string npyHeader(ElementKind kind, ArrayRef<int64_t> shape) {
  std::string text;
  raw_string_ostream os(text);
  os << "{'descr': '" << descrOf(kind) << "', 'fortran_order': False, 'shape': (";
  interleave(shape, os, ", ");
  os << (shape.size() == 1 ? ",), }" : "), }");
  // The data starts at a multiple of 64.
  size_t length = alignTo(10 + text.size() + 1, 64) - 10;
  text.append(length - 1 - text.size(), ' ');
  text += '\n';
  char prefix[4] = {1, 0};
  support::endian::write16le(prefix + 2, length);
  return (kMagic + StringRef(prefix, 4)).str() + text;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<NpyArray>>
NpyArray::open(std::unique_ptr<ByteSource> source, std::string label) {
  const char *what = label.c_str();
  char prefix[12] = {};
  int64_t size = source->size();
  if (Error error = source->read(
          0, MutableArrayRef<char>(prefix, std::min<int64_t>(size, 12))))
    return std::move(error);
  if (size < 10 || StringRef(prefix, 6) != kMagic)
    return failure("%s is not a NumPy array: it doesn't begin with \\x93NUMPY",
                   what);
  int major = prefix[6];
  if (major < 1 || major > 3)
    return failure("%s: expected NumPy format 1, 2 or 3, but got %d", what, major);
  int64_t offset = major == 1 ? 10 : 12;
  int64_t length = major == 1 ? support::endian::read16le(prefix + 8)
                              : support::endian::read32le(prefix + 8);
  // NumPy itself refuses headers above 10,000 bytes.
  if (offset + length > size || length > (1 << 16))
    return failure("%s is truncated: its header of %lld bytes is longer than "
                   "the %lld bytes there are",
                   what, (long long)length, (long long)size);
  std::string text(length, '\0');
  if (Error error =
          source->read(offset, MutableArrayRef<char>(text.data(), length)))
    return std::move(error);

  std::unique_ptr<NpyArray> array(new NpyArray);
  std::optional<ElementKind> kind;
  std::string descr;
  if (!parseHeader(text, kind, descr, array->isFortran, array->dims))
    return failure("%s: cannot parse the header %s", what,
                   StringRef(text).trim().str().c_str());
  if (!kind)
    return failure("%s: expected elements of bool, uint8, int8, int16, int32, "
                   "int64, float32 or float64, little-endian, but got %s",
                   what, descr.c_str());
  int64_t bytes = byteWidth(*kind);
  for (int64_t extent : array->dims)
    if (MulOverflow(bytes, extent, bytes))
      return failure("%s: the shape %s has too many elements", what,
                     llvm::join(map_range(array->dims,
                                          [](int64_t d) { return itostr(d); }),
                                "x")
                         .c_str());
  if (bytes > size - offset - length)
    return failure("%s is truncated: its shape needs %lld bytes, but there "
                   "are %lld",
                   what, (long long)bytes, (long long)(size - offset - length));
  array->source = std::move(source);
  array->name = std::move(label);
  array->elementKind = *kind;
  array->dataOffset = offset + length;
  // With fewer than two dimensions both orders are the same.
  array->isFortran &= array->dims.size() > 1;
  return std::move(array);
}

std::unique_ptr<NpyArray> NpyArray::raw(std::unique_ptr<ByteSource> source,
                                        std::string label, ElementKind kind,
                                        ArrayRef<int64_t> shape) {
  std::unique_ptr<NpyArray> array(new NpyArray);
  array->source = std::move(source);
  array->name = std::move(label);
  array->elementKind = kind;
  array->dims.assign(shape.begin(), shape.end());
  return array;
}

int64_t NpyArray::numElements() const {
  int64_t count = 1;
  for (int64_t extent : dims)
    count *= extent;
  return count;
}

/// Reads a Fortran order array whole and puts it in C order: its samples lie
/// scattered over the file, so there is no reading them one by one.
Error NpyArray::loadFortran() {
  int64_t width = byteWidth(elementKind), count = numElements();
  std::vector<char> raw(count * width);
  if (Error error = source->read(dataOffset, raw))
    return error;
  reordered.resize(raw.size());
  SmallVector<int64_t> strides(dims.size(), 1), index(dims.size(), 0);
  for (size_t i = 1; i < dims.size(); ++i)
    strides[i] = strides[i - 1] * dims[i - 1];
  int64_t from = 0;
  for (int64_t to = 0; to < count; ++to) {
    std::memcpy(&reordered[to * width], &raw[from * width], width);
    for (size_t d = dims.size(); d-- > 0;) {
      from += strides[d];
      if (++index[d] < dims[d])
        break;
      from -= strides[d] * dims[d];
      index[d] = 0;
    }
  }
  return Error::success();
}

Expected<HostTensor> NpyArray::readElements(int64_t first, int64_t count) {
  if (first < 0 || count < 0 || first + count > numElements())
    return failure("%s: elements %lld to %lld are out of range", name.c_str(),
                   (long long)first, (long long)(first + count));
  HostTensor tensor(elementKind, {count});
  int64_t width = byteWidth(elementKind);
  if (isFortran) {
    if (reordered.empty())
      if (Error error = loadFortran())
        return std::move(error);
    std::memcpy(tensor.bytes.data(), reordered.data() + first * width,
                count * width);
    return tensor;
  }
  if (Error error = source->read(dataOffset + first * width, tensor.bytes))
    return std::move(error);
  return tensor;
}

Expected<HostTensor> NpyArray::readAll() {
  auto tensor = readElements(0, numElements());
  if (tensor)
    tensor->shape = dims;
  return tensor;
}

Expected<std::unique_ptr<NpyArray>> openNpy(StringRef path) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  return NpyArray::open(makeSlice(*file, 0, (*file)->size()), path.str());
}

Expected<std::unique_ptr<NpyArray>> openRaw(StringRef path, ElementKind kind,
                                            ArrayRef<int64_t> shape) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  int64_t sampleBytes = byteWidth(kind), size = (*file)->size();
  for (int64_t extent : shape)
    sampleBytes *= extent;
  if (sampleBytes <= 0 || size % sampleBytes)
    return failure("%s: expected a multiple of %lld bytes, one sample's %s "
                   "elements, but got %lld",
                   path.str().c_str(), (long long)sampleBytes,
                   dyadic::name(kind).str().c_str(), (long long)size);
  SmallVector<int64_t> stacked = {size / sampleBytes};
  llvm::append_range(stacked, shape);
  return NpyArray::raw(makeSlice(*file, 0, size), path.str(), kind, stacked);
}

std::string describe(const NpyArray &array) {
  HostTensor shaped;
  shaped.kind = array.kind();
  shaped.shape.assign(array.shape().begin(), array.shape().end());
  return describe(shaped);
}

Error writeNpy(StringRef path, const HostTensor &tensor) {
  auto file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  (*file)->os() << npyHeader(tensor.kind, tensor.shape)
                << StringRef(tensor.bytes.data(), tensor.bytes.size());
  return (*file)->commit();
}

} // namespace dyadic
