//===- TensorReader.cpp ---------------------------------------------------===//
#include "TensorReader.h"

#include "dyadic/Support/ConstantData.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cstring>

using namespace mlir;
using onnx::TensorProto;

namespace dyadic::onnx_import {

using EmitError = llvm::function_ref<InFlightDiagnostic()>;

std::string dataTypeName(int32_t type) {
  if (TensorProto::DataType_IsValid(type))
    return TensorProto::DataType_Name(static_cast<TensorProto::DataType>(type));
  return "element type " + std::to_string(type);
}

std::optional<ElementKind> kindOfDataType(int32_t type) {
  switch (type) {
  case TensorProto::FLOAT:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return ElementKind::F32;
  case TensorProto::DOUBLE:
    return ElementKind::F64;
  case TensorProto::BOOL:
    return ElementKind::Bool;
  case TensorProto::UINT8:
    return ElementKind::U8;
  case TensorProto::INT8:
    return ElementKind::I8;
  case TensorProto::INT16:
    return ElementKind::I16;
  case TensorProto::INT32:
    return ElementKind::I32;
  case TensorProto::INT64:
    return ElementKind::I64;
  case TensorProto::UINT16:
    return ElementKind::U16;
  case TensorProto::UINT32:
    return ElementKind::U32;
  case TensorProto::UINT64:
    return ElementKind::U64;
  default:
    return std::nullopt;
  }
}

Type borderElement(int32_t type, MLIRContext *context) {
  if (type == TensorProto::FLOAT16)
    return Float16Type::get(context);
  if (type == TensorProto::BFLOAT16)
    return BFloat16Type::get(context);
  std::optional<ElementKind> kind = kindOfDataType(type);
  return kind ? elementTypeOf(*kind, context) : Type();
}

/// Bytes of one element as the file stores it.
static int64_t storedWidth(int32_t type) {
  switch (type) {
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return 2;
  default:
    return byteWidth(*kindOfDataType(type));
  }
}

/// IEEE half to float: shift the exponent up by a multiplication, which also
/// normalizes subnormals.
static float halfToFloat(uint16_t half) {
  uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  float value;
  if ((half & 0x7c00) == 0x7c00) {
    magnitude |= 0x7f800000;
    std::memcpy(&value, &magnitude, 4);
  } else {
    std::memcpy(&value, &magnitude, 4);
    value *= 0x1p112f;
  }
  return half & 0x8000 ? -value : value;
}

static float bfloatToFloat(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

/// Converts `count` stored elements at `bytes` into the tensor's kind.
static void decode(int32_t type, const char *bytes, HostTensor &out) {
  int64_t count = out.numElements();
  auto load = [&](auto *as, int64_t i) {
    std::remove_pointer_t<decltype(as)> value;
    std::memcpy(&value, bytes + i * sizeof(value), sizeof(value));
    return value;
  };
  switch (type) {
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    for (int64_t i = 0; i < count; ++i) {
      uint16_t bits = load((uint16_t *)nullptr, i);
      out.as<float>()[i] = type == TensorProto::FLOAT16 ? halfToFloat(bits)
                                                        : bfloatToFloat(bits);
    }
    return;
  case TensorProto::BOOL:
    for (int64_t i = 0; i < count; ++i)
      setInt(out, i, bytes[i] != 0);
    return;
  default:
    if (count)
      std::memcpy(out.bytes.data(), bytes, out.bytes.size());
  }
}

/// The bytes of an external tensor. The location is a relative path that may
/// not leave the model's folder by its text; links inside the folder are the
/// user's own doing and are followed.
static FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
openExternal(const TensorProto &tensor, StringRef folder, int64_t size,
             EmitError emitError) {
  StringRef location;
  uint64_t offset = 0, length = size;
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    StringRef value = entry.value();
    bool bad = false;
    if (entry.key() == "location")
      location = value;
    else if (entry.key() == "offset")
      bad = value.getAsInteger(10, offset);
    else if (entry.key() == "length")
      bad = value.getAsInteger(10, length);
    if (bad)
      return emitError() << "expected '" << entry.key()
                         << "' of its external data to be a number, but got '"
                         << value << "'";
  }
  if (location.empty())
    return emitError() << "its external data has no location";
  bool leaves = llvm::sys::path::is_absolute(location);
  for (StringRef part : llvm::make_range(llvm::sys::path::begin(location),
                                         llvm::sys::path::end(location)))
    leaves |= part == "..";
  if (leaves)
    return emitError() << "its external data at '" << location
                       << "' is outside the model's folder";
  if (length != static_cast<uint64_t>(size))
    return emitError() << "expected " << size
                       << " bytes of external data, but the model says "
                       << length;

  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, location);
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status))
    return emitError() << "cannot open its external data file '" << path
                       << "': " << error.message();
  if (!llvm::sys::fs::is_regular_file(status))
    return emitError() << "its external data '" << path
                       << "' is not a regular file";
  if (offset > status.getSize() || length > status.getSize() - offset)
    return emitError() << "its external data is bytes " << offset << " to "
                       << offset + length << " of '" << path
                       << "', but the file has " << status.getSize();
  auto buffer = llvm::MemoryBuffer::getFileSlice(path, length, offset);
  if (!buffer)
    return emitError() << "cannot read its external data file '" << path
                       << "': " << buffer.getError().message();
  return std::move(*buffer);
}

