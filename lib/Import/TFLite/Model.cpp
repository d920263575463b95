//===- Model.cpp ----------------------------------------------------------===//
#include "Model.h"

#include "dyadic/Import/TFLite/ImportTFLite.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <cstring>

using namespace mlir;

namespace dyadic {

bool isTFLite(StringRef bytes) {
  return bytes.size() >= 8 && bytes.substr(4, 4) == tflite::ModelIdentifier();
}

} // namespace dyadic

namespace dyadic::tflite_import {

/// No tensor may have more elements, no shape more dimensions.
constexpr int64_t kMostElements = int64_t{1} << 31;
constexpr size_t kMostDimensions = 8;

StringRef nameOf(tflite::TensorType type) {
  switch (type) {
  case tflite::TensorType::FLOAT32:
    return "float32";
  case tflite::TensorType::FLOAT16:
    return "float16";
  case tflite::TensorType::INT32:
    return "int32";
  case tflite::TensorType::UINT8:
    return "uint8";
  case tflite::TensorType::INT64:
    return "int64";
  case tflite::TensorType::BOOL:
    return "bool";
  case tflite::TensorType::INT16:
    return "int16";
  case tflite::TensorType::INT8:
    return "int8";
  case tflite::TensorType::FLOAT64:
    return "float64";
  case tflite::TensorType::INT4:
    return "int4";
  default:
    return tflite::EnumNameTensorType(type);
  }
}

/// Bits of an element in the file; none for types that aren't read.
static std::optional<int64_t> bitWidth(tflite::TensorType type) {
  switch (type) {
  case tflite::TensorType::INT4:
    return 4;
  case tflite::TensorType::INT8:
  case tflite::TensorType::UINT8:
  case tflite::TensorType::BOOL:
    return 8;
  case tflite::TensorType::INT16:
  case tflite::TensorType::FLOAT16:
    return 16;
  case tflite::TensorType::INT32:
  case tflite::TensorType::FLOAT32:
    return 32;
  case tflite::TensorType::INT64:
  case tflite::TensorType::FLOAT64:
    return 64;
  default:
    return std::nullopt;
  }
}

std::string Tensor::name() const {
  const flatbuffers::String *name = table->name();
  return name && name->size() ? name->str() : "tensor " + std::to_string(number);
}

Shape Tensor::shape() const {
  return llvm::to_vector_of<int64_t>(valuesOf(table->shape()));
}

ArrayRef<float> Tensor::scales() const {
  const tflite::Quantization *q = table->quantization();
  return q ? valuesOf(q->scale()) : ArrayRef<float>();
}

ArrayRef<int64_t> Tensor::zeroPoints() const {
  const tflite::Quantization *q = table->quantization();
  return q ? valuesOf(q->zero_point()) : ArrayRef<int64_t>();
}

int64_t Tensor::quantizedDimension() const {
  return table->quantization()->quantized_dimension();
}

HostTensor Tensor::read() const {
  auto widened = [&](ElementKind kind, auto element) {
    HostTensor result(kind, shape());
    for (int64_t i = 0, e = result.numElements(); i < e; ++i)
      result.set(i, element(i));
    return result;
  };
  if (type() == tflite::TensorType::FLOAT16)
    return widened(ElementKind::F32, [&](int64_t i) {
      uint16_t bits = data[2 * i] | data[2 * i + 1] << 8;
      return llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits))
          .convertToDouble();
    });
  if (type() == tflite::TensorType::INT4)
    return widened(ElementKind::I8, [&](int64_t i) {
      return static_cast<int8_t>((data[i / 2] >> 4 * (i % 2)) << 4) >> 4;
    });
  ElementKind kind = ElementKind::F32;
  switch (type()) {
  case tflite::TensorType::BOOL:
    kind = ElementKind::Bool;
    break;
  case tflite::TensorType::UINT8:
    kind = ElementKind::U8;
    break;
  case tflite::TensorType::INT8:
    kind = ElementKind::I8;
    break;
  case tflite::TensorType::INT16:
    kind = ElementKind::I16;
    break;
  case tflite::TensorType::INT32:
    kind = ElementKind::I32;
    break;
  case tflite::TensorType::INT64:
    kind = ElementKind::I64;
    break;
  case tflite::TensorType::FLOAT64:
    kind = ElementKind::F64;
    break;
  default:
    break;
  }
  HostTensor result(kind, shape());
  std::memcpy(result.bytes.data(), data.data(), result.bytes.size());
  return result;
}

