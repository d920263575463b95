//===- GraphImporter.cpp --------------------------------------------------===//
#include "GraphImporter.h"

#include "GraphOrder.h"
#include "OpRegistry.h"
#include "TensorReader.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyadic::onnx_import {

GraphImporter::GraphImporter(onnx::GraphProto &graph, int64_t opset,
                             StringRef folder, const ONNXImportOptions &options,
                             ModuleOp module)
    : graph(graph), opset(opset), folder(folder), options(options),
      module(module), builder(module.getContext()) {}

Location GraphImporter::locOf(StringRef name) {
  return NameLoc::get(builder.getStringAttr(name));
}

LogicalResult GraphImporter::run() {
  auto nodes = orderNodes(graph, module.getLoc());
  if (failed(nodes))
    return failure();
  for (onnx::TensorProto &tensor : *graph.mutable_initializer())
    initializers[tensor.name()] = &tensor;
  function = func::FuncOp::create(builder, module.getLoc(), "main",
                                  builder.getFunctionType({}, {}));
  module.push_back(function);
  builder.setInsertionPointToEnd(function.addEntryBlock());
  if (failed(addInputs()))
    return failure();
  countUses(*nodes);

  // A failed node leaves its results unknown; what depends on them is passed
  // over, so each message is about a fault of its own.
  bool valid = true;
  for (const onnx::NodeProto *node : *nodes) {
    valid &= succeeded(importNode(*node));
    release(*node);
  }
  return valid ? addOutputs() : failure();
}

void GraphImporter::countUses(ArrayRef<const onnx::NodeProto *> nodes) {
  for (const onnx::NodeProto *node : nodes)
    for (const std::string &input : node->input())
      ++uses[input];
  for (const onnx::ValueInfoProto &output : graph.output())
    ++uses[output.name()];
}

void GraphImporter::release(const onnx::NodeProto &proto) {
  for (const std::string &input : proto.input())
    if (--uses[input] == 0)
      values.erase(input);
}

FailureOr<GraphValue *> GraphImporter::lookup(StringRef name) {
  auto [it, isNew] = values.try_emplace(name);
  GraphValue &value = it->second;
  auto found = initializers.find(name);
  if (!isNew || found == initializers.end())
    return &value;
  auto tensor = readTensor(*found->second, folder, [&] {
    return emitError(locOf(name)) << "initializer '" << name << "': ";
  });
  if (failed(tensor))
    return failure();
  releaseBytes(*found->second);
  value.constant = std::make_shared<const HostTensor>(std::move(*tensor));
  return &value;
}

static bool anyRunTime(ArrayRef<GraphValue *> inputs) {
  return llvm::any_of(inputs,
                      [](GraphValue *v) { return v && v->isRunTime(); });
}

constexpr StringLiteral kRunTimeOperand = "an operand";

LogicalResult GraphImporter::importNode(const onnx::NodeProto &proto) {
  SmallVector<GraphValue *> inputs;
  bool valid = true;
  for (const std::string &name : proto.input()) {
    if (name.empty()) {
      inputs.push_back(nullptr);
      continue;
    }
    auto value = lookup(name);
    valid &= succeeded(value);
    inputs.push_back(succeeded(value) ? *value : nullptr);
  }
  SmallVector<bool> usedOutputs;
  for (const std::string &name : proto.output())
    usedOutputs.push_back(!name.empty() && uses.count(name));
  SmallVector<GraphValue> results(proto.output_size());
  valid =
      valid && succeeded(foldOrConvert(proto, inputs, usedOutputs, results));
  for (auto [name, result] : llvm::zip(proto.output(), results)) {
    result.dependsOnInputs = !result.isKnown() && anyRunTime(inputs);
    if (!name.empty() && uses.count(name))
      values[name] = result;
  }
  return success(valid);
}