/// Copies one of the typed fields, after checking its length.
template <typename Field>
static FailureOr<HostTensor> readField(const Field &field, ElementKind kind,
                                       ArrayRef<int64_t> shape, int64_t count,
                                       EmitError emitError) {
  if (field.size() != count)
    return emitError() << "expected " << count << " elements for shape "
                       << toString(shape) << ", but the file has "
                       << field.size();
  HostTensor out(kind, shape);
  for (int64_t i = 0; i < count; ++i) {
    if (isFloat(kind))
      out.set(i, static_cast<double>(field.Get(i)));
    else
      setInt(out, i, static_cast<int64_t>(field.Get(i)));
  }
  return out;
}

static FailureOr<HostTensor> readFields(const TensorProto &tensor,
                                        ElementKind kind,
                                        ArrayRef<int64_t> shape, int64_t count,
                                        EmitError emitError) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return readField(tensor.float_data(), kind, shape, count, emitError);
  case TensorProto::DOUBLE:
    return readField(tensor.double_data(), kind, shape, count, emitError);
  case TensorProto::INT64:
    return readField(tensor.int64_data(), kind, shape, count, emitError);
  case TensorProto::UINT32:
  case TensorProto::UINT64:
    return readField(tensor.uint64_data(), kind, shape, count, emitError);
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16: {
    auto bits = readField(tensor.int32_data(), ElementKind::I16, shape, count,
                          emitError);
    if (failed(bits))
      return failure();
    HostTensor out(kind, shape);
    decode(tensor.data_type(), bits->bytes.data(), out);
    return out;
  }
  default:
    return readField(tensor.int32_data(), kind, shape, count, emitError);
  }
}

FailureOr<HostTensor> readTensor(const TensorProto &tensor, StringRef folder,
                                 EmitError emitError) {
  int32_t type = tensor.data_type();
  std::optional<ElementKind> kind = kindOfDataType(type);
  if (!kind)
    return emitError() << "tensors of " << dataTypeName(type)
                       << " are not supported";
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  std::optional<int64_t> count = countElements(shape);
  if (!count)
    return emitError() << "shape " << toString(shape)
                       << " has a negative extent or more than " << kMaxElements
                       << " elements";
  if (tensor.has_segment())
    return emitError() << "tensors in segments are not supported";

  int64_t size = *count * storedWidth(type);
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    auto buffer = openExternal(tensor, folder, size, emitError);
    if (failed(buffer))
      return failure();
    HostTensor out(*kind, shape);
    decode(type, (*buffer)->getBufferStart(), out);
    return out;
  }
  if (!tensor.has_raw_data())
    return readFields(tensor, *kind, shape, *count, emitError);
  if (static_cast<int64_t>(tensor.raw_data().size()) != size)
    return emitError() << "expected " << size << " bytes for shape "
                       << toString(shape) << " of " << dataTypeName(type)
                       << ", but the file has " << tensor.raw_data().size();
  HostTensor out(*kind, shape);
  decode(type, tensor.raw_data().data(), out);
  return out;
}

void releaseBytes(TensorProto &tensor) {
  std::string().swap(*tensor.mutable_raw_data());
  tensor.clear_float_data();
}

} // namespace dyadic::onnx_import