std::string Operator::kind() const {
  return code == tflite::BuiltinOperator::CUSTOM
             ? customName.str()
             : tflite::EnumNameBuiltinOperator(code);
}

/// The product of the extents, or what is wrong with them.
static FailureOr<int64_t> countElements(Location loc, ArrayRef<int64_t> shape) {
  auto text = [&] { return "[" + llvm::join(llvm::map_range(shape, [](int64_t e) {
    return std::to_string(e); }), ", ") + "]"; };
  if (shape.size() > kMostDimensions)
    return emitError(loc) << "expected at most " << kMostDimensions
                          << " dimensions, but got " << shape.size();
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0)
      return emitError(loc) << "expected extents of at least 0, but got "
                            << text();
    if (extent && count > kMostElements / extent)
      return emitError(loc) << "expected at most 2^31 elements, but got "
                            << text();
    count *= extent;
  }
  return count;
}

/// Scales are positive, and there is one or one for each index of a dimension.
static LogicalResult checkQuantization(const Tensor &tensor,
                                       const tflite::Quantization &q,
                                       Location loc) {
  if (q.details_type() != 0)
    return emitError(loc) << "expected scales of a tensor or of a dimension, "
                             "but got blocks or custom quantization";
  size_t count = tensor.scales().size();
  if (count == 0)
    return success();
  for (float scale : tensor.scales())
    if (!(scale > 0) || !std::isnormal(scale))
      return emitError(loc) << "expected a positive scale, but got " << scale;
  size_t zeroPoints = tensor.zeroPoints().size();
  if (zeroPoints != count && zeroPoints > 1)
    return emitError(loc) << "expected " << count << " zero points, but got "
                          << zeroPoints;
  for (int64_t zeroPoint : tensor.zeroPoints())
    if (zeroPoint < -32768 || zeroPoint > 65535)
      return emitError(loc) << "expected a zero point of the tensor's type, "
                               "but got "
                            << zeroPoint;
  if (count == 1)
    return success();
  Shape shape = tensor.shape();
  int64_t dim = tensor.quantizedDimension();
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()) ||
      shape[dim] != static_cast<int64_t>(count))
    return emitError(loc) << "expected one scale for each index of dimension "
                          << dim << ", but got " << count;
  return success();
}

LogicalResult Model::addTensors(const tflite::Model &model,
                                const tflite::SubGraph &graph, StringRef bytes,
                                Location modelLoc) {
  size_t buffers = model.buffers() ? model.buffers()->size() : 0;
  if (!graph.tensors())
    return emitError(modelLoc) << "the graph has no tensors";
  for (const tflite::Tensor *table : *graph.tensors()) {
    ArrayRef<uint8_t> data;
    Tensor unnamed(table, data, tensors.size());
    Location loc = NameLoc::get(
        StringAttr::get(modelLoc.getContext(), unnamed.name()));
    if (table->buffer() >= buffers && table->buffer() != 0)
      return emitError(loc) << "expected a buffer below " << buffers
                            << ", but got " << table->buffer();
    if (table->buffer() < buffers) {
      const tflite::Buffer *buffer = model.buffers()->Get(table->buffer());
      data = valuesOf(buffer->data());
      if (data.empty() && buffer->offset() > 1) {
        uint64_t offset = buffer->offset(), size = buffer->size();
        if (offset > bytes.size() || size > bytes.size() - offset)
          return emitError(loc) << "expected elements inside of the file, but "
                                   "got "
                                << size << " bytes at " << offset;
        data = ArrayRef<uint8_t>(bytes.bytes_begin() + offset, size);
      }
    }
    Tensor tensor(table, data, tensors.size());
    FailureOr<int64_t> count = countElements(loc, tensor.shape());
    if (failed(count))
      return failure();
    if (tensor.isConstant()) {
      if (table->sparsity())
        return emitError(loc) << "expected dense elements, but got sparse ones";
      auto bits = bitWidth(tensor.type());
      if (!bits)
        return emitError(loc) << "expected elements of 32-bit float or of an "
                                 "integer type, but got "
                              << nameOf(tensor.type());
      int64_t wanted = (*count * *bits + 7) / 8;
      if (static_cast<int64_t>(data.size()) != wanted)
        return emitError(loc) << "expected " << wanted << " bytes of elements, "
                              << "but got " << data.size();
    }
    if (table->quantization() &&
        failed(checkQuantization(tensor, *table->quantization(), loc)))
      return failure();
    tensors.push_back(tensor);
  }
  return success();
}

