//===- Node.cpp -----------------------------------------------------------===//
#include "Node.h"

using namespace mlir;
using onnx::AttributeProto;

namespace dyadic::onnx_import {

std::string Node::displayName(const onnx::NodeProto &proto) {
  if (!proto.name().empty())
    return proto.name();
  for (const std::string &output : proto.output())
    if (!output.empty())
      return output;
  return proto.op_type();
}

InFlightDiagnostic Node::emitError() const {
  return mlir::emitError(loc) << getOpType() << ": ";
}

LogicalResult Node::unsupported(const llvm::Twine &what) const {
  return emitError() << what.str() << " is not supported";
}

LogicalResult Node::reserve(int64_t bytes) const {
  if (mlir::failed(checkAllowance(bytes, 1)))
    return failure();
  allowance.take(bytes);
  return success();
}

LogicalResult Node::checkAllowance(int64_t count, int64_t bytes) const {
  if (bytes == 0 || (count <= INT64_MAX / bytes && allowance.has(count * bytes)))
    return success();
  return emitError() << "needs a constant of " << count << " times " << bytes
                     << " bytes: that is more than a model with so few weights "
                        "may come to";
}

static StringRef typeName(AttributeProto::AttributeType type) {
  switch (type) {
  case AttributeProto::FLOAT:
    return "a float";
  case AttributeProto::INT:
    return "an integer";
  case AttributeProto::STRING:
    return "a string";
  case AttributeProto::TENSOR:
    return "a tensor";
  case AttributeProto::GRAPH:
    return "a graph";
  case AttributeProto::FLOATS:
    return "floats";
  case AttributeProto::STRINGS:
    return "strings";
  case AttributeProto::INTS:
    return "integers";
  default:
    return "another type";
  }
}

/// Files of the first IR versions leave the type out.
static AttributeProto::AttributeType
typeOf(const AttributeProto &attribute, AttributeProto::AttributeType hint) {
  return attribute.has_type() ? attribute.type() : hint;
}

const AttributeProto *Node::find(StringRef name,
                                 AttributeProto::AttributeType type) {
  used.insert(name);
  for (const AttributeProto &attribute : proto.attribute()) {
    if (attribute.name() != name)
      continue;
    if (typeOf(attribute, type) == type)
      return &attribute;
    emitError() << "expected attribute '" << name << "' to be "
                << typeName(type) << ", but got " << typeName(attribute.type());
    failed = true;
    return nullptr;
  }
  return nullptr;
}

bool Node::has(StringRef name) {
  for (const AttributeProto &attribute : proto.attribute())
    if (attribute.name() == name)
      return true;
  return false;
}

int64_t Node::getInt(StringRef name, int64_t fallback) {
  const AttributeProto *found = find(name, AttributeProto::INT);
  return found ? found->i() : fallback;
}

float Node::getFloat(StringRef name, float fallback) {
  const AttributeProto *found = find(name, AttributeProto::FLOAT);
  return found ? found->f() : fallback;
}

std::string Node::getString(StringRef name, StringRef fallback) {
  const AttributeProto *found = find(name, AttributeProto::STRING);
  return found ? found->s() : fallback.str();
}

Shape Node::getInts(StringRef name, ArrayRef<int64_t> fallback) {
  const AttributeProto *found = find(name, AttributeProto::INTS);
  return found ? Shape(found->ints().begin(), found->ints().end())
               : Shape(fallback);
}

SmallVector<std::string> Node::getStrings(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::STRINGS);
  return found ? SmallVector<std::string>(found->strings().begin(),
                                          found->strings().end())
               : SmallVector<std::string>();
}

SmallVector<float> Node::getFloats(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::FLOATS);
  return found ? SmallVector<float>(found->floats().begin(),
                                    found->floats().end())
               : SmallVector<float>();
}

const onnx::TensorProto *Node::getTensor(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::TENSOR);
  return found ? &found->t() : nullptr;
}

const onnx::GraphProto *Node::getGraph(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::GRAPH);
  return found ? &found->g() : nullptr;
}

LogicalResult Node::finish() {
  for (const AttributeProto &attribute : proto.attribute()) {
    if (used.contains(attribute.name()))
      continue;
    emitError() << "attribute '" << attribute.name() << "' is not supported";
    failed = true;
  }
  return success(!failed);
}

} // namespace dyadic::onnx_import
