//===- GraphInputs.cpp - the function's arguments and their shapes --------===//
#include "GraphImporter.h"

#include "TensorReader.h"

#include "dyadic/Dialect/QNN/ComputeBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dyadic::onnx_import {

using Dimension = onnx::TensorShapeProto::Dimension;

/// The extent that the model fixes, if it does. Some exporters write -1 or 0
/// for an open one.
static std::optional<int64_t> fixedExtent(const Dimension &dim) {
  if (dim.has_dim_value() && dim.dim_value() > 0)
    return dim.dim_value();
  return std::nullopt;
}

/// "x: [N, 3, ?, 320], give --shape x=<N>x3x<?>x320"
static std::string describeOpenShape(StringRef name,
                                     const onnx::TensorShapeProto &shape) {
  SmallVector<std::string> dims, flag;
  for (const Dimension &dim : shape.dim()) {
    auto fixed = fixedExtent(dim);
    std::string symbol = dim.dim_param().empty() ? "?" : dim.dim_param();
    dims.push_back(fixed ? std::to_string(*fixed) : symbol);
    flag.push_back(fixed ? std::to_string(*fixed) : "<" + symbol + ">");
  }
  return "\n  '" + name.str() + "' is [" + llvm::join(dims, ", ") +
         "]: give --shape " + name.str() + "=" + llvm::join(flag, "x");
}

FailureOr<Shape>
GraphImporter::resolveInputShape(const onnx::ValueInfoProto &input,
                                 std::string &missing) {
  auto given = options.shapes.find(input.name());
  bool isGiven = given != options.shapes.end();
  const onnx::TypeProto::Tensor &type = input.type().tensor_type();
  auto error = [&] {
    return emitError(locOf(input.name())) << "input '" << input.name() << "': ";
  };
  Shape shape = isGiven ? given->second : Shape();
  if (!type.has_shape()) {
    if (!isGiven)
      missing += "\n  '" + input.name() + "' has no rank: give --shape " +
                 input.name() + "=…";
  } else {
    size_t rank = type.shape().dim_size();
    if (isGiven && shape.size() != rank)
      return error() << "expected a shape of " << rank
                     << " dimensions, but got " << toString(shape);
    shape.resize(rank, -1);
    bool open = false;
    for (auto [extent, dim] : llvm::zip(shape, type.shape().dim())) {
      auto fixed = fixedExtent(dim);
      if (isGiven && fixed && *fixed != extent)
        return error() << "the model fixes a dimension of " << *fixed
                       << ", but the shape given is " << toString(shape);
      open |= !isGiven && !fixed;
      extent = fixed.value_or(extent);
    }
    if (open)
      missing += describeOpenShape(input.name(), type.shape());
    if (open)
      return shape;
  }
  if ((isGiven || type.has_shape()) && !countElements(shape))
    return error() << "shape " << toString(shape) << " has more than "
                   << kMaxElements << " elements";
  return shape;
}

LogicalResult GraphImporter::checkSymbols(const onnx::ValueInfoProto &input,
                                          ArrayRef<int64_t> shape) {
  for (auto [extent, dim] :
       llvm::zip(shape, input.type().tensor_type().shape().dim())) {
    // "?" and the like stand for nothing in particular.
    StringRef symbol = dim.dim_param();
    if (fixedExtent(dim) || symbol.empty() || symbol == "?")
      continue;
    auto [it, isNew] = symbols.try_emplace(symbol, extent, input.name());
    if (!isNew && it->second.first != extent)
      return emitError(locOf(input.name()))
             << "dimension '" << symbol << "' is " << extent << " in input '"
             << input.name() << "', but " << it->second.first << " in '"
             << it->second.second << "'";
  }
  return success();
}

LogicalResult GraphImporter::addInputs() {
  std::string missing;
  bool valid = true;
  llvm::StringMap<bool> known;
  for (const onnx::ValueInfoProto &input : graph.input()) {
    if (top.initializers.count(input.name()))
      continue;
    known[input.name()] = true;
    auto isFixed = fixInput(input);
    if (failed(isFixed) || *isFixed) {
      valid &= succeeded(isFixed);
      continue;
    }
    int32_t type = input.type().tensor_type().elem_type();
    Type element = input.type().has_tensor_type()
                       ? borderElement(type, builder.getContext())
                       : Type();
    if (!element) {
      valid = false;
      emitError(locOf(input.name()))
          << "expected input '" << input.name()
          << "' to be a tensor of floats, integers of 8 to 64 bits or BOOL, but "
             "got "
          << (input.type().has_tensor_type() ? dataTypeName(type)
                                             : "another type");
      continue;
    }
    auto shape = resolveInputShape(input, missing);
    if (failed(shape) ||
        (missing.empty() && failed(checkSymbols(input, *shape)))) {
      valid = false;
      continue;
    }
    if (!missing.empty())
      continue;
    auto tensorType = RankedTensorType::get(*shape, element);
    unsigned index = function.getNumArguments();
    (void)function.insertArgument(index, tensorType, {}, locOf(input.name()));
    function.setArgAttr(index, kNameAttr, builder.getStringAttr(input.name()));
    Value argument = function.getArgument(index);
    // Floats of 16 bits are computed with as f32.
    if (element.isF16() || element.isBF16())
      argument = qnn::buildCast(builder, argument.getLoc(), argument,
                                builder.getF32Type());
    top.values[input.name()].value = argument;
  }
  if (!missing.empty()) {
    emitError(module.getLoc())
        << "the model leaves input shapes open:" << missing;
    valid = false;
  }
  auto checkName = [&](StringRef what, StringRef name) {
    if (known.count(name))
      return;
    SmallVector<StringRef> names(known.keys());
    llvm::sort(names);
    emitError(module.getLoc())
        << what << " is given for '" << name
        << "', but the model's inputs are: " << llvm::join(names, ", ");
    valid = false;
  };
  for (StringRef name : options.shapes.keys())
    checkName("a shape", name);
  for (StringRef name : options.values.keys())
    checkName("a value", name);
  return success(valid);
}

} // namespace dyadic::onnx_import