LogicalResult Model::addOperators(const tflite::Model &model,
                                  const tflite::SubGraph &graph, Location loc) {
  auto check = [&](ArrayRef<int32_t> numbers, StringRef what,
                   int32_t least) -> LogicalResult {
    for (int32_t number : numbers)
      if (number < least || number >= static_cast<int64_t>(tensors.size()))
        return emitError(loc) << "expected " << what << " below "
                              << tensors.size() << ", but got " << number;
    return success();
  };
  inputs = valuesOf(graph.inputs());
  outputs = valuesOf(graph.outputs());
  if (failed(check(inputs, "numbers of inputs", 0)) ||
      failed(check(outputs, "numbers of outputs", 0)))
    return failure();
  size_t codes = model.operator_codes() ? model.operator_codes()->size() : 0;
  if (!graph.operators())
    return success();
  for (const tflite::Operator *table : *graph.operators()) {
    if (table->opcode_index() >= codes)
      return emitError(loc) << "expected an operator code below " << codes
                            << ", but got " << table->opcode_index();
    const tflite::OperatorCode *code =
        model.operator_codes()->Get(table->opcode_index());
    // Codes below 127 may stand in the field of the first version.
    auto number = std::max(static_cast<int32_t>(code->builtin_code()),
                           static_cast<int32_t>(code->deprecated_builtin_code()));
    Operator op{static_cast<tflite::BuiltinOperator>(number),
                code->custom_code() ? StringRef(code->custom_code()->c_str(),
                                                code->custom_code()->size())
                                    : StringRef(),
                valuesOf(table->inputs()), valuesOf(table->outputs()), table};
    if (failed(check(op.inputs, "numbers of an operator's inputs", -1)) ||
        failed(check(op.outputs, "numbers of an operator's outputs", 0)))
      return failure();
    operators.push_back(op);
  }
  return success();
}

FailureOr<Model> Model::open(StringRef bytes, Location loc) {
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return emitError(loc) << "expected at most 2 GB, but got " << bytes.size()
                          << " bytes";
  flatbuffers::Verifier verifier(bytes.bytes_begin(), bytes.size());
  if (!isTFLite(bytes) || !tflite::VerifyModelBuffer(verifier))
    return emitError(loc) << "not a TensorFlow Lite model, or a damaged one: "
                             "it is not a valid flatbuffer";
  const tflite::Model &model = *tflite::GetModel(bytes.data());
  if (model.version() != 3)
    return emitError(loc) << "expected a model of version 3, but got "
                          << model.version();
  if (!model.subgraphs() || model.subgraphs()->size() == 0)
    return emitError(loc) << "the model has no graph";
  const tflite::SubGraph &graph = *model.subgraphs()->Get(0);
  Model result;
  if (failed(result.addTensors(model, graph, bytes, loc)) ||
      failed(result.addOperators(model, graph, loc)))
    return failure();
  return result;
}

} // namespace dyadic::tflite_import
