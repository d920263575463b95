//===- InputValues.cpp - inputs that the user fixes to a value ------------===//
#include "GraphImporter.h"

#include "TensorReader.h"

#include "dyadic/Support/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dyadic;

/// The numbers of "1,2.5": integers where all of them are.
static std::optional<HostTensor> parseNumbers(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  HostTensor ints(ElementKind::I64, static_cast<int64_t>(parts.size()));
  HostTensor reals(ElementKind::F64, static_cast<int64_t>(parts.size()));
  bool allInts = true;
  for (auto [i, part] : llvm::enumerate(parts)) {
    allInts &= !part.getAsInteger(10, ints.as<int64_t>()[i]);
    if (part.getAsDouble(reals.as<double>()[i]))
      return std::nullopt;
  }
  return allInts ? ints : reals;
}

llvm::Error dyadic::addInputValue(StringRef text, ONNXImportOptions &options) {
  auto [name, value] = text.rsplit('=');
  if (name.empty() || value.empty())
    return llvm::createStringError("expected name=1,2,3 or name=file.npy, but got " +
                                   text);
  if (value.ends_with_insensitive(".npy")) {
    auto array = openNpy(value);
    if (!array)
      return array.takeError();
    auto tensor = (*array)->readAll();
    if (!tensor)
      return tensor.takeError();
    options.values[name] = std::move(*tensor);
    return llvm::Error::success();
  }
  auto numbers = parseNumbers(value);
  if (!numbers)
    return llvm::createStringError(
        "expected numbers or an .npy as the value of '" + name +
        "', but got " + value);
  options.values[name] = std::move(*numbers);
  return llvm::Error::success();
}

namespace dyadic::onnx_import {

/// The tensor in another element type; none where a number would change.
static std::optional<HostTensor> convert(const HostTensor &tensor,
                                         ElementKind kind) {
  if (tensor.kind == kind)
    return tensor;
  HostTensor result(kind, tensor.shape);
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i) {
    result.set(i, tensor.get(i));
    bool rounds = isFloat(kind) && isFloat(tensor.kind);
    if (!rounds && result.get(i) != tensor.get(i))
      return std::nullopt;
  }
  return result;
}

FailureOr<bool> GraphImporter::fixInput(const onnx::ValueInfoProto &input) {
  auto given = options.values.find(input.name());
  if (given == options.values.end())
    return false;
  auto error = [&] {
    return emitError(locOf(input.name()))
           << "input '" << input.name() << "', whose value is given: ";
  };
  const onnx::TypeProto::Tensor &type = input.type().tensor_type();
  auto kind = kindOfDataType(type.elem_type());
  if (!input.type().has_tensor_type() || !kind)
    return error() << "expected a tensor of numbers, but the model has "
                   << (input.type().has_tensor_type()
                           ? dataTypeName(type.elem_type())
                           : "another type");
  auto tensor = convert(given->second, *kind);
  if (!tensor)
    return error() << "expected elements of " << name(*kind) << ", but got "
                   << describe(given->second);
  if (type.has_shape()) {
    // A list of numbers has the shape of the input, where that is known.
    SmallVector<int64_t> shape;
    for (const auto &dim : type.shape().dim())
      shape.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
    if (tensor->shape.size() == 1 && shape.size() != 1 &&
        countElements(shape) == tensor->numElements())
      tensor->shape = shape;
    bool fits = tensor->shape.size() == shape.size() &&
                llvm::all_of(llvm::zip_equal(tensor->shape, shape), [](auto pair) {
                  auto [given, expected] = pair;
                  return expected < 0 || given == expected;
                });
    if (!fits)
      return error() << "expected the shape " << toString(shape) << ", but got "
                     << toString(tensor->shape);
    if (failed(checkSymbols(input, tensor->shape)))
      return failure();
  }
  top.values[input.name()].constant =
      std::make_shared<const HostTensor>(std::move(*tensor));
  return true;
}

} // namespace dyadic::onnx_import
