//===- Functions.cpp - calls of the model's own functions -----------------===//
//
// A function is imported anew for each call: its attributes, and so the shapes
// inside, may differ from one to the next.
//
//===----------------------------------------------------------------------===//
#include "ControlFlow.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using onnx::AttributeProto;

namespace dyadic::onnx_import {
namespace {

using Attributes = llvm::StringMap<const AttributeProto *>;

/// What the function's attributes are in this call: the call's own, or the
/// defaults.
FailureOr<Attributes> bindAttributes(NodeImporter &call,
                                     const onnx::FunctionProto &function) {
  Attributes bound;
  llvm::StringSet<> known;
  for (const std::string &name : function.attribute())
    known.insert(name);
  for (const AttributeProto &attribute : function.attribute_proto()) {
    known.insert(attribute.name());
    bound[attribute.name()] = &attribute;
  }
  bool valid = true;
  for (const AttributeProto &attribute : call.getProto().attribute()) {
    if (!known.contains(attribute.name())) {
      call.emitError() << "attribute '" << attribute.name()
                       << "' is not one of the function's";
      valid = false;
    }
    bound[attribute.name()] = &attribute;
  }
  if (!valid)
    return failure();
  return bound;
}

/// Replaces the attributes that name one of the function's by its value; where
/// the call doesn't give it, the node goes without.
void substitute(google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
                const Attributes &bound) {
  for (onnx::NodeProto &node : nodes) {
    auto *attributes = node.mutable_attribute();
    for (int i = attributes->size() - 1; i >= 0; --i) {
      AttributeProto &attribute = (*attributes)[i];
      if (attribute.ref_attr_name().empty()) {
        if (attribute.has_g())
          substitute(*attribute.mutable_g()->mutable_node(), bound);
        continue;
      }
      std::string name = attribute.name();
      const AttributeProto *value = bound.lookup(attribute.ref_attr_name());
      if (!value) {
        attributes->DeleteSubrange(i, 1);
        continue;
      }
      attribute = *value;
      attribute.set_name(name);
    }
  }
}

/// The function as a graph of this call.
onnx::GraphProto bodyOf(const onnx::FunctionProto &function,
                        const Attributes &bound) {
  onnx::GraphProto body;
  body.set_name(function.name());
  *body.mutable_node() = function.node();
  substitute(*body.mutable_node(), bound);
  for (const std::string &input : function.input())
    body.add_input()->set_name(input);
  for (const std::string &output : function.output())
    body.add_output()->set_name(output);
  return body;
}
} // namespace

LogicalResult importCall(GraphImporter &importer, NodeImporter &call,
                         const onnx::FunctionProto &function,
                         ArrayRef<GraphValue *> inputs,
                         MutableArrayRef<GraphValue> results) {
  if (inputs.size() > static_cast<size_t>(function.input_size()) ||
      results.size() > static_cast<size_t>(function.output_size()))
    return call.emitError() << "expected at most " << function.input_size()
                            << " inputs and " << function.output_size()
                            << " outputs, but got " << inputs.size() << " and "
                            << results.size();
  FailureOr<Attributes> bound = bindAttributes(call, function);
  if (failed(bound))
    return failure();
  onnx::GraphProto body = bodyOf(function, *bound);
  int64_t opset = importer.currentScope().opset;
  for (const onnx::OperatorSetIdProto &set : function.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx")
      opset = set.version();

  Scope inside(body, opset);
  Scope &around = importer.currentScope();
  inside.prefix = around.prefix + Node::displayName(call.getProto()) + "/";
  inside.block = around.block;
  SmallVector<GraphValue> arguments;
  for (GraphValue *input : inputs)
    arguments.push_back(input ? *input : GraphValue());
  // An input that the call leaves out is as if the nodes left it out.
  for (int i = 0; i < function.input_size(); ++i)
    if (static_cast<size_t>(i) >= inputs.size() || !inputs[i])
      for (onnx::NodeProto &node : *body.mutable_node())
        for (std::string &read : *node.mutable_input())
          if (read == function.input(i))
            read.clear();
  SmallVector<GraphValue> outputs;
  LogicalResult imported = importer.inlineGraph(inside, arguments, outputs);
  for (auto [result, output] : llvm::zip(results, outputs))
    result = output;
  return imported;
}

} // namespace dyadic::onnx_import