LogicalResult GraphImporter::foldOrConvert(
    const onnx::NodeProto &proto, ArrayRef<GraphValue *> inputs,
    ArrayRef<bool> usedOutputs, SmallVectorImpl<GraphValue> &results) {
  NodeImporter node(proto, opset, locOf(Node::displayName(proto)), builder,
                    inputs, usedOutputs);
  bool standard = proto.domain().empty() || proto.domain() == "ai.onnx";
  const FoldEntry *folder = standard ? lookupFold(proto.op_type()) : nullptr;
  const OpEntry *entry = standard ? lookupOp(proto.op_type(), opset) : nullptr;
  if (!folder && !entry) {
    if (!standard)
      return emitError(node.getLoc())
             << "op '" << proto.domain() << "." << proto.op_type()
             << "' is not supported";
    return emitError(node.getLoc())
           << "op '" << proto.op_type() << "' of opset " << opset
           << " is not supported";
  }
  bool onlyShape = proto.op_type() == "Shape" || proto.op_type() == "Size";
  // What this one reads failed before and was reported then.
  if (llvm::any_of(inputs, [](GraphValue *v) { return v && !v->isKnown(); })) {
    if (!entry && !onlyShape && anyRunTime(inputs))
      return reportMustBeKnown(node, inputs, kRunTimeOperand);
    return success();
  }
  bool allConstant =
      llvm::all_of(inputs, [](GraphValue *v) { return !v || v->constant; });
  if (folder && (allConstant || onlyShape)) {
    HostTensor placeholder;
    SmallVector<const HostTensor *> tensors;
    for (GraphValue *input : inputs)
      tensors.push_back(input ? input->constant.get() : nullptr);
    if (onlyShape && !inputs.empty() && inputs[0] && !inputs[0]->constant) {
      // Shape and Size look at nothing else.
      placeholder.shape = Shape(inputs[0]->shape());
      tensors[0] = &placeholder;
    }
    FoldContext context{node, tensors, results.size(), this->folder, {}};
    if (failed(foldNode(*folder, context)))
      return failure();
    for (auto [result, tensor] : llvm::zip(results, context.results))
      result.constant = std::make_shared<const HostTensor>(std::move(tensor));
    return success();
  }
  if (!entry)
    return reportMustBeKnown(node, inputs, kRunTimeOperand);
  if (failed(convertNode(*entry, node)))
    return failure();
  for (auto [result, value] : llvm::zip(results, node.getOutputs()))
    result.value = value;
  if (!results.empty() && node.getKnownOutput())
    results.front().constant = node.getKnownOutput();
  return success();
}

LogicalResult GraphImporter::addOutputs() {
  SmallVector<Value> operands;
  SmallVector<std::string> names;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    auto value = lookup(output.name());
    if (failed(value))
      return failure();
    if (!(*value)->value) {
      const HostTensor &tensor = *(*value)->constant;
      if (tensor.kind != ElementKind::F32)
        return emitError(locOf(output.name()))
               << "expected output '" << output.name()
               << "' to be float32, but got " << describe(tensor);
      onnx::NodeProto proto;
      proto.set_op_type("Constant");
      NodeImporter node(proto, opset, locOf(output.name()), builder, {}, {});
      (*value)->value = node.constantTensor(tensor);
      if (!(*value)->value)
        return failure();
    }
    if (isInteger((*value)->value))
      return emitError(locOf(output.name()))
             << "expected output '" << output.name()
             << "' to be float32, but got " << (*value)->value.getType();
    operands.push_back((*value)->value);
    names.push_back(output.name());
  }
  if (operands.empty())
    return emitError(module.getLoc()) << "the graph has no outputs";
  func::ReturnOp::create(builder, module.getLoc(), operands);
  function.setType(builder.getFunctionType(
      function.getBody().getArgumentTypes(), ValueRange(operands).getTypes()));
  for (auto [i, name] : llvm::enumerate(names))
    function.setResultAttr(i, kNameAttr, builder.getStringAttr(name));
  return success();
}

} // namespace dyadic::onnx_import
